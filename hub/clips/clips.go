// Package clips is where the household's recordings come together: it has a recorder for each camera that
// is to be recorded, tells it what moves and who rings, and answers what people ask about the clips.
// Nothing is recorded before somebody switches it on for a camera.
//
//	open.go   their place in the hub's store
//	clips.go  which cameras record
//	desk.go   what people ask
//	undated.go  clips of a wrong clock
package clips

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/live"
	"github.com/ingle-home/ingle/hub/record"
	"github.com/ingle-home/ingle/hub/stream"
)

// The codes of what can be wrong.
const (
	CodeFull   = "clips-full"   // a clip could not be stored whole
	CodeClosed = "clips-closed" // the recordings could not be opened
)

// Options are what New needs.
type Options struct {
	Dir      string                                                                                                         // the hub's own folder, absolute
	File     func(ctx context.Context, path, name string, write func(io.Writer) error) (made string, size int64, err error) // writes one in the clear
	Store    record.Store
	Home     func() home.Contents
	Settings record.Settings                              // as they were kept
	Save     func(context.Context, record.Settings) error // keeps them
	Prove    func(ctx context.Context, password string) error
	Studio   *live.Studio              // plays clips for those who cannot decode them
	Changed  func(camera string)       // told that the clips of a camera, or of any for "", are not what they were; nil = nobody is
	Barred   func(camera string) error // why there are no pictures of a camera, in the words of the API; nil means that they come
	Bus      *bus.Bus
	Faults   Faults
	Log      *slog.Logger
}

// Faults is the list of what is wrong.
type Faults interface {
	Raise(code, subject string, args map[string]string)
	Clear(code, subject string)
}

// Desk is safe for concurrent use. It implements server.Clips.
type Desk struct {
	Options
	clips  record.Clips
	shut   func() error                                   // closes the store; nil if it is another's
	settle func(ctx context.Context, now time.Time) error // has the store do what the disk did not let it do before; nil likewise

	changing  sync.Mutex // one change of the settings at a time
	attaching sync.Mutex // one camera comes, goes or gets another rule at a time
	mu        sync.Mutex // guards all below
	settings  record.Settings
	cameras   map[string]*camera
	undated   map[string]time.Time // when a clip was first seen whose own time cannot be true
	closed    bool
}

// camera is one that could be recorded.
type camera struct {
	source   *stream.Source
	recorder *record.Recorder // nil: it is not
	cancel   context.CancelFunc
	done     chan struct{}
}

// New gives a desk.
func New(o Options) *Desk {
	if o.Changed == nil {
		o.Changed = func(string) {}
	}
	if o.Studio == nil {
		o.Studio = live.New(live.Options{Log: o.Log})
	}
	d := &Desk{Options: o, clips: record.Clips{Store: o.Store}, settings: maps.Clone(o.Settings), cameras: map[string]*camera{}}
	if d.settings == nil {
		d.settings = record.Settings{}
	}
	return d
}

// Recordings are the clips themselves; they have no Store where it could not be opened.
func (d *Desk) Recordings() record.Clips { return d.clips }

// Run tells the recorders what moves and who rings, until ctx ends.
func (d *Desk) Run(ctx context.Context) error {
	sub := d.Bus.Subscribe("clips", trait.Household)
	defer sub.Close()
	for {
		c, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		r := d.recorder(c.Accessory)
		if r == nil {
			continue
		}
		if on, ok := trait.Motion.In(c.Reading); ok {
			r.Hold(record.Motion, on)
		}
		if rang, ok := trait.Doorbell.In(c.Reading); ok && rang {
			r.Trigger(record.Doorbell)
		}
		if there, ok := trait.Reachable.In(c.Reading); ok && !there {
			r.Hold(record.Motion, false) // who went away cannot say that it ended
		}
	}
}

func (d *Desk) recorder(id string) *record.Recorder {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.cameras[id]; c != nil {
		return c.recorder
	}
	return nil
}

// Attach gives a camera's pictures, which are recorded if the household wants that.
func (d *Desk) Attach(id string, source *stream.Source) {
	if d.Store == nil {
		return
	}
	d.attaching.Lock()
	defer d.attaching.Unlock()
	d.attach(id, source)
}

// attach is Attach for callers that hold attaching: of two recorders of one camera one would be out of
// everybody's reach.
func (d *Desk) attach(id string, source *stream.Source) {
	d.detach(id)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	c := &camera{source: source}
	d.cameras[id] = c
	d.begin(id, c)
}

