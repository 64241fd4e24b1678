// Package cameras keeps what the household decides about a camera: whether it sees, whether it is heard,
// and whether it may be watched at all. It hands its pictures out: as a stream, as a still picture that
// says how old it is, and, for cameras that do not tell it, as motion.
//
// A camera is off while Privacy is on or the household has switched it off: no connection to it stays
// open for pictures, nothing of them is kept, and motion that it reports is not believed. A camera that
// still has its factory's password is not watched either, since others could watch it, too.
package cameras

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/stream"
)

// Why a camera gives no picture, beside what its driver says. Each is also the i18n code of its message.
var (
	ErrPrivate = errors.New("hub.private")       // Privacy is on
	ErrOff     = errors.New("hub.camera-off")    // the household switched it off
	ErrUnsafe  = errors.New("hub.camera-unsafe") // it has its factory's password: it must be secured first
)

// The health codes of a camera.
const (
	CodeUnsafe  = "camera-unsafe"   // others can watch, too
	CodeRefused = "accessory-login" // it does not let the hub watch; the code of its line, so that it is said once
	CodeBlind   = "camera-blind"    // motion cannot be looked for in its pictures
)

// Settings are what the household decided about one camera. The zero value is a camera that sees and is
// not heard.
type Settings struct {
	Off    bool `json:"off,omitempty"`
	Sound  bool `json:"sound,omitempty"`
	Motion bool `json:"motion,omitempty"` // look for motion in the pictures of a camera that does not tell it
}

// Faults is where people are told what is wrong with a camera.
type Faults interface {
	Raise(code, subject string, args map[string]string)
	Clear(code, subject string)
}

// Options are what a Camera needs.
type Options struct {
	ID       string
	Settings Settings
	Private  bool                      // whether Privacy is on
	Report   func(trait.Reading) error // takes what the camera is found to be
	Faults   Faults
	FFmpeg   string // "" = the one in the PATH
	Log      *slog.Logger
}

// Camera is one camera of the household. It is safe for concurrent use.
type Camera struct {
	opts     Options
	pictures *stream.Camera
	stills   stills
	visits   visits
	life     context.Context
	end      context.CancelFunc
	work     sync.WaitGroup

	switching sync.Mutex // one change of the switches at a time
	looking   sync.Mutex // guards watching
	watching  context.CancelFunc

	mu      sync.Mutex
	set     Settings
	private bool
	opening device.Session // that is open, whether or not it may be watched
	session device.Session // that lets pictures be watched; nil while the camera is away
	views   []media.View   // as the camera last told them
	offer   device.Offer
	speaks  bool          // it has a loudspeaker
	refused error         // why the camera lets nobody watch
	changed chan struct{} // closed at the next change of session
}

// New makes a camera that waits for its session.
func New(o Options) *Camera {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Camera{opts: o, set: o.Settings, private: o.Private, changed: make(chan struct{}), stills: newStills()}
	c.life, c.end = context.WithCancel(context.Background())
	c.pictures = stream.NewCamera(stream.CameraOptions{
		Options: stream.Options{GiveUp: final, FFmpeg: o.FFmpeg, Log: o.Log},
		Views:   c.Views, Watch: c.watch, Refresh: c.refresh,
		Sound: func() bool { return c.Settings().Sound },
	})
	if !c.Sees() {
		c.pictures.Pause(true)
	}
	c.tell()
	return c
}

// final reports errors after which another try would do harm, or no good.
func final(err error) bool {
	return errors.Is(err, device.ErrRefused) || errors.Is(err, device.ErrUnsupported)
}

// Main is the source of the largest picture.
func (c *Camera) Main() *stream.Source { return c.pictures.Main() }

// Nearest is the source of the view nearest at or below a size in pixels.
func (c *Camera) Nearest(width, height int) *stream.Source { return c.pictures.Nearest(width, height) }

// Smaller are its further views, the largest first.
func (c *Camera) Smaller() []stream.View { return c.pictures.Smaller() }

// Views are the ways in which the camera showed itself when it was last there.
func (c *Camera) Views() []media.View {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.views
}

