package live

import (
	"context"
	"fmt"
	"io"
	"time"
)

// Reel is a recording: fragmented MP4 that can be read from several places on.
type Reel interface {
	io.ReadSeeker
	// Head is how many bytes must be read before any other.
	Head() int64
	// At is where to read on for a time, and the time of the picture that is there.
	At(t time.Duration) (offset int64, at time.Duration)
}

// Play gives put the pictures of a recording from a time on, each with its time, as fast as they were
// taken, until its end (nil), ctx's, or put fails. ErrBusy when others play and do not end.
func (s *Studio) Play(ctx context.Context, reel Reel, from time.Duration, as Sight, put func(jpeg []byte, at time.Duration) error) error {
	wait := time.NewTimer(turnTime)
	defer wait.Stop()
	select {
	case s.films <- struct{}{}:
		defer func() { <-s.films }()
	case <-wait.C:
		return ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
	offset, at := reel.At(from)
	as = as.bounded()
	d := decoder{
		program: s.opts.FFmpeg,
		input:   []string{"-f", "mp4"},
		filter:  fmt.Sprintf("fps=%d,", as.Rate) + scaled(as),
		output:  []string{"-an"},
		feed: func(_ context.Context, to io.Writer) error {
			if err := copyFrom(to, reel, 0, reel.Head()); err != nil {
				return err
			}
			return copyFrom(to, reel, offset, -1)
		},
	}
	step := time.Second / time.Duration(as.Rate)
	var begun time.Time // when the first picture was given
	return d.run(ctx, func(jpeg []byte) error {
		this := at
		at += step
		if this+step <= from { // it only led up to the one that was asked for
			return nil
		}
		if begun.IsZero() {
			begun = time.Now().Add(-this)
		}
		if err := pace(ctx, begun.Add(this)); err != nil {
			return err
		}
		return put(jpeg, this)
	})
}

// copyFrom copies n bytes from an offset on; -1 is all.
func copyFrom(to io.Writer, reel Reel, offset, n int64) error {
	if _, err := reel.Seek(offset, io.SeekStart); err != nil {
		return fmt.Errorf("live: film: %w", err)
	}
	if n < 0 {
		_, err := io.Copy(to, reader{reel})
		return err
	}
	_, err := io.CopyN(to, reader{reel}, n)
	return err
}

// reader hides what else a reel can do: a copy must go through memory in small pieces.
type reader struct{ io.Reader }
