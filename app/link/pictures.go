package link

import (
	"bytes"
	"context"
	"image"
	"image/draw"
	"image/jpeg"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/api/frames"
	"github.com/ingle-home/ingle/hub/api/wire"
)

const (
	tileRate  = 4                // pictures a second of each camera of several
	liveRate  = 15               // … of a camera that somebody looks at closely
	tileRest  = time.Second / 5  // between two times that pictures are shown
	liveRest  = time.Second / 25 // … well below a picture's time: what comes a little early is not late
	again     = 2 * time.Second  // after which a camera that did not move is asked again
	maxPixels = 4096 * 4096
)

// Picture is a camera's newest picture and when it was taken; it may be old. Image is nil when there is
// none.
type Picture struct {
	Image *image.RGBA
	At    time.Time
}

// Pictures shows what the cameras on view see: pictures that move, four a second, or fifteen of one that
// somebody looks at closely. Where a camera does not move now, its newest picture is shown. A slow camera
// delays no other; a camera that is not on view is not asked. What comes at about the same time is shown
// together, because a window is painted whole for every change in it, which costs more than the picture.
type Pictures struct {
	eyes Eyes
	w, h int

	mu     sync.Mutex
	wanted map[string]bool
	rate   int
	change chan struct{}
	newest map[string]Picture // to be shown
	came   chan struct{}
}

// Eyes ask a hub what its cameras see.
type Eyes interface {
	// Still is a camera's newest picture.
	Still(ctx context.Context, id string, width, height int) (wire.Still, error)
	// Frames calls put with each picture until ctx ends.
	Frames(ctx context.Context, id string, l wire.Look, put func(frames.Frame) error) error
}

// NewPictures gives an idle fetcher of pictures that fit into width by height pixels.
func NewPictures(eyes Eyes, width, height int) *Pictures {
	return &Pictures{eyes: eyes, w: width, h: height, change: make(chan struct{}, 1),
		newest: map[string]Picture{}, came: make(chan struct{}, 1)}
}

// Want says which cameras are on view, and whether somebody looks closely.
func (p *Pictures) Want(ids []string, live bool) {
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	p.mu.Lock()
	p.wanted, p.rate = wanted, tileRate
	if live {
		p.rate = liveRate
	}
	p.mu.Unlock()
	poke(p.change)
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run fetches until ctx ends. show gets the cameras' newest pictures by their IDs, one call at a time; what
// comes while it is busy waits, and gives way to what is newer.
func (p *Pictures) Run(ctx context.Context, show func(map[string]Picture)) {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { p.present(ctx, show) })
	running := map[string]context.CancelFunc{}
	var pace int
	for {
		p.mu.Lock()
		wanted, rate := p.wanted, p.rate
		p.mu.Unlock()
		for id, stop := range running {
			if !wanted[id] || rate != pace {
				stop()
				delete(running, id)
			}
		}
		pace = rate
		for id := range wanted {
			if running[id] == nil {
				one, stop := context.WithCancel(ctx)
				running[id] = stop
				all.Go(func() { p.film(one, id, rate) })
			}
		}
		select {
		case <-p.change:
		case <-ctx.Done():
			for _, stop := range running {
				stop()
			}
			return
		}
	}
}

// present shows what came, at once after a rest.
func (p *Pictures) present(ctx context.Context, show func(map[string]Picture)) {
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case <-rest.C:
		case <-ctx.Done():
			return
		}
		select {
		case <-p.came:
		case <-ctx.Done():
			return
		}
		p.mu.Lock()
		newest, pause := p.newest, tileRest
		p.newest = map[string]Picture{}
		if p.rate == liveRate {
			pause = liveRest
		}
		p.mu.Unlock()
		rest.Reset(pause)
		show(newest)
	}
}

// film shows a camera until ctx ends. When the pictures stop, the newest one says how old it is.
func (p *Pictures) film(ctx context.Context, id string, rate int) {
	put := func(m Picture) {
		p.mu.Lock()
		p.newest[id] = m
		p.mu.Unlock()
		poke(p.came)
	}
	wait := time.NewTicker(again)
	defer wait.Stop()
	for {
		_ = p.eyes.Frames(ctx, id, wire.Look{Width: p.w, Height: p.h, Rate: rate}, func(f frames.Frame) error {
			if m := Decode(f.JPEG); m != nil && ctx.Err() == nil {
				put(Picture{m, time.Now()})
			}
			return ctx.Err()
		})
		if ctx.Err() != nil {
			return
		}
		s, err := p.eyes.Still(ctx, id, p.w, p.h)
		if ctx.Err() != nil {
			return
		}
		var m Picture
		if err == nil {
			m = Picture{Decode(s.JPEG), s.At}
		}
		put(m)
		select {
		case <-wait.C:
		case <-ctx.Done():
			return
		}
	}
}

// Decode gives a tight RGBA picture, which the screen takes as it is; nil for anything but a JPEG of
// a sane size.
func Decode(raw []byte) *image.RGBA {
	c, err := jpeg.DecodeConfig(bytes.NewReader(raw))
	if err != nil || c.Width*c.Height > maxPixels {
		return nil
	}
	m, err := jpeg.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil
	}
	out := image.NewRGBA(image.Rect(0, 0, c.Width, c.Height))
	draw.Draw(out, out.Bounds(), m, m.Bounds().Min, draw.Src)
	return out
}