// Settings are what the household decided.
func (c *Camera) Settings() Settings {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.set
}

// Sees says whether the household lets the camera see.
func (c *Camera) Sees() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.private && !c.set.Off
}

// Barred says why nobody gets a picture: ErrPrivate, ErrOff, or why the camera lets nobody watch. Nil
// means that pictures may come.
func (c *Camera) Barred() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.private:
		return ErrPrivate
	case c.set.Off:
		return ErrOff
	}
	return c.refused
}

// Set takes over what the household decided; see SetPrivate.
func (c *Camera) Set(s Settings) {
	c.switching.Lock()
	defer c.switching.Unlock()
	c.mu.Lock()
	sound := s.Sound != c.set.Sound
	c.set = s
	c.mu.Unlock()
	c.follow()
	if sound {
		c.pictures.Reconnect()
	}
}

// SetPrivate is the Privacy switch. When it returns a camera that is off has no connection for pictures
// any more and nothing of them is left.
func (c *Camera) SetPrivate(on bool) {
	c.switching.Lock()
	defer c.switching.Unlock()
	c.mu.Lock()
	c.private = on
	c.mu.Unlock()
	c.follow()
}

// follow brings the pictures in step with the switches.
func (c *Camera) follow() {
	sees := c.Sees()
	if !sees {
		c.look(false)
	}
	var lines sync.WaitGroup
	lines.Go(func() { c.pictures.Pause(!sees) })
	if !sees && !c.visits.part() {
		c.opts.Log.Warn("a call to a camera ignores its end", "accessory", c.opts.ID)
	}
	lines.Wait()
	if !sees {
		c.stills.wipe()
		if c.Offers(trait.Motion.Any()) {
			_ = c.opts.Report(trait.Motion.Of(false, time.Now())) // nobody is left to tell
		}
	}
	if sees {
		c.forgive()
	}
	c.look(sees)
	c.tell()
}

// forgive has a camera that let the hub not watch be asked again: somebody switched it on.
func (c *Camera) forgive() {
	c.mu.Lock()
	why := c.refused
	again := why != nil && !errors.Is(why, ErrUnsafe)
	if again {
		c.refused = nil
		c.news()
	}
	c.mu.Unlock()
	if again {
		c.opts.Faults.Clear(faultOf(why), c.opts.ID)
		c.pictures.Retry()
	}
}

// tell says whether the camera sees.
func (c *Camera) tell() {
	if err := c.opts.Report(trait.Active.Of(c.Sees(), time.Now())); err != nil {
		c.opts.Log.Warn("what a camera was set to is not told", "accessory", c.opts.ID, "err", err)
	}
}

// Believes says whether a report of the camera counts: one that is off sees no motion, but its button can
// be pressed.
func (c *Camera) Believes(r trait.Reading) bool { return r.Trait != trait.Motion.Any() || c.Sees() }

// Complete adds to what a camera offers what the hub makes of it: the switch, and motion where the
// household wants it looked for.
func (c *Camera) Complete(o device.Offer) device.Offer {
	o.Traits = append(append([]device.Offered(nil), o.Traits...), device.Offered{Trait: trait.Active.Any(), Settable: true})
	if _, has := o.Offers(trait.Motion.Any()); !has && c.Settings().Motion {
		o.Traits = append(o.Traits, device.Offered{Trait: trait.Motion.Any()})
	}
	return o
}

// Offers says whether the camera, with what the hub makes of it, has a trait.
func (c *Camera) Offers(t trait.Any) bool {
	c.mu.Lock()
	o := c.offer
	c.mu.Unlock()
	_, ok := c.Complete(o).Offers(t)
	return ok
}

// Close ends everything and waits for it.
func (c *Camera) Close() error {
	c.end()
	c.look(false)
	err := c.pictures.Close()
	c.visits.part()
	c.work.Wait()
	c.stills.wipe()
	for _, code := range Codes() {
		c.opts.Faults.Clear(code, c.opts.ID)
	}
	return err
}

// Codes are the health codes of cameras.
func Codes() []string { return []string{CodeUnsafe, CodeRefused, CodeBlind} }
