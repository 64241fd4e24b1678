package views

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/app/widget/player"
	"github.com/ingle-home/ingle/hub/api/frames"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// filmed is how a recording is asked for: as large as its place on the page.
func filmed() wire.Look { return wire.Look{Width: 640, Height: 360, Rate: 12} }

// projector plays the recording that is chosen: the pictures come from the hub, one after the other, as
// fast as they were taken. While it is paused the hub decodes nothing. Its methods are for the window's
// goroutine.
type projector struct {
	d      *frame.Desk
	screen *parts.Picture
	bar    *player.Bar
	clip   model.Clip
	stop   context.CancelFunc // ends what the hub sends
	turn   int                // grows when something else is to be shown: what comes late does not count
}

func newProjector(d *frame.Desk) *projector {
	p := &projector{d: d, stop: func() {}, screen: parts.NewPicture(d.Text("holding.recordings"), ""),
		bar: player.New(player.Words{Name: d.Text("app.clip.film"), Play: d.Text("app.clip.play"), Pause: d.Text("app.clip.pause"), Clock: d.Texts.Second})}
	p.bar.Toggle, p.bar.Seek = p.toggle, p.seek
	return p
}

// load puts a recording in; one that is in already goes on.
func (p *projector) load(c model.Clip) {
	if c.ID == p.clip.ID {
		p.clip = c
		p.bar.Grow(c.Lasts)
		return
	}
	p.pause()
	p.clip = c
	p.bar.Load(c.At, c.Lasts)
	p.still(c.ID)
}

// still shows the picture that stands for a recording.
func (p *projector) still(id string) {
	turn := p.turn
	p.screen.Say(p.d.Text("tile.camera.wait"))
	p.d.Work(func(ctx context.Context) {
		raw, _ := p.d.Hub.ClipStill(ctx, id) // a recording without a picture says so
		m := link.Decode(raw)
		fyne.Do(func() {
			switch {
			case p.turn != turn: // something else is shown meanwhile
			case m == nil:
				p.screen.Say(p.d.Text("app.clip.no-still"))
			default:
				p.screen.Set(m)
			}
		})
	})
}

func (p *projector) toggle() {
	switch at := p.bar.At(); {
	case p.bar.Playing():
		p.pause()
	case at >= p.clip.Lasts-time.Second/2: // it was at its end
		p.run(0, false)
	default:
		p.run(at, false)
	}
}

// seek goes elsewhere: it plays on from there, or shows the one picture.
func (p *projector) seek(to time.Duration) { p.run(to, !p.bar.Playing()) }

func (p *projector) pause() {
	p.turn++
	p.stop()
	p.bar.Set(p.bar.At(), false)
}

var errSeen = errors.New("one picture was asked for")

// run plays from a time on, or shows the one picture of it. A picture that comes while the window is busy
// with another is left out.
func (p *projector) run(from time.Duration, one bool) {
	p.pause()
	if p.clip.ID == "" {
		return
	}
	looking, stop := context.WithCancel(context.Background())
	p.stop = stop
	p.bar.Set(from, !one)
	id, turn := p.clip.ID, p.turn
	var busy atomic.Bool
	take := func(f frames.Frame) error {
		if busy.Swap(true) {
			return looking.Err()
		}
		m := link.Decode(f.JPEG)
		fyne.Do(func() {
			busy.Store(false)
			if p.turn == turn && m != nil {
				p.screen.Set(m)
				p.bar.Set(f.Into, !one)
			}
		})
		if one {
			return errSeen
		}
		return looking.Err()
	}
	p.d.Work(func(life context.Context) {
		defer context.AfterFunc(life, stop)()
		err := p.d.Hub.ClipFrames(looking, id, from, filmed(), take)
		fyne.Do(func() {
			stop()
			if p.turn == turn && !errors.Is(err, errSeen) && life.Err() == nil {
				p.ended(err, one)
			}
		})
	})
}

// ended says that a recording is over, or why nothing of it is to be seen.
func (p *projector) ended(err error, one bool) {
	if err != nil {
		p.bar.Set(p.bar.At(), false)
		p.d.Fail(err)
		return
	}
	if !one {
		p.bar.Set(p.clip.Lasts, false)
	}
}
