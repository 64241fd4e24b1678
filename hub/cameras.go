package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/frames"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/cameras"
	"github.com/ingle-home/ingle/hub/find"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/live"
	"github.com/ingle-home/ingle/hub/stream"
)

// secureTime bounds a change of a camera's passwords: some cameras restart in between.
const secureTime = 2 * time.Minute

// Still implements server.Cameras.
func (d *daemon) Still(ctx context.Context, which string, width, height int) (wire.Still, error) {
	h := d.inside()
	a, err := h.home.Contents().Accessory(which)
	if err != nil {
		return wire.Still{}, problem(err)
	}
	k := h.find(a.ID)
	if k == nil || k.camera == nil {
		return wire.Still{}, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeUnsupported)
	}
	if width == 0 || height == 0 {
		width, height = 640, 360
	}
	s, err := k.camera.Still(ctx, width, height)
	switch {
	case errors.Is(err, cameras.ErrPrivate), errors.Is(err, cameras.ErrOff), errors.Is(err, cameras.ErrUnsafe), device.Reason(err) != "", errors.Is(err, device.ErrRefused):
		return wire.Still{}, h.named(problem(err), a.ID)
	case err != nil:
		h.log.Info("a camera has no picture", "accessory", a.ID, "err", err)
		return wire.Still{}, wire.Refuse(http.StatusServiceUnavailable, wire.CodeNoPicture)
	}
	return wire.Still{JPEG: s.JPEG, At: s.At}, nil
}

// Frames implements server.Cameras.
func (d *daemon) Frames(ctx context.Context, which string, l wire.Look, put func(frames.Frame) error) error {
	h := d.inside()
	a, err := h.home.Contents().Accessory(which)
	if err != nil {
		return problem(err)
	}
	if err := h.barred(a.ID); err != nil {
		return err
	}
	source := h.find(a.ID).camera.Nearest(l.Width, l.Height)
	err = h.studio.Watch(ctx, a.ID, source, live.Sight(l), func(jpeg []byte) error { return put(frames.Frame{JPEG: jpeg}) })
	if barred := h.barred(a.ID); barred != nil {
		return barred
	}
	switch {
	case errors.Is(err, live.ErrBusy):
		return wire.Refuse(http.StatusServiceUnavailable, wire.CodeDecoding)
	case errors.Is(err, live.ErrAway), errors.Is(err, stream.ErrPaused), errors.Is(err, stream.ErrClosed):
		return wire.Refuse(http.StatusServiceUnavailable, wire.CodeNoPicture)
	}
	return err
}

// barred says, in the words of the API, why there are no pictures of a camera.
func (h *house) barred(id string) error {
	k := h.find(id)
	if k == nil || k.camera == nil {
		return wire.Refuse(http.StatusUnprocessableEntity, wire.CodeUnsupported)
	}
	if err := k.camera.Barred(); err != nil {
		return h.named(problem(err), id)
	}
	if k.keeper.Session() == nil {
		return wire.Refuse(http.StatusServiceUnavailable, wire.CodeUnreachable)
	}
	return nil
}

// named has a refusal say which thing it is about.
func (h *house) named(err error, id string) error {
	var p *wire.Problem
	if a, unknown := h.home.Contents().Accessory(id); unknown == nil && errors.As(err, &p) {
		p.Args = merged(p.Args, map[string]string{"name": a.Name})
	}
	return err
}

// SetCamera implements server.Cameras.
func (d *daemon) SetCamera(ctx context.Context, which string, r wire.CameraRequest) (wire.Accessory, error) {
	h := d.inside()
	a, err := h.home.Contents().Accessory(which)
	if err != nil {
		return wire.Accessory{}, problem(err)
	}
	err = h.setCamera(ctx, a.ID, func(s *cameras.Settings) {
		if r.Sound != nil {
			s.Sound = *r.Sound
		}
		if r.Motion != nil {
			s.Motion = *r.Motion
		}
	})
	if err != nil {
		return wire.Accessory{}, problem(err)
	}
	h.show() // whether it tells motion may be new
	w := h.accessory(a)
	h.feed.Publish(wire.Change{Accessory: &w})
	return w, nil
}

