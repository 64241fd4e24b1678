package rtsp

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtp"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
)

// Watch streams a view over a connection of its own, and its sound only where that is asked for and
// there is some.
// Units carry no parameter sets: these are in their Track. The first units may not be key units.
// ErrH265 for a view without H.264.
func (c *Camera) Watch(ctx context.Context, view string, sound bool, out func(*media.Unit)) error {
	s, ok := c.stream(view)
	if !ok {
		return fmt.Errorf("rtsp: watch: no view %q: %w", printable(view, 64), device.ErrUnsupported)
	}
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()
	l, err := c.dial(watching, s.target, true)
	if err != nil {
		return err
	}
	defer l.close()
	p := &player{camera: c, client: l.client, out: out, end: cancel}
	err = p.play(l, s.target, sound)
	if ctx.Err() != nil {
		return nil
	}
	if fell := p.fallen(); fell != nil {
		return fell
	}
	if c.life.Err() != nil {
		return fmt.Errorf("rtsp: watch: the session is over: %w", device.ErrUnreachable)
	}
	select {
	case c.ended <- struct{}{}:
	default:
	}
	return fmt.Errorf("rtsp: watch: %w", l.explain(ctx, err))
}

func (c *Camera) stream(view string) (stream, bool) {
	for _, s := range c.streams {
		if s.view.ID == view {
			return s, true
		}
	}
	return stream{}, false
}

// play runs the stream until the line ends, and says why it did.
func (p *player) play(l *line, t target, sound bool) error {
	d, err := l.describe(t)
	if err != nil {
		return err
	}
	if d.h264 == nil {
		return ErrH265
	}
	if _, err := l.client.Setup(d.base, d.picture, 0, 0); err != nil {
		return err
	}
	p.pictures(d)
	if sound && d.sound != nil {
		if err := p.sound(d); err != nil {
			return err
		}
	}
	if _, err := l.client.Play(nil); err != nil {
		return err
	}
	return l.client.Wait()
}

// player is one Watch while it runs.
type player struct {
	camera *Camera
	client *gortsplib.Client
	mu     sync.Mutex // over UDP pictures and sound come on goroutines of their own
	line   timeline
	out    func(*media.Unit)
	end    context.CancelFunc // ends the Watch
	fell   error
	lost   uint64
	latest time.Duration // the highest PTS of a picture
	mixed  bool          // the order of decoding is not that of showing
}

func (p *player) pictures(d described) {
	sps, pps := d.h264.SafeParams()
	a := newAssembler(sps, pps, p.picture, p.miss)
	a.now, a.time = p.camera.now, p.line.picture
	p.line.ntp = p.cameraTime(d.picture, d.h264)
	p.client.OnPacketRTP(d.picture, d.h264, p.safely(a.packet))
}

// sound asks for the sound. A camera that refuses it is watched without.
func (p *player) sound(d described) error {
	_, err := p.client.Setup(d.base, d.sound, 0, 0)
	if status := (liberrors.ErrClientBadStatusCode{}); errors.As(err, &status) {
		p.camera.log().Warn("rtsp: the camera refuses its sound", "status", int(status.Code))
		return nil
	}
	if err != nil {
		return err
	}
	s, err := newSounder(d, &p.line, p.camera.now, p.out, p.miss)
	if err != nil {
		return err
	}
	p.line.soundNTP = p.cameraTime(d.sound, d.voice)
	p.client.OnPacketRTP(d.sound, d.voice, p.safely(s.packet))
	return nil
}

// safely keeps a packet that nobody foresaw from ending the whole program: it is taken on a goroutine of the
// library, out of the reach of whoever watches over drivers.
func (p *player) safely(take func(*rtp.Packet)) func(*rtp.Packet) {
	return func(packet *rtp.Packet) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.fell != nil {
			return
		}
		defer func() {
			if why := recover(); why != nil {
				p.fell = fmt.Errorf("rtsp: watch: panic: %v: %w", why, device.ErrUnreachable)
				p.camera.log().Error("rtsp: a packet was not foreseen", "panic", why, "stack", string(debug.Stack()))
				p.end()
			}
		}()
		take(packet)
	}
}

func (p *player) fallen() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fell
}

// cameraTime tells an RTP timestamp's time by the camera's clock, once RTCP has told it.
func (p *player) cameraTime(m *description.Media, f format.Format) func(uint32) (time.Time, bool) {
	return func(stamp uint32) (time.Time, bool) {
		return p.client.PacketNTP(m, &rtp.Packet{Header: rtp.Header{PayloadType: f.PayloadType(), Timestamp: stamp}})
	}
}

func (p *player) picture(u *media.Unit) {
	p.camera.seen.Store(u.At.UnixNano())
	if u.PTS < p.latest && !p.mixed {
		p.mixed = true
		p.camera.log().Warn("rtsp: the camera sends B-frames, which delay the picture; switch them off there")
	}
	p.latest = max(p.latest, u.PTS)
	p.out(u)
}

// miss logs what was thrown away. A bad line must not fill the log: the 1st, 2nd, 4th, 8th … loss is
// worth a line.
func (p *player) miss(err error) {
	if p.lost++; p.lost&(p.lost-1) == 0 {
		p.camera.log().Warn("rtsp: pictures or sound lost", "err", err, "lost", p.lost)
	}
}
