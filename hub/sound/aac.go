package sound

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
)

// ErrNoFFmpeg means that a camera's AAC cannot be decoded until ffmpeg is installed.
var ErrNoFFmpeg = errors.New("sound in AAC needs ffmpeg, which is not installed")

const (
	aacFrame    = 1024 // samples in an access unit of AAC-LC (ISO/IEC 14496-3, 4.5.2.1)
	adtsHead    = 7    // bytes
	mostAAC     = 1<<13 - 1 - adtsHead
	aacBehind   = 64               // units on their way through the process at most
	aacPatience = 10 * time.Second // for a process that takes and gives nothing
	aacPause    = 5 * time.Second  // between two starts of the process, by the camera's clock
)

// aac is one ffmpeg that decodes one camera's AAC-LC. It sees sound only: pipes, no address, no name.
type aac struct {
	head    [adtsHead]byte
	from    int // the camera's samples a second
	to      int // ours
	in      chan []byte
	cancel  context.CancelFunc
	tasks   sync.WaitGroup
	written int64 // units

	mu    sync.Mutex
	raw   []byte   // decoded and not yet fetched
	given int64    // samples that were fetched
	waits []queued // units whose samples have not all been fetched
	moved time.Time
	err   error // why the process ended
}

type queued struct {
	pts time.Duration
	end int64 // the sample behind its last
}

// decoded is what a unit sounds like.
type decoded struct {
	pts time.Duration
	pcm []int16
}

// startAAC runs a decoder for sound that an AudioSpecificConfig describes.
func startAAC(ctx context.Context, program string, config []byte, rate int) (*aac, error) {
	a := &aac{to: rate, in: make(chan []byte, aacBehind), moved: time.Now()}
	if err := a.describe(config); err != nil {
		return nil, err
	}
	ctx, a.cancel = context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, program, "-v", "error", "-nostdin", "-threads", "1", "-protocol_whitelist", "pipe",
		"-fflags", "nobuffer", "-flags", "low_delay", "-probesize", "256", "-analyzeduration", "0", "-f", "aac", "-i", "pipe:0",
		"-map", "0:a:0", "-ac", "1", "-ar", strconv.Itoa(rate), "-f", "s16le", "-flush_packets", "1", "pipe:1")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	cmd.WaitDelay = time.Second
	in, err := cmd.StdinPipe()
	if err == nil {
		cmd.Stdout = (*decodedWriter)(a)
		err = cmd.Start()
	}
	if err != nil {
		a.cancel()
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			err = ErrNoFFmpeg
		}
		return nil, fmt.Errorf("sound: aac: %w", err)
	}
	a.tasks.Go(func() { a.feed(ctx, in) })
	a.tasks.Go(func() {
		err := cmd.Wait()
		a.cancel()
		a.mu.Lock()
		defer a.mu.Unlock()
		a.err = fmt.Errorf("sound: aac: ffmpeg ended: %w", errors.Join(err, ctx.Err()))
	})
	return a, nil
}

// describe makes the header that stands before each unit (ADTS, ISO/IEC 14496-3, 1.A.3.2) of an
// AudioSpecificConfig (1.6.2.1).
func (a *aac) describe(config []byte) error {
	const lc, sbr, parametric = 2, 5, 29
	if len(config) < 2 {
		return fmt.Errorf("%w: AAC without its configuration", ErrCodec)
	}
	kind, index, channels := config[0]>>3, config[0]&7<<1|config[1]>>7, config[1]>>3&0x0f
	rates := [...]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}
	short := kind == lc && config[1]&4 != 0 // 960 samples
	if kind != lc && kind != sbr && kind != parametric || int(index) >= len(rates) || channels == 0 || channels > 2 || short {
		return fmt.Errorf("%w: AAC of type %d, rate %d, %d channels", ErrCodec, kind, index, channels)
	}
	a.from = rates[index]
	a.head = [adtsHead]byte{0xff, 0xf1, (lc-1)<<6 | index<<2 | channels>>2, channels & 3 << 6, 0, 0x1f, 0xfc}
	return nil
}

// write hands a unit to the process and never waits for it.
func (a *aac) write(u *media.Unit) error {
	if len(u.Sound) == 0 || len(u.Sound) > mostAAC {
		return fmt.Errorf("sound: aac: a unit of %d bytes", len(u.Sound))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.err != nil:
		return a.err
	case len(a.waits) >= aacBehind && time.Since(a.moved) > aacPatience:
		return errors.New("sound: aac: ffmpeg stands still")
	case len(a.waits) >= 4*aacBehind:
		return errors.New("sound: aac: ffmpeg does not keep up")
	}
	b := append(make([]byte, 0, adtsHead+len(u.Sound)), a.head[:]...)
	n := adtsHead + len(u.Sound)
	b[3] |= byte(n >> 11)
	b[4] = byte(n >> 3)
	b[5] |= byte(n << 5)
	select {
	case a.in <- append(b, u.Sound...):
	default:
		return nil // left out: a gap
	}
	a.written++
	a.waits = append(a.waits, queued{u.PTS, a.written * aacFrame * int64(a.to) / int64(a.from)})
	return nil
}

// feed writes units to the process until ctx ends.
func (a *aac) feed(ctx context.Context, in io.WriteCloser) {
	defer in.Close()
	for {
		select {
		case b := <-a.in:
			if _, err := in.Write(b); err != nil {
				return // the process has ended, which its Wait tells
			}
		case <-ctx.Done():
			return
		}
	}
}

// decodedWriter takes what the process gives.
type decodedWriter aac

func (w *decodedWriter) Write(b []byte) (int, error) {
	const most = 1 << 20 // bytes, more than the units on their way can make
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.raw)+len(b) > most {
		return 0, errors.New("sound: aac: too much comes back")
	}
	w.raw, w.moved = append(w.raw, b...), time.Now()
	return len(b), nil
}

// read gives the units that are decoded as a whole.
func (a *aac) read() []decoded {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []decoded
	for len(a.waits) > 0 {
		n := int(a.waits[0].end - a.given)
		if len(a.raw) < 2*n {
			break
		}
		pcm := make([]int16, n)
		for i := range pcm {
			pcm[i] = int16(binary.LittleEndian.Uint16(a.raw[2*i:]))
		}
		list = append(list, decoded{a.waits[0].pts, pcm})
		a.raw, a.given, a.waits = a.raw[2*n:], a.given+int64(n), a.waits[1:]
	}
	return list
}

// close ends the process and waits for it.
func (a *aac) close() {
	a.cancel()
	a.tasks.Wait()
}
