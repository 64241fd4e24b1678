package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/stream"
)

// show is a camera whose pictures are decoded.
type show struct {
	seen
	viewers int  // guarded by the studio's mu
	crowded bool // another camera had to have its place; likewise
	end     context.CancelFunc

	mu      sync.Mutex
	newest  []byte
	n       int // counts the pictures
	err     error
	changed chan struct{} // closed at the next picture, and at the end
}

// now gives the newest picture, its number, and what closes when there is another; err ends it.
func (s *show) now() (jpeg []byte, n int, changed <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.newest, s.n, s.changed, s.err
}

func (s *show) put(jpeg []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest = jpeg
	s.n++
	close(s.changed)
	s.changed = make(chan struct{})
	return nil
}

// over tells those who look that no more comes, and lets go of the last picture.
func (s *show) over(err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		err = stream.ErrClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.newest = err, nil
	close(s.changed)
}

// run decodes until ctx ends or there is nothing to decode.
func (s *show) run(ctx context.Context, program string, source *stream.Source) error {
	// Pictures are timed by when they come: what a camera says about its pace is often not true. One is
	// left out that comes sooner after the last than three fifths of the time that shall be between two.
	least := 0.6 / float64(s.Rate)
	d := decoder{
		program: program,
		input: []string{"-probesize", "32", "-analyzeduration", "0", "-fpsprobesize", "0", "-fflags", "nobuffer",
			"-flags", "low_delay", "-use_wallclock_as_timestamps", "1", "-f", "h264"},
		filter: fmt.Sprintf("select='isnan(prev_selected_t)+gte(t-prev_selected_t,%.3f)',", least) + scaled(s.Sight),
		output: []string{"-fps_mode", "passthrough"},
		feed:   func(ctx context.Context, to io.Writer) error { return feed(ctx, source, to) },
	}
	return d.run(ctx, s.put)
}

// feed writes what a camera sends as ITU-T H.264, annex B.
func feed(ctx context.Context, source *stream.Source, to io.Writer) error {
	view := source.View(ctx)
	defer view.Close()
	for {
		u, err := next(ctx, view)
		if err != nil {
			return err
		}
		if u.Sound != nil {
			continue
		}
		if _, err := to.Write(annexB(u)); err != nil {
			return err
		}
	}
}

func next(ctx context.Context, view *stream.Viewer) (*media.Unit, error) {
	waiting, cancel := context.WithTimeout(ctx, awayTime)
	defer cancel()
	u, err := view.Next(waiting)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, ErrAway
	}
	return u, err
}

// annexB is a unit with start codes; a key unit has its parameter sets before it.
func annexB(u *media.Unit) []byte {
	nals := u.NALs
	if u.Key {
		nals = append([][]byte{u.Track.SPS, u.Track.PPS}, nals...)
	}
	b := make([]byte, 0, u.Size()+256)
	for _, nal := range nals {
		b = append(append(b, 0, 0, 0, 1), nal...)
	}
	return b
}

// pace waits until a time, or until ctx ends.
func pace(ctx context.Context, due time.Time) error {
	wait := time.NewTimer(time.Until(due))
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