// Secure implements server.Cameras: it gives a thing passwords of its own. Each is kept before the thing
// hears of it, so that it can be interrupted and called again.
func (d *daemon) Secure(ctx context.Context, which string) error {
	h := d.inside()
	a, err := h.home.Contents().Accessory(which)
	if err != nil {
		return problem(err)
	}
	k := h.find(a.ID)
	if k == nil {
		return wire.Refuse(http.StatusNotImplemented, "secure.cannot", "name", a.Name)
	}
	r, ok := k.keeper.Session().(device.Rekeyable)
	if !ok {
		if k.keeper.Session() == nil {
			return wire.Refuse(http.StatusServiceUnavailable, wire.CodeUnreachable)
		}
		return wire.Refuse(http.StatusNotImplemented, "secure.cannot", "name", a.Name)
	}
	if k.camera != nil { // new passwords are proven with a still, and it must make none now
		if err := k.camera.Barred(); errors.Is(err, cameras.ErrPrivate) || errors.Is(err, cameras.ErrOff) {
			return problem(err)
		}
	}
	// It goes on when whoever asked has hung up: half a change is worse than none.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), secureTime)
	defer cancel()
	changed := false
	err = r.Rekey(ctx, func(keys device.Keys) error {
		changed = true
		_, err := h.home.RekeyAccessory(ctx, a.ID, keys.Fields, revealed(keys.Secrets))
		return err
	})
	if changed {
		err = errors.Join(err, h.reopen(ctx, a.ID))
	}
	if err != nil {
		h.log.Warn("a thing was not given passwords of its own", "accessory", a.ID, "err", err)
		return problem(err)
	}
	h.log.Info("a thing has passwords of its own", "accessory", a.ID)
	return nil
}

// revealed are secrets as the store takes them: sealed, and nowhere else.
func revealed(secrets map[string]device.Secret) map[string]string {
	plain := map[string]string{}
	for key, s := range secrets {
		plain[key] = s.Reveal()
	}
	return plain
}

// reopen ends the session with a thing and begins another, with what is kept of it now.
func (h *house) reopen(ctx context.Context, id string) error {
	var tried *device.Offer
	if k := h.find(id); k != nil {
		if o, ok := k.keeper.Offer(); ok {
			tried = &o
		}
	}
	h.leave(id)
	if _, err := h.admit(tried, func() (home.Accessory, error) { return h.home.Contents().Accessory(id) }); err != nil {
		return fmt.Errorf("open again: %w", err)
	}
	if h.bridges != nil {
		h.bridges.shown.Renew(id) // its pictures have a new source
	}
	h.show()
	return nil
}

// Find implements server.Finder.
func (d *daemon) Find(ctx context.Context, duration time.Duration) ([]wire.Found, error) {
	h := d.inside()
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	var list []wire.Found
	for _, f := range find.Search(ctx, find.Options{
		Drivers: slices.Collect(maps.Values(h.drivers)), Net: h.lan, Home: h.home.Contents().Accessories, Log: h.log,
	}) {
		list = append(list, wire.Found{Driver: f.Driver, Name: f.Name, Model: f.Model, Address: f.Address, Fields: f.Fields, Known: f.Known, Ask: h.asks(f)})
	}
	if len(list) == 0 && !h.lan.Connected() {
		return nil, wire.Refuse(http.StatusServiceUnavailable, "find.no-network")
	}
	return list, nil
}

// asks are the questions of a driver that a candidate leaves open.
func (h *house) asks(f find.Found) []wire.Question {
	var list []wire.Question
	driver, ok := h.drivers[f.Driver]
	if !ok {
		return nil
	}
	for _, q := range driver.About().Fields {
		if f.Fields[q.Key] == "" {
			list = append(list, wire.Question{Key: q.Key, Secret: q.Secret, Optional: q.Optional})
		}
	}
	return list
}

// historyTime bounds how long the store is read for one picture of the past.
const historyTime = 15 * time.Second

// History implements server.Past. What Privacy or another class keeps out of the store is not there.
func (d *daemon) History(ctx context.Context, which, of string, from, to time.Time, points int) (wire.History, error) {
	h := d.inside()
	all := h.accessories()
	i := slices.IndexFunc(all, func(a wire.Accessory) bool { return a.ID == which || strings.EqualFold(a.Name, which) })
	t, known := trait.Lookup(of)
	switch {
	case i < 0:
		return wire.History{}, problem(home.ErrUnknown)
	case !known:
		return wire.History{}, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeTrait, "trait", of)
	}
	past := wire.History{Accessory: all[i].ID, Trait: of, From: from, To: to}
	ctx, cancel := context.WithTimeout(ctx, historyTime)
	defer cancel()
	err := h.readings.Of(ctx, past.Accessory, t, from, to, func(older []archive.Past) error {
		list := make([]wire.Point, 0, len(older)+len(past.Points))
		for _, p := range older {
			list = append(list, wire.Point{At: p.At.UTC(), Value: p.Value, Count: 1})
		}
		past.Points = append(list, past.Points...)
		past = past.Join(wire.MaxPoints) // the few that are shown stay in memory, not all that are kept
		return nil
	})
	return past.Join(points), problem(err)
}
