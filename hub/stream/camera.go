package stream

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/ingle-home/ingle/accessories/media"
)

// CameraOptions are what a Camera needs. Watch and Views are needed; all must be safe for concurrent use.
type CameraOptions struct {
	Options // of each of its sources; their Refresh is the camera's

	// Views are the ways in which the camera shows itself, the best first; none as long as it has not
	// said so.
	Views func() []media.View
	// Watch streams a view, with its sound if it shall be heard, until ctx ends; the view "" is the
	// camera's first.
	Watch func(ctx context.Context, view string, sound bool, out func(*media.Unit)) error
	// Refresh asks for a key picture in a view that is being watched; nil = the camera cannot be asked.
	Refresh func(ctx context.Context, view string) error
	// Sound says whether the household lets the camera hear; it is asked at each connection. nil = never.
	Sound func() bool
}

// Camera shares the views of one camera: each is a Source, with one connection however many viewers. It
// is safe for concurrent use.
type Camera struct {
	opts CameraOptions
	main *Source

	mu     sync.Mutex
	others map[string]*Source // by view
	paused bool
	closed bool
}

// NewCamera makes a camera. Nothing is connected before the first viewer.
func NewCamera(o CameraOptions) *Camera {
	if o.Sound == nil {
		o.Sound = func() bool { return false }
	}
	c := &Camera{opts: o, others: map[string]*Source{}}
	c.main = c.source(func() string { return c.first().ID })
	return c
}

// source makes the source of a view, which is asked for at each connection.
func (c *Camera) source(view func() string) *Source {
	o := c.opts.Options
	if c.opts.Refresh != nil {
		o.Refresh = func(ctx context.Context) error { return c.opts.Refresh(ctx, view()) }
	}
	return New(func(ctx context.Context, out func(*media.Unit)) error {
		return c.opts.Watch(ctx, view(), c.opts.Sound(), out)
	}, o)
}

// usable reports whether a view can be passed on; one whose coding is not known is tried.
func usable(v media.View) bool { return v.Codec == media.H264 || v.Codec == "" }

// first is the view that Main shows: the first that can be passed on, or the first of all, so that the
// driver says why it cannot. It has no ID as long as the camera has not said which views there are.
func (c *Camera) first() media.View {
	views := c.opts.Views()
	for _, v := range views {
		if usable(v) {
			return v
		}
	}
	if len(views) > 0 {
		return views[0]
	}
	return media.View{}
}

// Main is the source of the largest picture; it is there before the camera has ever answered, and stays
// the same for the camera's life.
func (c *Camera) Main() *Source { return c.main }

// View is one of the ways in which a camera shows itself.
type View struct {
	Source        *Source
	Width, Height int // pixels, as the camera says
}

// Nearest is the source of the largest view that fits into width by height pixels, or of the smallest.
func (c *Camera) Nearest(width, height int) *Source {
	var best media.View
	for _, v := range c.sized() {
		if best.ID == "" || nearer(v, best, width, height) {
			best = v
		}
	}
	return c.of(best)
}

// Smaller are the views but the one of Main, the largest first.
func (c *Camera) Smaller() []View {
	var list []View
	for _, v := range c.sized() {
		if s := c.of(v); s != c.main {
			list = append(list, View{s, v.Width, v.Height})
		}
	}
	slices.SortStableFunc(list, func(a, b View) int { return b.Width*b.Height - a.Width*a.Height })
	return list
}

// sized are the views that can be passed on and whose size the camera told.
func (c *Camera) sized() []media.View {
	return slices.DeleteFunc(slices.Clone(c.opts.Views()), func(v media.View) bool {
		return !usable(v) || v.Width <= 0 || v.Height <= 0
	})
}

// of is the source of a view; without ID it is the main one.
func (c *Camera) of(v media.View) *Source {
	if v.ID == "" || v.ID == c.first().ID {
		return c.main
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return c.main
	}
	s := c.others[v.ID]
	if s == nil {
		c.drop()
		s = c.source(func() string { return v.ID })
		if c.paused {
			s.Pause(true)
		}
		c.others[v.ID] = s
	}
	return s
}

// manyViews is more than a camera tells of at a time.
const manyViews = 16

// drop gives up the sources of views that the camera does not tell of any more: one that names them anew in
// each session must not fill the memory. Callers hold mu.
func (c *Camera) drop() {
	if len(c.others) < manyViews {
		return
	}
	views := c.opts.Views()
	for id, s := range c.others {
		if !slices.ContainsFunc(views, func(v media.View) bool { return v.ID == id }) && s.idle() {
			delete(c.others, id)
			_ = s.Close() // it holds nothing
		}
	}
}

// nearer reports whether view a serves a wish for width by height pixels better than b.
func nearer(a, b media.View, width, height int) bool {
	fitsA, fitsB := a.Width <= width && a.Height <= height, b.Width <= width && b.Height <= height
	if fitsA != fitsB {
		return fitsA
	}
	larger := a.Width*a.Height > b.Width*b.Height
	return larger == fitsA && a.Width*a.Height != b.Width*b.Height
}

// all are the sources that there are.
func (c *Camera) all() []*Source {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := []*Source{c.main}
	for _, s := range c.others {
		list = append(list, s)
	}
	return list
}

// each calls do for every source, all at the same time.
func (c *Camera) each(do func(*Source)) {
	var all sync.WaitGroup
	for _, s := range c.all() {
		all.Go(func() { do(s) })
	}
	all.Wait()
}

// Pause closes every connection to the camera and forgets every picture, or lets pictures come again; see
// Source.Pause.
func (c *Camera) Pause(on bool) {
	c.mu.Lock()
	c.paused = on
	c.mu.Unlock()
	c.each(func(s *Source) { s.Pause(on) })
}

// Retry has the sources that gave up try again; see Source.Retry.
func (c *Camera) Retry() { c.each((*Source).Retry) }

// Reconnect has every view asked for anew: what Sound says has changed.
func (c *Camera) Reconnect() { c.each((*Source).Reconnect) }

// Close ends all connections and viewers and waits for the camera's driver.
func (c *Camera) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	var mu sync.Mutex
	var failed error
	c.each(func(s *Source) {
		err := s.Close()
		mu.Lock()
		defer mu.Unlock()
		failed = errors.Join(failed, err)
	})
	return failed
}
