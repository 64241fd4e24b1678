package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/announce"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/homekit"
	"github.com/ingle-home/ingle/hub/homekit/camera"
	"github.com/ingle-home/ingle/hub/safety"
)

// bridges is the house as HomeKit sees it: the main bridge and a server for each camera that has one
// of its own.
type bridges struct {
	house   *house
	shown   *homekit.House
	voice   *announce.Announcer
	serving sync.Mutex // one show at a time
	mu      sync.Mutex
	order   []string
	servers map[string]*bridge
}

// codeHomeKitPort says that the port of the main bridge is in use.
const codeHomeKitPort = "serve.homekit-port"

// bridge is one running HAP server.
type bridge struct {
	name   string
	kind   string
	server *hap.Server
	port   int
	end    context.CancelFunc
	done   sync.WaitGroup
}

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

func openBridges(ctx context.Context, h *house) (*bridges, error) {
	b := &bridges{house: h, servers: map[string]*bridge{}, voice: announce.New(announce.Options{Loopback: h.settings.loopback, Log: h.log})}
	shown, err := homekit.Open(ctx, homekit.Options{
		Bus: h.bus, Do: h.obey, Camera: b.camera, Log: h.log,
		IDs: numbers{archive.Document[homekit.Register]{Store: h.store, Name: "homekit/numbers"}},
	})
	if err != nil {
		return nil, errors.Join(err, b.voice.Close())
	}
	b.shown = shown
	h.run(ctx, "homekit", shown.Run)
	if err := b.show(ctx); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// obey is do in HomeKit's words: what "Stop everything" holds back is not allowed now, which the Home
// app shows as such; anything else would read as a thing that does not answer.
func (h *house) obey(ctx context.Context, id string, cmd trait.Command) error {
	err := h.do(ctx, id, cmd)
	if errors.Is(err, safety.ErrHeld) {
		return fmt.Errorf("%w: %w", hap.StatusNotAllowed, err)
	}
	return err
}

// camera is the HomeKit side of a camera.
func (b *bridges) camera(a home.Accessory) (homekit.Camera, error) {
	k := b.house.find(a.ID)
	if k == nil || k.pictures == nil {
		return homekit.Camera{}, fmt.Errorf("homekit: %s has no pictures", a.ID)
	}
	c := camera.New(camera.Options{Source: k.pictures, Log: b.house.log})
	return homekit.Camera{Services: c.Services(), Snapshot: c.Snapshot, Close: c.Close}, nil
}

// show brings the servers in step with the home.
func (b *bridges) show(ctx context.Context) error {
	b.serving.Lock()
	defer b.serving.Unlock()
	offers := map[string]homekit.Offer{}
	has := b.house.home.Contents()
	for _, a := range has.Accessories {
		if k := b.house.find(a.ID); k != nil {
			if o, ok := k.keeper.Offer(); ok {
				offers[a.ID] = offerOf(o)
			}
		}
	}
	servers, err := b.shown.Show(ctx, has, offers)
	if err != nil {
		return err
	}
	keys := map[string]bool{}
	for _, s := range servers {
		keys[s.Key] = true
		if err := b.publish(ctx, s); err != nil {
			return err
		}
	}
	b.withdraw(keys)
	return nil
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

func (b *bridges) publish(ctx context.Context, s homekit.Server) error {
	b.mu.Lock()
	running := b.servers[s.Key]
	b.mu.Unlock()
	if running != nil {
		return b.left(s.Key, running.server.Publish(ctx, s.Accessories...))
	}
	server, err := hap.New(ctx, hap.Options{
		Name: s.Name, Model: s.Model, Category: s.Category, Log: b.house.log,
		Memory: identity{archive.Document[hap.State]{Store: b.house.store, Name: "homekit/" + s.Key}},
		Snapshot: func(ctx context.Context, aid uint64, width, height int) ([]byte, error) {
			return b.shown.Snapshot(ctx, s.Key, aid, width, height)
		},
	})
	if err != nil {
		return err
	}
	if err := b.left(s.Key, server.Publish(ctx, s.Accessories...)); err != nil {
		return err
	}
	return b.serve(server, s)
}

// left takes a server's report of accessories that Apple's rules keep out: the rest of the house is
// shown, and people are told until all of it is.
func (b *bridges) left(server string, err error) error {
	const code = "homekit-left-out"
	var out *hap.AccessoryError
	switch {
	case errors.As(err, &out):
		b.house.log.Error("an accessory is not shown in HomeKit", "server", server, "err", err)
		b.house.health.Raise(code, server, nil)
		return nil
	case err == nil:
		b.house.health.Clear(code, server)
	}
	return err
}

// serve listens, as far as it can on the port that the server had before, and announces.
func (b *bridges) serve(server *hap.Server, s homekit.Server) error {
	ln, err := b.listen(server, s.Key)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(context.Background())
	r := &bridge{name: s.Name, kind: "bridge", server: server, port: ln.Addr().(*net.TCPAddr).Port, end: end}
	if s.Key != homekit.MainServer {
		r.kind = "camera"
	}
	r.done.Go(func() {
		if err := server.Serve(ctx, ln); err != nil && ctx.Err() == nil {
			b.house.log.Error("a HomeKit server stopped", "server", s.Key, "err", err)
			b.house.health.Raise("homekit-stopped", "", nil)
		}
	})
	r.done.Go(func() { b.announce(ctx, r) })
	b.mu.Lock()
	defer b.mu.Unlock()
	b.servers[s.Key] = r
	b.order = append(b.order, s.Key)
	return nil
}

func (b *bridges) listen(server *hap.Server, key string) (net.Listener, error) {
	settings := b.house.settings
	port := 0
	if key == homekit.MainServer {
		port = settings.homekitPort
	}
	ln, err := server.Listen(context.Background(), settings.address(port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, wire.Refuse(http.StatusConflict, codeHomeKitPort, "port", strconv.Itoa(port))
	}
	return ln, err
}

func (s settings) address(port int) string {
	return net.JoinHostPort(s.listenHost(), strconv.Itoa(port))
}

// announce keeps what mDNS says in step with the server until ctx ends.
func (b *bridges) announce(ctx context.Context, r *bridge) {
	said := ""
	defer func() { b.voice.Remove(said) }()
	for {
		a := r.server.Announcement()
		if said != "" && said != a.Instance {
			b.voice.Remove(said)
		}
		said = a.Instance
		if err := b.voice.Set(a.Instance, r.port, a.TXT); err != nil {
			b.house.health.Raise("not-announced", "", nil)
			b.house.log.Warn("HomeKit is not announced", "err", err)
		} else {
			b.house.health.Clear("not-announced", "")
		}
		select {
		case <-ctx.Done():
			return
		case <-r.server.Changed():
		}
	}
}

// withdraw ends the servers that are no longer needed.
func (b *bridges) withdraw(keep map[string]bool) {
	b.mu.Lock()
	var gone []*bridge
	order := b.order[:0]
	for _, key := range b.order {
		if keep[key] {
			order = append(order, key)
			continue
		}
		gone = append(gone, b.servers[key])
		delete(b.servers, key)
	}
	b.order = order
	b.mu.Unlock()
	for _, r := range gone {
		r.end()
		r.done.Wait()
	}
}

// status is what the owner is shown of each server.
func (b *bridges) status() []wire.HomeKit {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []wire.HomeKit
	for _, key := range b.order {
		r := b.servers[key]
		setup := r.server.Setup()
		list = append(list, wire.HomeKit{Name: r.name, Kind: r.kind, Port: r.port, DeviceID: r.server.DeviceID(),
			SetupCode: setup.Code, SetupURI: setup.URI, Paired: r.server.Paired()})
	}
	return list
}

// forgive allows pairing again after too many wrong setup codes.
func (b *bridges) forgive(ctx context.Context) error {
	b.mu.Lock()
	servers := slices.Collect(maps.Values(b.servers))
	b.mu.Unlock()
	var all error
	for _, r := range servers {
		all = errors.Join(all, r.server.ResetTries(ctx))
	}
	return all
}

func (b *bridges) close() error {
	b.withdraw(nil)
	return b.voice.Close()
}

// show brings HomeKit and the apps in step with the home after a change; what fails is for people to
// see.
func (h *house) show() {
	if h.bridges == nil {
		return
	}
	h.tellDerived()
	if err := h.bridges.show(h.living); err != nil {
		h.log.Error("HomeKit does not show the newest home", "err", err)
		h.health.Raise("homekit-stale", "", nil)
		return
	}
	h.health.Clear("homekit-stale", "")
}
