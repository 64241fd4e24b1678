package cameras

import (
	"context"
	"errors"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/stream"
)

// How motion is looked for: in small grey pictures, made of key pictures of the smallest view.
const (
	greyWidth, greyHeight = 64, 36
	lookPace              = time.Second                    // between two pictures, at least
	stillTime             = 10 * time.Second               // without motion, before it is said to have ended
	greyStep              = 18                             // of 255, by which a place must differ
	began                 = greyWidth * greyHeight / 100   // places that must differ for motion to begin: 1 %
	goesOn                = began / 2                      // and for it to go on
	everywhere            = greyWidth * greyHeight * 3 / 5 // so many differ when the light was switched, not when somebody moves
)

// look begins to look for motion, or ends it. It does nothing where the camera tells motion itself, or
// the household does not want it looked for.
func (c *Camera) look(on bool) {
	c.mu.Lock()
	_, tells := c.offer.Offers(trait.Motion.Any())
	want := on && c.set.Motion && !tells && c.session != nil && c.refused == nil && c.life.Err() == nil
	c.mu.Unlock()
	c.looking.Lock()
	defer c.looking.Unlock()
	switch {
	case want && c.watching == nil:
		ctx, cancel := context.WithCancel(c.life)
		c.watching = cancel
		c.work.Go(func() { c.seek(ctx) })
	case !want && c.watching != nil:
		c.watching()
		c.watching = nil
	}
}

// seek looks for motion until ctx ends.
func (c *Camera) seek(ctx context.Context) {
	source := c.pictures.Nearest(greyWidth, greyHeight)
	view := source.View(ctx)
	defer view.Close()
	var eye eye
	defer func() {
		c.opts.Faults.Clear(CodeBlind, c.opts.ID)
		if eye.moving && c.life.Err() == nil {
			_ = c.opts.Report(trait.Motion.Of(false, time.Now())) // nobody is left to tell
		}
	}()
	var last time.Time
	for {
		changed := source.Changed()
		u, err := view.Next(ctx)
		if ctx.Err() != nil || errors.Is(err, stream.ErrClosed) {
			return
		}
		if err != nil { // it is barred for now
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		}
		if !u.Key || u.Sound != nil || time.Since(last) < lookPace {
			continue
		}
		last = time.Now()
		c.compare(ctx, &eye, u)
	}
}

// compare looks at one picture and tells what changed.
func (c *Camera) compare(ctx context.Context, e *eye, u *media.Unit) {
	grey, err := stream.Grey(ctx, c.opts.FFmpeg, u, greyWidth, greyHeight)
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		if !e.failed {
			c.opts.Log.Warn("motion is not looked for", "accessory", c.opts.ID, "err", err)
			c.opts.Faults.Raise(CodeBlind, c.opts.ID, nil)
		}
		e.failed = true
		return
	case e.failed:
		e.failed = false
		c.opts.Faults.Clear(CodeBlind, c.opts.ID)
	}
	if moving, news := e.see(grey, time.Now()); news && c.Sees() && ctx.Err() == nil {
		if err := c.opts.Report(trait.Motion.Of(moving, time.Now())); err != nil {
			c.opts.Log.Warn("motion is not told", "accessory", c.opts.ID, "err", err)
		}
	}
}

// eye remembers how a place looks when nothing moves.
type eye struct {
	still  []int32 // grey of each place, times 16; it follows the picture slowly
	moving bool
	moved  time.Time // when something last moved
	failed bool      // the last picture could not be decoded
}

// see takes a picture and says whether something moves, and whether that is news.
func (e *eye) see(grey []byte, now time.Time) (moving, news bool) {
	if len(e.still) != len(grey) {
		e.still = make([]int32, len(grey))
		for i, g := range grey {
			e.still[i] = int32(g) * 16
		}
		return e.moving, false
	}
	differ := e.differences(grey)
	if differ >= everywhere { // another light: this is how the place looks now
		e.still = nil
		differ = 0
	}
	was := e.moving
	switch {
	case differ >= began, e.moving && differ >= goesOn:
		e.moving, e.moved = true, now
	case e.moving && now.Sub(e.moved) >= stillTime:
		e.moving = false
	}
	return e.moving, e.moving != was
}

// differences counts the places that look different, and lets what is remembered follow the picture.
// The mean of both is taken out: clouds change the light everywhere.
func (e *eye) differences(grey []byte) (count int) {
	var sum int32
	for i, g := range grey {
		sum += int32(g)*16 - e.still[i]
	}
	mean := sum / int32(len(grey))
	for i, g := range grey {
		d := int32(g)*16 - e.still[i]
		if shift := d - mean; shift > greyStep*16 || shift < -greyStep*16 {
			count++
		}
		e.still[i] += d / 8
	}
	return count
}
