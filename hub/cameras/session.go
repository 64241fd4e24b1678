package cameras

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
)

// evidenceTime bounds the question whether a camera's password is its own.
const evidenceTime = 10 * time.Second

// Opened has the camera's pictures come from a session, once it is known that no password of a factory
// opens the camera.
func (c *Camera) Opened(s device.Session) {
	seen, ok := s.(device.Viewable)
	if !ok {
		return
	}
	c.mu.Lock()
	c.opening = s
	_, c.speaks = s.(device.Talker)
	c.mu.Unlock()
	c.work.Go(func() {
		unsafe := c.unsafe(s)
		c.mu.Lock()
		if c.opening != s {
			c.mu.Unlock()
			return // it is over already
		}
		c.session, c.views, c.offer, c.refused = s, seen.Views(), s.Offer(), nil
		if unsafe {
			c.refused = ErrUnsafe
		}
		c.news()
		c.mu.Unlock()
		c.opts.Faults.Clear(CodeRefused, c.opts.ID)
		if unsafe {
			c.opts.Faults.Raise(CodeUnsafe, c.opts.ID, nil)
			return
		}
		c.opts.Faults.Clear(CodeUnsafe, c.opts.ID)
		c.pictures.Retry()
		c.look(c.Sees())
	})
}

// caught makes an error of a driver's panic: the pictures run outside the keeper, which catches the others.
func (c *Camera) caught(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("cameras: panic: %v: %w", p, device.ErrUnreachable)
		c.opts.Log.Error("a camera's driver fell over", "accessory", c.opts.ID, "panic", p, "stack", string(debug.Stack()))
		c.opts.Faults.Raise("accessory-panic", c.opts.ID, nil)
	}
}

// unsafe asks for evidence that a password opens the camera which others know. It counts where the camera
// can be given another.
func (c *Camera) unsafe(s device.Session) bool {
	if _, ok := s.(device.Rekeyable); !ok {
		return false
	}
	ctx, cancel := context.WithTimeout(c.life, evidenceTime)
	defer cancel()
	all, err := s.Evidence(ctx)
	if err != nil {
		c.opts.Log.Info("a camera does not say how safe it is", "accessory", c.opts.ID, "err", err)
	}
	for _, e := range all {
		if e.Claim == "own-password" && e.Answer == device.No {
			return true
		}
	}
	return false
}

// Closed says that the session is over.
func (c *Camera) Closed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opening = nil
	if c.session != nil {
		c.session = nil
		c.news()
	}
}

// news wakes those who wait for a session. Callers hold mu.
func (c *Camera) news() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// opened waits for a session.
func (c *Camera) opened(ctx context.Context) (device.Session, error) {
	for {
		c.mu.Lock()
		s, err, changed := c.session, c.refused, c.changed
		c.mu.Unlock()
		if s != nil || err != nil {
			return s, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// watch streams a view for as long as a session lasts, and waits for one first. Once the camera has said
// no, it is not asked again for another view: it would count as another wrong password.
func (c *Camera) watch(ctx context.Context, view string, sound bool, out func(*media.Unit)) (err error) {
	defer c.caught(&err)
	s, err := c.opened(ctx)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cameras: %w: %w", device.ErrRefused, err)
	}
	v := s.(device.Viewable) // else Opened would not have taken it
	if view == "" {
		view = v.Views()[0].ID
	}
	err = v.Watch(ctx, view, sound, out)
	if final(err) {
		c.mu.Lock()
		if c.session == s {
			c.refused = err
		}
		c.mu.Unlock()
		c.opts.Faults.Raise(faultOf(err), c.opts.ID, nil)
	}
	return err
}

// faultOf is the health code of why a camera cannot be watched.
func faultOf(err error) string {
	if reason := device.Reason(err); reason != "" {
		return "accessory-" + reason
	}
	if errors.Is(err, device.ErrRefused) {
		return CodeRefused
	}
	return "accessory-unsupported"
}

// refresh asks for a key picture.
func (c *Camera) refresh(ctx context.Context, view string) (err error) {
	defer c.caught(&err)
	c.mu.Lock()
	s := c.session
	c.mu.Unlock()
	r, ok := s.(device.Refreshable)
	if !ok {
		return device.ErrUnsupported
	}
	return r.Refresh(ctx, view)
}

// Talk plays sound through the loudspeaker of a camera that has one, until the camera goes dark; see
// device.Talker.
func (c *Camera) Talk(ctx context.Context, next func(context.Context) ([]byte, error)) (err error) {
	defer c.caught(&err)
	c.mu.Lock()
	s := c.session
	c.mu.Unlock()
	t, ok := s.(device.Talker)
	if !ok {
		return device.ErrUnsupported
	}
	call, done, err := c.visit(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err = t.Talk(call, next); err == nil && ctx.Err() == nil && call.Err() != nil {
		err = c.Barred()
	}
	return err
}

// Speaks says whether the camera had a loudspeaker when it was last there.
func (c *Camera) Speaks() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.speaks
}
