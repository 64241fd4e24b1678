package stream

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
)

const (
	snapshotAge   = 5 * time.Second
	snapshotLimit = 8 // sizes kept at once
	maxSide       = 4096
	maxJPEG       = 16 << 20
	maxPixels     = 16 << 20 // of a key frame: 70 bytes can claim a picture that takes ffmpeg a gigabyte
)

type size struct{ width, height int }

type snapshot struct {
	jpeg []byte
	at   time.Time
}

// snapshots is the picture cache. turn lets one decode run at a time.
type snapshots struct {
	turn chan struct{}
	mu   *sync.Mutex
	kept map[size]snapshot
}

func newSnapshots() snapshots {
	return snapshots{turn: make(chan struct{}, 1), mu: new(sync.Mutex), kept: make(map[size]snapshot)}
}

func (c *snapshots) wipe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.kept)
}

func (c *snapshots) get(sz size) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if have, ok := c.kept[sz]; ok && time.Since(have.at) < snapshotAge {
		return have.jpeg
	}
	return nil
}

func (c *snapshots) put(sz size, jpeg []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.kept) >= snapshotLimit {
		clear(c.kept)
	}
	c.kept[sz] = snapshot{jpeg, time.Now()}
}

// Snapshot is the newest key frame as a JPEG of exactly width × height pixels, with black bars where
// the shapes differ. It may be up to 5 s old; one decode runs at a time. The bytes are shared and
// must not be changed.
func (s *Source) Snapshot(ctx context.Context, width, height int) ([]byte, error) {
	if width < 16 || height < 16 || width > maxSide || height > maxSide {
		return nil, fmt.Errorf("stream: snapshot of %d × %d pixels: sides go from 16 to %d", width, height, maxSide)
	}
	sz := size{width, height}
	if jpeg, err := s.keptSnapshot(sz); jpeg != nil || err != nil {
		return jpeg, err
	}
	select {
	case s.snapshots.turn <- struct{}{}:
		defer func() { <-s.snapshots.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if jpeg, err := s.keptSnapshot(sz); jpeg != nil || err != nil {
		return jpeg, err // made while we waited
	}
	key, err := s.KeyFrame(ctx)
	if err != nil {
		return nil, fmt.Errorf("stream: snapshot: %w", err)
	}
	jpeg, err := decode(ctx, s.opts.FFmpeg, key, sz)
	if err != nil {
		return nil, fmt.Errorf("stream: snapshot: %w", err)
	}
	// Under the lock of Pause, so that a picture taken before it cannot enter the cache after it.
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.barred(); err != nil {
		return nil, err
	}
	s.snapshots.put(sz, jpeg)
	return jpeg, nil
}

func (s *Source) keptSnapshot(sz size) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.barred(); err != nil {
		return nil, err
	}
	return s.snapshots.get(sz), nil
}

// decode makes a JPEG of a key unit.
func decode(ctx context.Context, program string, key *media.Unit, sz size) ([]byte, error) {
	// Bars are added in full colour resolution, where odd sizes are possible.
	scale := fmt.Sprintf("scale=%d:%d:force_original_aspect_ratio=decrease,format=yuvj444p,"+
		"pad=%d:%d:-1:-1:color=black,setsar=1,format=yuvj420p",
		sz.width, sz.height, sz.width, sz.height)
	return convert(ctx, program, key, "-vf", scale, "-q:v", "4", "-f", "mjpeg")
}

// Grey decodes a key unit to a small grey picture of width × height pixels, a byte each, row by row; the
// shape is not kept. Program is the ffmpeg to use, "" for the one in the PATH.
func Grey(ctx context.Context, program string, key *media.Unit, width, height int) ([]byte, error) {
	scale := fmt.Sprintf("scale=%d:%d:flags=area,format=gray", width, height)
	raw, err := convert(ctx, cmp.Or(program, "ffmpeg"), key, "-vf", scale, "-f", "rawvideo")
	if err == nil && len(raw) != width*height {
		err = fmt.Errorf("ffmpeg gave %d bytes for %d × %d pixels", len(raw), width, height)
	}
	if err != nil {
		return nil, fmt.Errorf("stream: grey: %w", err)
	}
	return raw, nil
}

// convert runs ffmpeg with pipes only: pictures touch no file, and its arguments tell nothing.
func convert(ctx context.Context, program string, key *media.Unit, how ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	args := append([]string{"-hide_banner", "-loglevel", "error", "-threads", "1", "-protocol_whitelist", "pipe",
		"-max_pixels", strconv.Itoa(maxPixels), "-f", "h264", "-i", "pipe:0", "-frames:v", "1"}, how...)
	cmd := exec.CommandContext(ctx, program, append(args, "pipe:1")...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	cmd.WaitDelay = time.Second
	cmd.Stdin = bytes.NewReader(annexB(key))
	out, said := &limited{max: maxJPEG}, &limited{max: 4096}
	cmd.Stdout, cmd.Stderr = out, said
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, ErrNoFFmpeg
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("ffmpeg: %w: %s", err, strings.TrimSpace(said.buf.String()))
	case out.buf.Len() == 0:
		return nil, fmt.Errorf("ffmpeg made no picture: %s", strings.TrimSpace(said.buf.String()))
	}
	return out.buf.Bytes(), nil
}

// annexB writes a key unit with its parameter sets as ITU-T H.264, annex B.
func annexB(key *media.Unit) []byte {
	var b []byte
	for _, nal := range append([][]byte{key.Track.SPS, key.Track.PPS}, key.NALs...) {
		b = append(append(b, 0, 0, 0, 1), nal...)
	}
	return b
}

// limited is a buffer that refuses to grow beyond max bytes. The buffer is not embedded: its ReadFrom
// would go round the limit.
type limited struct {
	buf bytes.Buffer
	max int
}

// Write appends or refuses.
func (l *limited) Write(p []byte) (int, error) {
	if l.buf.Len()+len(p) > l.max {
		return 0, errors.New("too much output")
	}
	return l.buf.Write(p)
}
