package link

import (
	"bytes"
	"context"
	"image"
	"image/draw"
	"image/jpeg"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
)

const (
	pictureEvery = 500 * time.Millisecond
	liveEvery    = 66 * time.Millisecond // of a camera that somebody looks at closely
	maxPixels    = 4096 * 4096
)

// Picture is a camera's newest picture and when it was taken; it may be old. Image is nil when there is
// none.
type Picture struct {
	Image *image.RGBA
	At    time.Time
}

// Pictures fetches the newest picture of each camera that is on view, twice a second, or fifteen times
// of one that somebody looks at closely. A slow camera delays no other; a camera that is not on view is
// not asked.
type Pictures struct {
	still Still
	w, h  int

	mu     sync.Mutex
	wanted map[string]bool
	every  time.Duration
	change chan struct{}
}

// Still asks a hub for a camera's newest picture.
type Still func(ctx context.Context, id string, width, height int) (wire.Still, error)

// NewPictures gives an idle fetcher of pictures that fit into width by height pixels.
func NewPictures(still Still, width, height int) *Pictures {
	return &Pictures{still: still, w: width, h: height, change: make(chan struct{}, 1)}
}

// Want says which cameras are on view, and whether somebody looks closely.
func (p *Pictures) Want(ids []string, live bool) {
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	p.mu.Lock()
	p.wanted, p.every = wanted, pictureEvery
	if live {
		p.every = liveEvery
	}
	p.mu.Unlock()
	select {
	case p.change <- struct{}{}:
	default:
	}
}

// Run fetches until ctx ends. show gets each picture; it is called from several goroutines.
func (p *Pictures) Run(ctx context.Context, show func(id string, m Picture)) {
	var all sync.WaitGroup
	defer all.Wait()
	running := map[string]context.CancelFunc{}
	var pace time.Duration
	for {
		p.mu.Lock()
		wanted, every := p.wanted, p.every
		p.mu.Unlock()
		for id, stop := range running {
			if !wanted[id] || every != pace {
				stop()
				delete(running, id)
			}
		}
		pace = every
		for id := range wanted {
			if running[id] == nil {
				one, stop := context.WithCancel(ctx)
				running[id] = stop
				all.Go(func() { p.film(one, id, every, show) })
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

func (p *Pictures) film(ctx context.Context, id string, every time.Duration, show func(string, Picture)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		s, err := p.still(ctx, id, p.w, p.h)
		if ctx.Err() != nil {
			return
		}
		var m Picture
		if err == nil {
			m = Picture{Decode(s.JPEG), s.At}
		}
		show(id, m)
		select {
		case <-tick.C:
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
