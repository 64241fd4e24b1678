// Package camera is the HomeKit side of one camera: four stream services, a microphone that HomeKit
// asks for, a loudspeaker where the camera has one, and snapshots. Pictures pass through as the camera
// coded them (H.264 over SRTP, RFC 3711 and RFC 6184). Sound goes as Opus, both ways. Where there is
// none, or it is muted or switched off, nothing is sent in its place: no packet tells of a room.
//
// The structures are those of the HomeKit Accessory Protocol's CameraRTPStreamManagement service.
package camera

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/stream"
)

// seats is how many viewers a camera serves at once: a family looks when somebody rings.
const seats = 4

// Options are what a camera needs.
type Options struct {
	Source *stream.Source
	// Smaller gives further views of the same camera, the largest first, for viewers that ask for small
	// pictures; it is asked each time, since a camera tells them only when it answers. Their sound is not
	// used. All are paused and closed together with Source. nil: none.
	Smaller func() []stream.View
	// Still gives a JPEG of exactly that size in pixels; stream.ErrPaused while nobody may have one. nil:
	// the newest key frame of Source.
	Still func(ctx context.Context, width, height int) ([]byte, error)
	Log   *slog.Logger // nil is silent
	// Streamed hears that a controller sees the camera live, until it calls end. It must answer at once.
	// Nil: nobody.
	Streamed func(controller string) (end func())
	// Sound says whether the household lets sound out at this moment; it is asked for every packet.
	// nil: never.
	Sound func() bool
	// Talk plays what a viewer says, 20 ms of G.711 µ-law at 8 kHz at a time, until next fails or ctx
	// ends; io.EOF means that nobody speaks any more. One viewer speaks at a time. nil: the camera has
	// no loudspeaker.
	Talk func(ctx context.Context, next func(context.Context) ([]byte, error)) error
}

// Camera is safe for concurrent use.
type Camera struct {
	source   *stream.Source
	smaller  func() []stream.View
	still    func(ctx context.Context, width, height int) ([]byte, error)
	log      *slog.Logger
	sound    func() bool
	streamed func(controller string) (end func())
	talk     func(ctx context.Context, next func(context.Context) ([]byte, error)) error
	floor    sync.Mutex // held while a viewer speaks
	muted    mutes
	services []*hap.Service
	seats    []*seat
	closing  context.CancelFunc
	streams  sync.WaitGroup
	noted    noted // a picture that failed
	deaf     noted // a sound that failed
}

// mutes are what viewers switch a camera's sound off with; loudspeaker may be nil.
type mutes struct{ microphone, loudspeaker *hap.Characteristic }

// New makes the camera's services. Close ends its streams.
func New(o Options) *Camera {
	c := &Camera{source: o.Source, smaller: o.Smaller, still: o.Still, streamed: o.Streamed, log: o.Log, sound: o.Sound, talk: o.Talk}
	if c.smaller == nil {
		c.smaller = func() []stream.View { return nil }
	}
	if c.still == nil {
		c.still = o.Source.Snapshot
	}
	if c.streamed == nil {
		c.streamed = func(string) func() { return func() {} }
	}
	if c.sound == nil {
		c.sound = func() bool { return false }
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.closing = cancel
	for range seats {
		s := newSeat(ctx, c)
		c.seats = append(c.seats, s)
		c.services = append(c.services, s.service())
	}
	c.muted.microphone = mute()
	c.services = append(c.services, &hap.Service{Type: "112", Characteristics: []*hap.Characteristic{c.muted.microphone}})
	if c.talk != nil {
		c.muted.loudspeaker = mute()
		c.services = append(c.services, &hap.Service{Type: "113", Characteristics: []*hap.Characteristic{c.muted.loudspeaker}})
	}
	c.streams.Go(func() { c.follow(ctx) })
	return c
}

// follow keeps the seats in step with the source: privacy ends streams and shows in StreamingStatus.
func (c *Camera) follow(ctx context.Context) {
	for {
		changed := c.source.Changed()
		for _, s := range c.seats {
			s.refresh()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// Services are complete but for their IIDs.
func (c *Camera) Services() []*hap.Service { return c.services }

// Snapshot is a picture of the camera as a JPEG, width by height pixels. hap.StatusNotAllowed while
// Privacy is on, hap.StatusUnreachable when the camera gives no picture.
func (c *Camera) Snapshot(ctx context.Context, width, height int) ([]byte, error) {
	jpeg, err := c.still(ctx, width, height)
	switch {
	case errors.Is(err, stream.ErrPaused):
		return nil, hap.StatusNotAllowed
	case err != nil:
		c.noted.say(c.log, "a camera has no snapshot", err)
		return nil, hap.StatusUnreachable
	}
	return jpeg, nil
}

// view is the one nearest to what a viewer asks for: the largest that has at most twice its pixels, which
// a screen makes smaller without harm, else the smallest.
func (c *Camera) view(width, height uint16) *stream.Source {
	best := stream.View{Source: c.source, Width: 1920, Height: 1080} // the usual, until pictures come
	if w, h := c.source.Size(); w > 0 {
		best.Width, best.Height = w, h
	}
	for _, v := range c.smaller() {
		if width == 0 || height == 0 || best.Width*best.Height <= 2*int(width)*int(height) {
			break
		}
		best = v
	}
	return best.Source
}

// noted is when the log last heard of a trouble, in Unix seconds.
type noted struct{ at atomic.Int64 }

// say says it in the log, once a minute: it happens without end.
func (n *noted) say(log *slog.Logger, what string, err error) {
	last, now := n.at.Load(), time.Now().Unix()
	if now-last >= 60 && n.at.CompareAndSwap(last, now) {
		log.Info(what, "err", err)
	}
}

// Close ends all streams and waits for them.
func (c *Camera) Close() {
	c.closing()
	for _, s := range c.seats {
		s.refresh() // waits for a setup under way; later ones are refused
	}
	c.streams.Wait()
}

// mute is the switch of a microphone, which exists because controllers show no camera without one, or of
// a loudspeaker.
func mute() *hap.Characteristic {
	c := &hap.Characteristic{Type: "11A", Format: hap.FormatBool, Perms: hap.PermRead | hap.PermWrite | hap.PermEvents}
	_ = c.Set(hap.Bool(false)) // a bool fits a bool
	return c
}

// isOn reads a switch.
func isOn(c *hap.Characteristic) bool {
	v, _ := c.Value()
	return v.Bool()
}
