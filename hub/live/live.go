// Package live turns what cameras send, and what was recorded of them, into JPEG pictures one after the
// other: the app has no decoder of its own. One ffmpeg decodes for all who look at a camera in the same
// way; it runs at low priority, takes what it decodes from a pipe and gives pictures to a pipe, so that
// nothing of them touches a disk, and it ends with the last who looks. There are only so many at a time.
//
//	live.go    who looks
//	show.go    a camera that is looked at
//	film.go    a recording that is played
//	decoder.go the ffmpeg
package live

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/stream"
)

// Why there are no pictures, beside what the source of a camera says.
var (
	ErrBusy = errors.New("live: as many pictures are decoded already as there may be at a time")
	ErrAway = errors.New("live: the camera sends no pictures")
)

const (
	cameras   = 6                // decoded at a time
	films     = 2                // likewise
	turnTime  = 3 * time.Second  // for which a film waits for another to end
	awayTime  = 15 * time.Second // without a picture, after which a camera is away
	fastest   = 15               // pictures a second
	leastSide = 16
	mostSide  = 1920 // pixels
)

// Options may all be zero.
type Options struct {
	FFmpeg  string // "" = the one in the PATH
	Cameras int    // how many decoders of cameras run at a time; 0 = 6
	Films   int    // … of films; 0 = 2
	Log     *slog.Logger
}

// Sight is how somebody looks: pictures that fit into Width by Height pixels, and about Rate of them a
// second. What makes no sense is brought into bounds.
type Sight struct{ Width, Height, Rate int }

func (s Sight) bounded() Sight {
	side := func(n int) int { return min(max(n, leastSide), mostSide) &^ 1 }
	return Sight{side(s.Width), side(s.Height), min(max(s.Rate, 1), fastest)}
}

// Studio decodes pictures for all who look. It is safe for concurrent use.
type Studio struct {
	opts    Options
	cameras chan struct{} // a place for each decoder that may run
	films   chan struct{}
	work    sync.WaitGroup

	mu     sync.Mutex
	closed bool
	shows  map[seen]*show
}

// seen is a camera with how it is looked at.
type seen struct {
	camera string
	Sight
}

// New gives a studio in which nothing runs.
func New(o Options) *Studio {
	if o.FFmpeg == "" {
		o.FFmpeg = "ffmpeg"
	}
	if o.Cameras == 0 {
		o.Cameras = cameras
	}
	if o.Films == 0 {
		o.Films = films
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Studio{opts: o, cameras: make(chan struct{}, o.Cameras), films: make(chan struct{}, o.Films), shows: map[seen]*show{}}
}

// Watch gives put the pictures of a camera as they come, until ctx ends, put fails or the source has none:
// then with stream.ErrPaused, ErrAway, ErrBusy or what the source gave up with. Who is slow misses
// pictures and delays nobody. The bytes are shared and must not be changed.
func (s *Studio) Watch(ctx context.Context, camera string, source *stream.Source, as Sight, put func(jpeg []byte) error) error {
	show, err := s.join(seen{camera, as.bounded()}, source)
	if err != nil {
		return err
	}
	defer s.leave(show)
	var last int
	for {
		jpeg, n, changed, err := show.now()
		switch {
		case err != nil:
			return err
		case source.Paused(): // since a moment ago
			return stream.ErrPaused
		case n != last:
			last = n
			if err := put(jpeg); err != nil {
				return err
			}
			continue
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// join gives the show that shows a camera, and begins it for the first who looks.
func (s *Studio) join(what seen, source *stream.Source) (*show, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, stream.ErrClosed
	}
	if one := s.shows[what]; one != nil {
		one.viewers++
		return one, nil
	}
	room := true
	select {
	case s.cameras <- struct{}{}:
	default:
		if room = false; !s.makeRoom(what.camera) {
			return nil, ErrBusy
		}
	}
	ctx, end := context.WithCancel(context.Background())
	one := &show{seen: what, viewers: 1, end: end, changed: make(chan struct{})}
	s.shows[what] = one
	s.work.Go(func() {
		defer end()
		err := s.decode(ctx, one, source, room)
		s.mu.Lock()
		s.drop(one)
		if one.crowded {
			err = ErrBusy
		}
		s.mu.Unlock()
		one.over(err)
	})
	return one, nil
}

// decode runs a show, once there is room for it: what had it may be about to end.
func (s *Studio) decode(ctx context.Context, one *show, source *stream.Source, room bool) error {
	if !room {
		select {
		case s.cameras <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	defer func() { <-s.cameras }()
	return one.run(ctx, s.opts.FFmpeg, source)
}

// makeRoom ends a show for a camera at which nobody looks yet: one of those that show another camera in several
// ways, or one app could keep all others from every camera. False where there is none. Callers hold mu.
func (s *Studio) makeRoom(camera string) bool {
	ways := map[string]int{}
	for what := range s.shows {
		ways[what.camera]++
	}
	if ways[camera] > 0 {
		return false
	}
	var spare *show
	for what, one := range s.shows {
		if n := ways[what.camera]; n > 1 && (spare == nil || n > ways[spare.camera] || n == ways[spare.camera] && one.viewers < spare.viewers) {
			spare = one
		}
	}
	if spare == nil {
		return false
	}
	spare.crowded = true
	s.drop(spare)
	spare.end()
	return true
}

// drop has whoever comes next begin anew. Callers hold mu.
func (s *Studio) drop(one *show) {
	if s.shows[one.seen] == one {
		delete(s.shows, one.seen)
	}
}

func (s *Studio) leave(one *show) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.viewers--; one.viewers == 0 {
		s.drop(one)
		one.end()
	}
}

// Running is how many cameras are decoded now.
func (s *Studio) Running() int { return len(s.cameras) }

// Close ends what runs for cameras, and waits for it.
func (s *Studio) Close() {
	s.mu.Lock()
	s.closed = true
	for _, one := range s.shows {
		one.end()
	}
	s.mu.Unlock()
	s.work.Wait()
}