// begin starts a camera's recorder if there shall be one. Callers hold mu.
func (d *Desk) begin(id string, c *camera) {
	rule := d.settings.Rule(id)
	if !rule.On {
		return
	}
	c.recorder = record.New(record.Options{
		Camera: id, Source: c.source, Store: d.Store, Sound: rule.Sound, Log: d.Log,
		Began: func() { d.Changed(id) }, Ended: func(err error) { d.ended(id, err) },
	})
	if last, known := d.Bus.Last(id, trait.Motion.Any()); known {
		if moves, _ := trait.Motion.In(last); moves {
			c.recorder.Hold(record.Motion, true)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done, r := make(chan struct{}), c.recorder
	c.cancel, c.done = cancel, done
	go func() {
		defer close(done)
		_ = r.Run(ctx) // it ends with ctx or its source only
	}()
}

// stop ends the recorder of a camera, and stores the clip that is running.
func (c *camera) stop() {
	if c != nil && c.recorder != nil {
		c.cancel()
		<-c.done
	}
}

// Detach ends the recording of a camera that goes.
func (d *Desk) Detach(id string) {
	d.attaching.Lock()
	defer d.attaching.Unlock()
	d.detach(id)
}

// renew has a camera that is there recorded by the rule that holds now.
func (d *Desk) renew(id string) {
	d.attaching.Lock()
	defer d.attaching.Unlock()
	d.mu.Lock()
	c := d.cameras[id]
	d.mu.Unlock()
	if c != nil {
		d.attach(id, c.source)
	}
}

func (d *Desk) detach(id string) {
	d.mu.Lock()
	c := d.cameras[id]
	delete(d.cameras, id)
	d.mu.Unlock()
	c.stop()
}

// Hush is privacy: what the recorders of these cameras, or of all, hold in memory is forgotten, and their
// clips end.
func (d *Desk) Hush(ids ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, c := range d.cameras {
		if c.recorder != nil && (len(ids) == 0 || slices.Contains(ids, id)) {
			c.recorder.Wipe()
		}
	}
}

// Forget destroys what was recorded of a camera, and what the household wanted of it.
func (d *Desk) Forget(ctx context.Context, id string) error {
	if d.Store == nil {
		return nil
	}
	d.Detach(id)
	if err := d.Store.Forget(ctx, id); err != nil {
		return fmt.Errorf("clips: forget: %w", err)
	}
	d.Changed(id)
	_, err := d.change(ctx, func(s record.Settings) { delete(s, id) })
	return err
}

// Unname takes somebody out of the rules that say who may see clips. Where nobody is left, owners and
// guardians may.
func (d *Desk) Unname(ctx context.Context, person string) error {
	if d.Store == nil || d.Naming(person) == 0 {
		return nil
	}
	_, err := d.change(ctx, func(s record.Settings) {
		for id, r := range s {
			r.People = slices.DeleteFunc(slices.Clone(r.People), func(p string) bool { return p == person })
			s[id] = r
		}
	})
	return err
}

// Naming is how many rules name somebody.
func (d *Desk) Naming(person string) (n int) {
	for _, r := range d.rules() {
		if slices.Contains(r.People, person) {
			n++
		}
	}
	return n
}

// Sweep deletes the clips that have had their time at now, a time that can be believed.
func (d *Desk) Sweep(ctx context.Context, now time.Time) (deleted int, err error) {
	if d.Store == nil {
		return 0, nil
	}
	deleted, err = d.clips.Tidy(ctx, now, d.rules())
	undated, failed := d.sweepUndated(ctx, now)
	if deleted, err = deleted+undated, errors.Join(err, failed); deleted > 0 {
		d.Changed("")
	}
	if d.settle != nil {
		err = errors.Join(err, d.settle(ctx, now))
	}
	return deleted, err
}

// ended tells people when a clip was lost, and deletes what there is too much of.
func (d *Desk) ended(id string, err error) {
	switch {
	case err == nil:
		d.Faults.Clear(CodeFull, id)
	case !errors.Is(err, record.ErrNotFound): // somebody deleted it meanwhile
		d.Faults.Raise(CodeFull, id, nil)
	}
	ctx, cancel := context.WithTimeout(context.Background(), workTime)
	defer cancel()
	if _, err := d.clips.Tidy(ctx, time.Time{}, d.rules()); err != nil {
		d.Log.Warn("old clips stay for now", "camera", id, "err", err)
	}
	d.Changed(id)
}

const workTime = time.Minute

func (d *Desk) rules() record.Settings {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.settings)
}

// change alters the settings, durably.
func (d *Desk) change(ctx context.Context, alter func(record.Settings)) (record.Settings, error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	next := d.rules()
	alter(next)
	if err := d.Save(ctx, next); err != nil {
		return nil, fmt.Errorf("clips: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settings = next
	return next, nil
}

// Close ends all recording, stores the clips that are running, and closes the store that Open opened.
func (d *Desk) Close() error {
	d.mu.Lock()
	d.closed = true
	all := d.cameras
	d.cameras = map[string]*camera{}
	d.mu.Unlock()
	for _, c := range all {
		c.stop()
	}
	if d.shut == nil {
		return nil
	}
	return d.shut()
}
