package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/announce"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/cameras"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/homekit"
	"github.com/ingle-home/ingle/hub/homekit/camera"
	"github.com/ingle-home/ingle/hub/homekit/servers"
	"github.com/ingle-home/ingle/hub/safety"
	"github.com/ingle-home/ingle/hub/seclog"
	"github.com/ingle-home/ingle/storage/records"
)

// bridges is the house as HomeKit sees it.
type bridges struct {
	house   *house
	shown   *homekit.House
	servers *servers.Servers
	voice   *announce.Announcer
}

// The documents of HomeKit: the numbers of the accessories, and each server's identity.
const (
	homekitServers = "homekit/"
	homekitNumbers = homekitServers + "numbers"
)

// codeHomeKitPort says that the port of the main bridge is in use.
const codeHomeKitPort = "serve.homekit-port"

// identity is a HAP server's state as a sealed document.
type identity struct{ archive.Document[hap.State] }

func (m identity) Load(ctx context.Context) (hap.State, error) {
	s, err := m.Document.Load(ctx)
	if isNone(err) {
		return s, hap.ErrNoState
	}
	return s, err
}

// numbers is the table of HomeKit numbers as a sealed document.
type numbers struct {
	archive.Document[homekit.Register]
}

func (n numbers) Load(ctx context.Context) (homekit.Register, error) {
	r, err := n.Document.Load(ctx)
	if isNone(err) {
		return r, nil
	}
	return r, err
}

// By how much c# moves when the store is an old one: further than anybody will have changed the home
// meanwhile, and after an undoing further than the restore that is undone went.
const (
	restoredBy = 1000
	undoneBy   = 2000
)

// raiseAll moves the c# of every HomeKit server once after the store came out of a backup, or back after
// that: phones that saw a later one would keep what they know. Cut short it is done again, which harms
// nothing.
func (h *house) raiseAll(ctx context.Context) error {
	done := archive.Document[int]{Store: h.store, Name: "restores-told"}
	times, err := done.Load(ctx)
	if err != nil && !isNone(err) {
		return err
	}
	by := uint16(0)
	if times != h.restored.Times {
		by += restoredBy
	}
	if h.undone() {
		by += undoneBy
	}
	if by == 0 || h.unsound != nil {
		return nil
	}
	h.stand.Note(seclog.Event{Kind: seclog.Restore})
	names, err := archive.Names(ctx, h.store, homekitServers)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == homekitNumbers {
			continue
		}
		server := archive.Document[hap.State]{Store: h.store, Name: name}
		state, err := server.Load(ctx)
		if err != nil {
			return err
		}
		state.Raise(by)
		if err := server.Save(ctx, state); err != nil {
			return err
		}
	}
	return done.Save(ctx, h.restored.Times)
}

