package cameras

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/hub/stream"
)

const (
	snapTime = 2 * time.Second // for a picture that the camera makes by itself
	stillAge = 5 * time.Second // for which a picture is given out again
	freshAge = 10 * time.Second
	maxSizes = 8 // kept at once
	smallest = 16
	largest  = 4096 // pixels of a side
)

// ErrAway says that the camera does not answer and that there is no older picture either.
var ErrAway = fmt.Errorf("cameras: no picture: %w", device.ErrUnreachable)

// Still is a picture and when it was taken, UTC.
type Still struct {
	JPEG []byte // shared, must not be changed
	At   time.Time
}

// Fresh says whether a picture may be shown as what is to be seen now.
func (s Still) Fresh() bool { return time.Since(s.At) <= freshAge }

type size struct{ width, height int }

// stills are the newest pictures. turn lets one be made at a time.
type stills struct {
	turn chan struct{}

	mu   sync.Mutex
	kept map[size]Still
	last Still // the newest of any size
	era  int   // of the last wipe: what was begun before it does not count
}

func newStills() stills { return stills{turn: make(chan struct{}, 1), kept: map[size]Still{}} }

func (k *stills) wipe() {
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.kept)
	k.last = Still{}
	k.era++
}

// get gives a picture of a size that is not older than age, and the era in which it was asked for.
func (k *stills) get(sz size, age time.Duration) (Still, bool, int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok := k.kept[sz]
	return s, ok && time.Since(s.At) < age, k.era
}

func (k *stills) put(sz size, s Still, era int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if era != k.era {
		return false
	}
	if len(k.kept) >= maxSizes {
		clear(k.kept)
	}
	k.kept[sz] = s
	if !s.At.Before(k.last.At) {
		k.last = s
	}
	return true
}

// Still is a picture of exactly width × height pixels, with black bars where the shapes differ: one that
// the camera makes, or one of its stream. It is at most five seconds old, as long as the camera is there.
// When it is not, the last picture that there was is given, whose time tells its age; ErrAway where there
// is none. ErrPrivate, ErrOff and ErrUnsafe give nothing.
func (c *Camera) Still(ctx context.Context, width, height int) (Still, error) {
	sz := size{width, height}
	if width < smallest || height < smallest || width > largest || height > largest {
		return Still{}, fmt.Errorf("cameras: a picture of %d × %d pixels: sides go from %d to %d", width, height, smallest, largest)
	}
	if err := c.Barred(); err != nil {
		return Still{}, err
	}
	if s, ok, _ := c.stills.get(sz, stillAge); ok {
		return s, nil
	}
	select {
	case c.stills.turn <- struct{}{}:
		defer func() { <-c.stills.turn }()
	case <-ctx.Done():
		return Still{}, ctx.Err()
	}
	s, ok, era := c.stills.get(sz, stillAge)
	if ok {
		return s, nil // made while we waited
	}
	s, err := c.take(ctx, sz)
	if barred := c.Barred(); barred != nil {
		return Still{}, barred
	}
	if err != nil {
		c.opts.Log.Debug("a camera makes no picture now", "accessory", c.opts.ID, "err", err)
		return c.old(sz)
	}
	if !c.stills.put(sz, s, era) {
		return Still{}, ErrPrivate // it was on for a moment
	}
	return s, nil
}

// take makes a picture.
func (c *Camera) take(ctx context.Context, sz size) (Still, error) {
	s := c.present(ctx)
	if s == nil {
		return Still{}, ErrAway
	}
	if jpeg, err := c.snap(ctx, s, sz); err == nil {
		return Still{jpeg, time.Now().UTC()}, nil
	} else if !errors.Is(err, device.ErrUnsupported) {
		c.opts.Log.Info("a camera gives no still picture by itself", "accessory", c.opts.ID, "err", err)
	}
	if err := c.Barred(); err != nil {
		return Still{}, err // since a moment ago
	}
	source := c.pictures.Nearest(sz.width, sz.height)
	jpeg, err := source.Snapshot(ctx, sz.width, sz.height)
	return Still{jpeg, time.Now().UTC()}, err
}

// present is the camera's session. Where there is no older picture to show, a session that is about to
// open is waited for.
func (c *Camera) present(ctx context.Context) device.Session {
	c.mu.Lock()
	s := c.session
	c.mu.Unlock()
	c.stills.mu.Lock()
	old := c.stills.last.JPEG != nil
	c.stills.mu.Unlock()
	if s != nil || old {
		return s
	}
	ctx, cancel := context.WithTimeout(ctx, snapTime)
	defer cancel()
	s, _ = c.opened(ctx) // nil says it all
	return s
}

// snap has the camera make a picture by itself.
func (c *Camera) snap(ctx context.Context, s device.Session, sz size) (jpeg []byte, err error) {
	defer c.caught(&err)
	camera, ok := s.(device.Snapper)
	if !ok {
		return nil, device.ErrUnsupported
	}
	ctx, cancel := context.WithTimeout(ctx, snapTime)
	defer cancel()
	ctx, done, err := c.visit(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	raw, err := camera.Snap(ctx)
	if err != nil {
		return nil, err
	}
	return fit(raw, sz)
}

// old is the last picture that there was.
func (c *Camera) old(sz size) (Still, error) {
	c.stills.mu.Lock()
	last := c.stills.last
	same, ok := c.stills.kept[sz]
	c.stills.mu.Unlock()
	switch {
	case last.JPEG == nil:
		return Still{}, ErrAway
	case ok && same.At.Equal(last.At):
		return same, nil
	}
	jpeg, err := fit(last.JPEG, sz)
	return Still{jpeg, last.At}, err
}

// Snapshot is a picture for those who cannot show its age: only one that is fresh. Errors are those of
// Still; what HomeKit's privacy mode refuses is a stream.ErrPaused.
func (c *Camera) Snapshot(ctx context.Context, width, height int) ([]byte, error) {
	s, err := c.Still(ctx, width, height)
	switch {
	case errors.Is(err, ErrPrivate), errors.Is(err, ErrOff), errors.Is(err, ErrUnsafe):
		return nil, fmt.Errorf("%w: %w", stream.ErrPaused, err)
	case err != nil:
		return nil, err
	case !s.Fresh():
		return nil, ErrAway
	}
	return s.JPEG, nil
}
