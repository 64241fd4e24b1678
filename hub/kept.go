package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/cameras"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/keeper"
	"github.com/ingle-home/ingle/hub/label"
	"github.com/ingle-home/ingle/hub/label/desk"
	"github.com/ingle-home/ingle/hub/label/facts"
	"github.com/ingle-home/ingle/hub/label/probe"
	"github.com/ingle-home/ingle/hub/witness"
	"github.com/ingle-home/ingle/storage"
)

// openTime bounds the first try to reach a thing that somebody adds.
const openTime = 15 * time.Second

// cryTime is between two times that people hear of an alarm which cannot be stored.
const cryTime = time.Minute

// kept is one accessory with its keeper and, for a camera, its pictures.
type kept struct {
	accessory home.Accessory
	keeper    *keeper.Keeper
	camera    *cameras.Camera // nil for what has no pictures
	tried     *device.Offer   // what it said when it was added; nil for an old one; under house.showing
	cancel    context.CancelFunc
	done      chan struct{}

	mu        sync.Mutex
	condition keeper.Condition
}

// stands is where the line to the accessory stood when it last changed.
func (k *kept) stands() keeper.Condition {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.condition
}

func (k *kept) stop() {
	if k.cancel != nil { // it was begun
		k.cancel()
		<-k.done
	}
	if k.camera != nil {
		_ = k.camera.Close() // it holds nothing durable
	}
}

// keep starts an accessory.
func (h *house) keep(ctx context.Context, a home.Accessory) error {
	k, err := h.prepare(ctx, a)
	if k != nil {
		k.begin(ctx)
	}
	return err
}

// admit changes the home by a thing and keeps it, in one step: HomeKit must not see a thing without
// its keeper, or one that has not said what it is: that would be another one to it, and a change of
// its database. Tried is what the thing said when somebody tried it, or nil.
func (h *house) admit(tried *device.Offer, change func() (home.Accessory, error)) (home.Accessory, error) {
	h.showing.Lock()
	defer h.showing.Unlock()
	a, err := change()
	if err != nil {
		return a, err
	}
	if err := h.keep(h.living, a); err != nil {
		return a, err
	}
	if k := h.find(a.ID); k != nil {
		k.tried = tried
	}
	return a, nil
}

// offer is what the thing last said that it is.
func (k *kept) offer() (device.Offer, bool) {
	o, ok := k.keeper.Offer()
	if !ok && k.tried != nil {
		o, ok = *k.tried, true
	}
	return k.complete(o), ok
}

// complete adds what the hub makes of a thing.
func (k *kept) complete(o device.Offer) device.Offer {
	if k.camera == nil {
		return o
	}
	return k.camera.Complete(o)
}