func openBridges(ctx context.Context, h *house) (*bridges, error) {
	if err := h.raiseAll(ctx); err != nil {
		return nil, err
	}
	b := &bridges{house: h, voice: announce.New(announce.Options{Loopback: h.settings.loopback, Report: h.heard, Log: h.log})}
	shown, err := homekit.Open(ctx, homekit.Options{
		Words: h.words(), Bus: h.bus, Do: h.obey, Camera: b.camera, Faults: h.health, Log: h.log, Snapped: h.stand.Snapped,
		IDs: numbers{archive.Document[homekit.Register]{Store: h.store, Name: homekitNumbers}},
	})
	if err != nil {
		return nil, errors.Join(err, b.voice.Close())
	}
	b.shown = shown
	b.servers = servers.New(servers.Options{
		House: shown, Voice: b.voice, Faults: h.health, Address: h.settings.homeKit, Log: h.log, Changed: h.tellStatus, Notice: h.stand.Controllers,
		Memory: func(key string) hap.Memory {
			return identity{archive.Document[hap.State]{Store: h.store, Name: homekitServers + key}}
		},
	})
	h.run(ctx, "homekit", shown.Run)
	err = b.show(ctx)
	if err != nil && h.unsound != nil { // what can be shown is
		h.log.Error("HomeKit does not show all", "err", err)
		h.health.Raise(codeNoHomeKit, "", nil)
		err = nil
	}
	if errors.Is(err, syscall.EADDRINUSE) { // any other server takes another port
		err = wire.Refuse(http.StatusConflict, codeHomeKitPort, "port", strconv.Itoa(h.settings.homekitPort))
	}
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// heard tells people when a HomeKit server is not seen on the network as it should be. Of two copies of
// one hub the restored one knows what it is, which helps more than that there are two.
func (h *house) heard(seen []announce.Condition) {
	twin, args := announce.TroubleConflict, map[string]string(nil)
	if h.restored.Times > 0 {
		twin, args = codeTwin, map[string]string{"date": h.restored.Made.Local().Format(time.DateOnly), "machine": h.restored.Machine}
	}
	for _, t := range []struct {
		trouble, code string
		args          map[string]string
	}{
		{announce.TroubleSilent, announce.TroubleSilent, nil},
		{announce.TroubleUnheard, announce.TroubleUnheard, nil},
		{announce.TroubleContested, announce.TroubleContested, nil},
		{announce.TroubleConflict, twin, args},
	} {
		if slices.ContainsFunc(seen, func(c announce.Condition) bool { return c.Trouble == t.trouble }) {
			h.health.Raise(t.code, "", t.args)
		} else {
			h.health.Clear(t.code, "")
		}
	}
}

// homeKit is where a HomeKit server listens.
func (s settings) homeKit(server string) string {
	if server == homekit.MainServer {
		return s.address(s.homekitPort)
	}
	return s.address(0)
}

func (s settings) address(port int) string {
	return net.JoinHostPort(s.listenHost(), strconv.Itoa(port))
}

// obey is do in HomeKit's words: what "Stop everything" holds back is not allowed now, which the Home
// app shows as such; anything else would read as a thing that does not answer.
func (h *house) obey(ctx context.Context, id string, cmd trait.Command) error {
	err := h.do(ctx, id, cmd)
	if errors.Is(err, safety.ErrHeld) || errors.Is(err, cameras.ErrPrivate) {
		return fmt.Errorf("%w: %w", hap.StatusNotAllowed, err)
	}
	return err
}

// camera is the HomeKit side of a camera.
func (b *bridges) camera(a home.Accessory, speaks bool) (homekit.Camera, error) {
	k := b.house.find(a.ID)
	if k == nil || k.camera == nil {
		return homekit.Camera{}, fmt.Errorf("homekit: %s has no pictures", a.ID)
	}
	o := camera.Options{
		Source: k.camera.Main(), Smaller: k.camera.Smaller, Still: k.camera.Snapshot, Log: b.house.log,
		Sound:    func() bool { return k.camera.Settings().Sound },
		Streamed: func(controller string) func() { return b.house.stand.Streamed(a.ID, controller) },
	}
	if speaks {
		o.Talk = k.camera.Talk
	}
	c := camera.New(o)
	return homekit.Camera{Services: c.Services(), Snapshot: c.Snapshot, Close: c.Close}, nil
}

// show brings the servers in step with the home, one at a time: what is shown last is the newest.
func (b *bridges) show(ctx context.Context) error {
	b.house.showing.Lock()
	defer b.house.showing.Unlock()
	offers := map[string]homekit.Offer{}
	has := b.house.home.Contents()
	for _, a := range has.Accessories {
		if k := b.house.find(a.ID); k != nil {
			if o, ok := k.offer(); ok {
				offer := offerOf(o)
				offer.Speaks = k.camera != nil && k.camera.Speaks()
				offers[a.ID] = offer
			}
		}
	}
	return b.servers.Show(ctx, has, offers)
}

// offerOf is what HomeKit shows of a unit.
func offerOf(o device.Offer) homekit.Offer {
	offer := homekit.Offer{Maker: o.Maker, Model: o.Model, Firmware: o.Firmware}
	for _, t := range o.Traits {
		offer.Traits = append(offer.Traits, t.Trait.ID())
		if t.Trait == trait.Speed.Any() {
			offer.Steps = t.Steps
		}
	}
	return offer
}

// status is what the owner is shown of each server.
func (b *bridges) status() []wire.HomeKit {
	var list []wire.HomeKit
	if b == nil {
		return nil
	}
	for _, s := range b.servers.Status() {
		list = append(list, homeKitOf(s))
	}
	return list
}

func homeKitOf(s servers.Status) wire.HomeKit {
	return wire.HomeKit{ID: s.Key, Name: s.Name, Kind: string(s.Kind), Port: s.Port, DeviceID: s.DeviceID,
		SetupCode: s.Setup.Code, SetupURI: s.Setup.URI, Paired: s.Paired, Controllers: s.Controllers, ArmedUntil: until(s.ArmedUntil)}
}

// until is a time on the wire, where none is nothing.
func until(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// HomeKit implements server.Bridges.
func (d *daemon) HomeKit(context.Context) ([]wire.HomeKit, error) {
	return d.inside().bridges.status(), nil
}

// NewCode implements server.Bridges.
func (d *daemon) NewCode(ctx context.Context, id string) (wire.HomeKit, error) {
	b, err := d.bridged()
	if err != nil {
		return wire.HomeKit{}, err
	}
	s, err := b.servers.NewCode(ctx, id)
	return homeKitOf(s), noServer(id, err)
}

// Unpair implements server.Bridges.
func (d *daemon) Unpair(ctx context.Context, id string) error {
	b, err := d.bridged()
	if err != nil {
		return err
	}
	return noServer(id, b.servers.Unpair(ctx, id))
}

// bridged refuses where HomeKit's part of a damaged store cannot be read.
func (d *daemon) bridged() (*bridges, error) {
	if b := d.inside().bridges; b != nil {
		return b, nil
	}
	return nil, wire.Refuse(http.StatusInternalServerError, "hub.damaged")
}

// Arm implements server.Bridges.
func (d *daemon) Arm(ctx context.Context, id string, t time.Duration) (wire.HomeKit, error) {
	b, err := d.bridged()
	if err == nil {
		err = b.private(id)
	}
	if err != nil {
		return wire.HomeKit{}, err
	}
	s, err := b.servers.Arm(ctx, t)
	if err == nil {
		d.stand.Note(seclog.Event{Kind: seclog.NewListener, Subject: id})
	}
	if errors.Is(err, servers.ErrNothingPrivate) {
		return wire.HomeKit{}, wire.Refuse(http.StatusConflict, wire.CodeNoPrivate)
	}
	return homeKitOf(s), problem(err)
}

// Disarm implements server.Bridges. What does not stop is for people to see, as it always is; the
// server is locked all the same.
func (d *daemon) Disarm(ctx context.Context, id string) error {
	b, err := d.bridged()
	if err == nil {
		err = b.private(id)
	}
	if err != nil {
		return err
	}
	return problem(b.servers.Disarm(ctx))
}

// private refuses what is not the private server. Without anything private there is none to be found.
func (b *bridges) private(id string) error {
	if id == homekit.PrivateServer {
		return nil
	}
	s, err := b.servers.Find(id)
	switch {
	case err != nil:
		return noServer(id, err)
	case s.Kind != servers.Private:
		return wire.Refuse(http.StatusConflict, wire.CodeNotPrivate, "name", s.Name)
	}
	return nil
}

func noServer(id string, err error) error {
	if errors.Is(err, servers.ErrUnknown) {
		return wire.Refuse(http.StatusNotFound, wire.CodeNoServer, "name", id)
	}
	return problem(err)
}

func (b *bridges) close() error {
	b.servers.Close()
	return b.voice.Close()
}

// tellStatus tells the apps what the hub says about itself, once it is open: before, its opening will.
func (h *house) tellStatus() {
	if h.inside() == h {
		status := h.Status(h.living)
		h.feed.Publish(wire.Change{Status: &status})
	}
}

// show brings HomeKit and the apps in step with the home after a change; what fails is for people to
// see.
func (h *house) show() {
	if h.bridges == nil {
		return
	}
	h.tellDerived()
	if err := h.bridges.show(h.living); err != nil && !errors.Is(err, records.ErrReadOnly) {
		h.log.Error("HomeKit does not show the newest home", "err", err)
		h.health.Raise("homekit-stale", "", nil)
		return
	}
	h.health.Clear("homekit-stale", "")
}
