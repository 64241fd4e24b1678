package rtsp

import (
	"context"
	"fmt"

	"github.com/pion/rtp"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
)

// Watch streams a view over a connection of its own, and its sound only where that is asked for.
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
	err = c.play(l, s.target, sound, out)
	if ctx.Err() != nil {
		return nil
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
func (c *Camera) play(l *line, t target, _ bool, out func(*media.Unit)) error {
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
	var lost uint64
	sps, pps := d.h264.SafeParams()
	a := newAssembler(sps, pps, c.now, func(u *media.Unit) {
		c.seen.Store(u.At.UnixNano())
		out(u)
	}, func(err error) {
		// A bad line must not fill the log: the 1st, 2nd, 4th, 8th … loss is worth a line.
		if lost++; lost&(lost-1) == 0 {
			c.log().Warn("rtsp: picture lost", "err", err, "lost", lost)
		}
	})
	l.client.OnPacketRTP(d.picture, d.h264, func(p *rtp.Packet) { a.packet(p) })
	if _, err := l.client.Play(nil); err != nil {
		return err
	}
	return l.client.Wait()
}