// prepare makes the keeper of an accessory, which does nothing until begin; nil where its driver is
// missing.
func (h *house) prepare(ctx context.Context, a home.Accessory) (*kept, error) {
	driver, ok := h.drivers[a.Driver]
	if !ok {
		h.health.Raise("driver-missing", a.ID, map[string]string{"driver": a.Driver})
		return nil, nil
	}
	secrets, err := h.home.Secrets(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	k := &kept{accessory: a, done: make(chan struct{})}
	report := func(r trait.Reading) error { return h.report(ctx, a, r) }
	k.keeper = keeper.New(keeper.Options{
		ID: a.ID, Driver: driver, Config: h.config(a, secrets), Log: h.log,
		Report: func(r trait.Reading) error {
			if k.camera != nil && !k.camera.Believes(r) {
				return nil
			}
			return report(r)
		},
		Condition: func(c keeper.Condition) { h.condition(k, c) },
	})
	h.mu.Lock()
	if a.Kind == string(device.Camera) {
		k.camera = cameras.New(cameras.Options{ID: a.ID, Settings: h.sights[a.ID], Private: h.privacy, Report: report, Faults: h.health, Log: h.log})
	}
	h.kept[a.ID] = k
	h.mu.Unlock()
	if k.camera != nil {
		h.clips.Attach(a.ID, k.camera.Main())
	}
	return k, nil
}

// begin has the keeper work until stop.
func (k *kept) begin(ctx context.Context) {
	ctx, k.cancel = context.WithCancel(ctx)
	go func() {
		defer close(k.done)
		_ = k.keeper.Run(ctx) // ends with ctx only
	}()
}

func (h *house) config(a home.Accessory, secrets map[string]string) device.Config {
	return device.Config{
		Address: a.Address, Fields: a.Fields, Net: h.lan, Log: h.log, Now: time.Now,
		Secret: func(key string) device.Secret { return device.NewSecret(secrets[key]) },
	}
}

// leave stops an accessory and takes it out of the house.
func (h *house) leave(id string) {
	h.mu.Lock()
	k := h.kept[id]
	delete(h.kept, id)
	h.mu.Unlock()
	h.clips.Detach(id)
	if k != nil {
		k.stop()
	}
	h.bus.Drop(id)
	for _, code := range append(lineCodes(), "driver-missing") {
		h.health.Clear(code, id)
	}
}

// lineCodes are the health codes of the line to an accessory.
func lineCodes() []string {
	return []string{"accessory-unreachable", "accessory-refused", "accessory-unsupported", "accessory-abandoned", "accessory-panic",
		"accessory-h265", "accessory-login", "accessory-path", "accessory-outside", "accessory-address-login", "accessory-rtsp-address", "accessory-onvif-address"}
}

func (h *house) find(id string) *kept {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.kept[id]
}

// tellable says whether people hear of an event that is not stored. On a full disk it will be, as soon
// as they make room. A store that is only read, or a disk that fails, may stay so for days: a call for
// help must not wait for it. The watch, which is not answered, repeats its call, and each repeat would be
// another alarm, so one in a while is enough.
func (h *house) tellable(a home.Accessory, r trait.Reading, err error) bool {
	if errors.Is(err, storage.ErrFull) || !home.IsAlarm(r.Trait) {
		return h.unsound != nil && !home.IsAlarm(r.Trait)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	call := a.ID + "/" + r.Trait.ID()
	if last, told := h.cried[call]; told && time.Since(last) < cryTime {
		return false
	}
	h.cried[call] = time.Now()
	return true
}

// report takes what a thing says. An event is stored before anybody hears of it, but see tellable, and
// the thing hears of it last; a state that cannot be stored is told all the same.
func (h *house) report(ctx context.Context, a home.Accessory, r trait.Reading) error {
	event, kept := r.Trait.Kind() == trait.Event, h.keeps(a, r)
	if event && !kept {
		return nil // nobody is told of whom is forgotten
	}
	if event || kept && (r.Trait.Class() > trait.Household && !h.isPrivate()) {
		err := h.readings.Keep(ctx, a, r)
		h.stored(err)
		if err != nil && event {
			if h.tellable(a, r, err) {
				h.bus.Publish(bus.Change{Accessory: a.ID, Reading: r})
			}
			return err
		}
	}
	h.bus.Publish(bus.Change{Accessory: a.ID, Reading: r})
	return nil
}

// condition tells people where the line to an accessory stands.
func (h *house) condition(k *kept, c keeper.Condition) {
	k.mu.Lock()
	k.condition = c
	k.mu.Unlock()
	if k.camera != nil && c.State == keeper.Open {
		k.camera.Opened(k.keeper.Session())
	} else if k.camera != nil {
		k.camera.Closed()
	}
	a := k.accessory
	if c.State != keeper.Opening {
		for _, code := range lineCodes() {
			if code != c.Code {
				h.health.Clear(code, a.ID)
			}
		}
	}
	if c.Code != "" {
		h.health.Raise(c.Code, a.ID, nil)
		h.log.Info("an accessory is not well", "accessory", a.ID, "state", c.State, "err", c.Err)
	}
	standing := wire.Standing{Accessory: a.ID, Condition: conditionOf(c)}
	h.feed.Publish(wire.Change{Condition: &standing})
	if c.State == keeper.Open {
		if o, ok := k.keeper.Offer(); ok {
			h.stand.Unit(h.living, a.ID, witness.Unit{Make: strings.TrimSpace(o.Maker + " " + o.Model), Firmware: o.Firmware})
		}
		h.labels.Opened(a.ID)
		h.show()
	}
}

// try opens a thing once, so that a wrong address or password is said while the person who typed it
// is there. It gives what the thing says that it is.
func (h *house) try(ctx context.Context, driver device.Driver, a home.Accessory, secrets map[string]string) (device.Offer, error) {
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	s, err := driver.Open(ctx, h.config(a, secrets))
	if err != nil {
		return device.Offer{}, deviceProblem(err)
	}
	offer := s.Offer()
	ended, end := context.WithCancel(ctx)
	end()
	if err := s.Run(ended, func(trait.Reading) error { return nil }); err != nil {
		h.log.Debug("the first session did not end well", "err", err)
	}
	return offer, nil
}

// deviceProblem puts a driver's error into the words of the API.
func deviceProblem(err error) error {
	why, reason := fmt.Sprint(err), device.Reason(err)
	switch {
	case reason != "":
		return wire.Refuse(http.StatusConflict, "hub."+reason, "error", why)
	case errors.Is(err, keeper.ErrShut):
		return wire.Refuse(http.StatusConflict, "hub.watch-port")
	case errors.Is(err, device.ErrRefused):
		return wire.Refuse(http.StatusBadGateway, wire.CodeRefused, "error", why)
	case errors.Is(err, device.ErrUnsupported):
		return wire.Refuse(http.StatusNotImplemented, wire.CodeUnsupported, "error", why)
	}
	return wire.Refuse(http.StatusServiceUnavailable, wire.CodeUnreachable, "error", why)
}

// openLabels makes the desk that knows how safe things are.
func (h *house) openLabels() error {
	list, err := facts.Shipped()
	if err != nil {
		return err
	}
	h.labels = desk.New(desk.Options{
		Home: h.home.Contents, Secrets: h.home.Secrets, Thing: h.thing, Quiet: h.isPrivate, Own: h.own,
		Store: labels{archive.Labels[label.Record]{Store: h.store}}, Looks: looks{archive.Document[probe.Looks]{Store: h.store, Name: "label-looks"}},
		Facts: list, Log: h.log,
	})
	return nil
}

// welcome shows a new thing, and notes that the household agreed to a look at its doors.
func (h *house) welcome(ctx context.Context, id string, agreed bool) {
	h.show()
	if agreed {
		h.stored(h.labels.Agree(ctx, id))
	}
}

// Labels implements server.Hub.
func (d *daemon) Labels() server.Labels { return d.inside().labels }

// thing is where the line to an accessory stands.
func (h *house) thing(id string) desk.Thing {
	k := h.find(id)
	if k == nil {
		return desk.Thing{}
	}
	c := k.stands()
	t := desk.Thing{Open: c.State == keeper.Open, Refused: c.State == keeper.Refused, Since: c.Since}
	if t.Open {
		t.Session = k.keeper.Session()
		t.Offer, _ = k.keeper.Offer()
	}
	return t
}

// own measures the hub itself: it should listen where the household wants it to, and nowhere else.
func (h *house) own() label.Own {
	var meant []string
	meant = append(meant, strings.TrimPrefix(h.api, "https://"))
	if p, err := h.Page(h.living); err == nil {
		meant = append(meant, strings.TrimPrefix(p.Address, "https://"))
	}
	for _, s := range h.bridges.status() {
		meant = append(meant, net.JoinHostPort("", strconv.Itoa(s.Port)))
	}
	return desk.Measure(string(h.Protection()), append(meant, h.lan.Doors()...))
}

// labels and looks are what the desk keeps; what was never kept is empty.
type labels struct{ archive.Labels[label.Record] }

func (l labels) Load(ctx context.Context, id string) (label.Record, error) {
	r, err := l.Labels.Load(ctx, id)
	if isNone(err) {
		err = nil
	}
	return r, err
}

type looks struct{ archive.Document[probe.Looks] }

func (l looks) Load(ctx context.Context) (probe.Looks, error) {
	v, err := l.Document.Load(ctx)
	if isNone(err) {
		err = nil
	}
	return v, err
}

func (l looks) Keep(ctx context.Context, v probe.Looks) error { return l.Save(ctx, v) }
