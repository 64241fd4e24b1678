package live

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/ingle-home/ingle/hub/stream"
)

const (
	maxJPEG   = 4 << 20
	maxPixels = 16 << 20 // of what is decoded: 70 bytes can claim a picture that takes a gigabyte
	niceness  = 10       // nobody's call may wait for a tile
)

// decoder is one ffmpeg: it takes what feed writes and gives JPEGs. Pictures touch no file, and its
// arguments tell nothing about them.
type decoder struct {
	program       string
	input, output []string
	filter        string
	feed          func(ctx context.Context, to io.Writer) error
}

// scaled fits pictures into a size, in their own shape.
func scaled(s Sight) string {
	return fmt.Sprintf("scale=%d:%d:force_original_aspect_ratio=decrease:force_divisible_by=2:flags=fast_bilinear,setsar=1,format=yuvj420p", s.Width, s.Height)
}

// run gives put each picture until feed has no more (nil), something fails or ctx ends. When it returns
// the process has ended.
func (d decoder) run(ctx context.Context, put func(jpeg []byte) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	args := append([]string{"-hide_banner", "-loglevel", "error", "-threads", "1", "-protocol_whitelist", "pipe",
		"-max_pixels", strconv.Itoa(maxPixels)}, d.input...)
	args = append(append(args, "-i", "pipe:0", "-vf", d.filter), d.output...)
	cmd := exec.CommandContext(ctx, d.program, append(args, "-threads", "1", "-q:v", "6", "-flush_packets", "1", "-f", "mpjpeg", "pipe:1")...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	cmd.WaitDelay = time.Second
	said := &tail{}
	cmd.Stderr = said
	in, out, err := begin(cmd)
	if err != nil {
		return err
	}
	var fed error
	var feeding sync.WaitGroup
	feeding.Go(func() {
		fed = d.feed(ctx, in)
		if fed != nil && !errors.Is(fed, syscall.EPIPE) { // nothing more is worth decoding
			cancel()
		}
		_ = in.Close() // it may have ended already
	})
	shown := pictures(bufio.NewReaderSize(out, 64<<10), put)
	if shown != nil && !errors.Is(shown, io.EOF) {
		cancel()
	}
	ended := cmd.Wait()
	cancel()
	feeding.Wait()
	return why(fed, shown, ended, said)
}

// begin starts the process with a pipe at both of its ends.
func begin(cmd *exec.Cmd) (in io.WriteCloser, out io.Reader, err error) {
	if in, err = cmd.StdinPipe(); err != nil {
		return nil, nil, fmt.Errorf("live: ffmpeg: %w", err)
	}
	if out, err = cmd.StdoutPipe(); err != nil {
		return nil, nil, fmt.Errorf("live: ffmpeg: %w", err)
	}
	if err = cmd.Start(); errors.Is(err, exec.ErrNotFound) {
		return nil, nil, stream.ErrNoFFmpeg
	} else if err != nil {
		return nil, nil, fmt.Errorf("live: ffmpeg: %w", err)
	}
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, cmd.Process.Pid, niceness) // it works all the same
	return in, out, nil
}

// why says how a decoder ended: nil when all was shown.
func why(fed, shown, ended error, said *tail) error {
	switch {
	case shown != nil && !errors.Is(shown, io.EOF):
		return shown
	case fed != nil && !errors.Is(fed, syscall.EPIPE):
		return fed
	case ended != nil:
		return fmt.Errorf("live: ffmpeg: %w: %s", ended, strings.TrimSpace(said.String()))
	}
	return nil
}

// pictures reads ffmpeg's multipart stream: before each picture stands how long it is. io.EOF is its end.
func pictures(r *bufio.Reader, put func(jpeg []byte) error) error {
	n := 0
	for {
		line, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("live: pictures: %w", err)
		case err != nil:
			return io.EOF // ffmpeg's own error tells more
		}
		name, value, _ := strings.Cut(strings.TrimSpace(string(line)), ":")
		switch {
		case strings.EqualFold(name, "content-length"):
			if n, err = strconv.Atoi(strings.TrimSpace(value)); err != nil || n <= 0 || n > maxJPEG {
				return fmt.Errorf("live: a picture of %q bytes", value)
			}
		case name == "" && n > 0:
			jpeg := make([]byte, n)
			if _, err := io.ReadFull(r, jpeg); err != nil {
				return io.EOF
			}
			n = 0
			if err := put(jpeg); err != nil {
				return err
			}
		}
	}
}

// tail is the end of what a program says. The buffer is not embedded: its ReadFrom would go round the limit.
type tail struct{ buf bytes.Buffer }

// Write keeps the last few words.
func (t *tail) Write(p []byte) (int, error) {
	if t.buf.Len() > 4096 {
		t.buf.Reset()
	}
	return t.buf.Write(p[max(0, len(p)-1024):])
}

func (t *tail) String() string { return t.buf.String() }
