// Package camera is the HomeKit side of one camera: two stream services, a microphone that HomeKit
// asks for, and snapshots. Pictures pass through as the camera coded them (H.264 over SRTP, RFC 3711
// and RFC 6184); nothing is transcoded, and no sound is sent yet.
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

// seats is how many viewers a camera serves at once.
const seats = 2

// Options are what a camera needs.
type Options struct {
	Source *stream.Source
	Log    *slog.Logger // nil is silent
}

// Camera is safe for concurrent use.
type Camera struct {
	source   *stream.Source
	log      *slog.Logger
	services []*hap.Service
	seats    []*seat
	closing  context.CancelFunc
	streams  sync.WaitGroup
	noted    atomic.Int64 // Unix seconds when the log last heard of a picture that failed
}

// New makes the camera's services. Close ends its streams.
func New(o Options) *Camera {
	c := &Camera{source: o.Source, log: o.Log}
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
	c.services = append(c.services, microphone())
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

// Snapshot is a JPEG of the newest key frame, width by height pixels. hap.StatusNotAllowed while
// Privacy is on, hap.StatusUnreachable when the camera gives no picture.
func (c *Camera) Snapshot(ctx context.Context, width, height int) ([]byte, error) {
	jpeg, err := c.source.Snapshot(ctx, width, height)
	switch {
	case errors.Is(err, stream.ErrPaused):
		return nil, hap.StatusNotAllowed
	case err != nil:
		c.note(err)
		return nil, hap.StatusUnreachable
	}
	return jpeg, nil
}

// note says in the log why there is no picture, once a minute: controllers ask without end.
func (c *Camera) note(err error) {
	last, now := c.noted.Load(), time.Now().Unix()
	if now-last >= 60 && c.noted.CompareAndSwap(last, now) {
		c.log.Info("a camera has no snapshot", "err", err)
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

// microphone exists because controllers show no camera without one.
func microphone() *hap.Service {
	mute := &hap.Characteristic{Type: "11A", Format: hap.FormatBool, Perms: hap.PermRead | hap.PermWrite | hap.PermEvents}
	_ = mute.Set(hap.Bool(false)) // a bool fits a bool
	return &hap.Service{Type: "112", Characteristics: []*hap.Characteristic{mute}}
}
