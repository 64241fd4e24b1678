package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/rtsp"
	"github.com/ingle-home/ingle/accessories/rtsp/sim"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/homekit/camera"
	"github.com/ingle-home/ingle/hub/record"
	"github.com/ingle-home/ingle/hub/stream"
)

// role is what one of this program's own processes is told.
type role struct {
	count     int           // cameras
	gop       int           // seconds
	width     int           // pixels; less takes less time to make
	held      bool          // the cameras stay connected
	store     string        // the folder in which all cameras are recorded; empty: none is
	linger    time.Duration // how long a camera stays connected without viewers
	addresses []string
	profile   string
}

func (r *role) flags(f *flag.FlagSet) {
	f.IntVar(&r.count, "count", 1, "for its own processes")
	f.IntVar(&r.gop, "gop", 2, "for its own processes")
	f.IntVar(&r.width, "width", 1920, "for its own processes")
	f.BoolVar(&r.held, "held", false, "for its own processes")
	f.StringVar(&r.store, "store", "", "for its own processes")
	f.DurationVar(&r.linger, "linger", 0, "for its own processes")
}

// The cameras' login.
const (
	user     = "hub"
	password = "porch-light"
)

// cameras simulates 1080p30 cameras of 4 Mbit/s, in step as little as real ones, until in ends.
func (r role) cameras(ctx context.Context, in io.Reader, out io.Writer) error {
	var addresses []string
	for range r.count {
		box, err := sim.Start(sim.Options{
			Width: r.width, Height: r.width / 16 * 9, FPS: fps, GOP: r.gop, Rate: kbits * r.width / 1920, Stamp: 7, User: user, Password: password,
		})
		if err != nil {
			return err
		}
		defer box.Close()
		addresses = append(addresses, box.Address())
	}
	if err := json.NewEncoder(out).Encode(addresses); err != nil {
		return err
	}
	over := make(chan error, 1)
	go func() { // it ends with the process
		_, err := io.Copy(io.Discard, in)
		over <- err
	}()
	select {
	case <-ctx.Done():
		return nil
	case err := <-over:
		return err
	}
}

// server is one of Ingle's HomeKit servers, as it is printed.
type server struct {
	Address  string `json:"address"`
	DeviceID string `json:"device_id"`
	Code     string `json:"setup_code"`
}

// tally is what Ingle counted itself.
type tally struct {
	Connections uint64 `json:"connections"` // calls to the cameras
	Dropped     uint64 `json:"dropped"`     // pictures that viewers and recorders lost
	Gaps        uint64 `json:"gaps"`        // pictures before which the camera's line lost some
	Torn        uint64 `json:"torn"`        // clips that are not whole
}

// porch is one camera of Ingle's.
type porch struct {
	session device.Session
	source  *stream.Source
	camera  *camera.Camera
	gaps    atomic.Uint64
	torn    atomic.Uint64
}

// ingle serves cameras to HomeKit, each on a server of its own, and prints a tally for each line of in,
// until in ends.
func (r role) ingle(ctx context.Context, in io.Reader, out io.Writer) (err error) {
	stop, err := r.profiling()
	if err != nil {
		return err
	}
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	var h house
	defer func() {
		cancel()
		err = errors.Join(err, h.close())
	}()
	if r.store != "" {
		if h.clips, err = openShelf(ctx, r.store); err != nil {
			return err
		}
	}
	var servers []server
	for _, address := range r.addresses {
		s, err := h.add(ctx, r, address)
		if err != nil {
			return err
		}
		servers = append(servers, s)
	}
	return tell(ctx, in, json.NewEncoder(out), servers, h.porches)
}

// tell prints the servers, and a tally for each line of in, until in ends.
func tell(ctx context.Context, in io.Reader, out *json.Encoder, servers []server, porches []*porch) error {
	if err := out.Encode(servers); err != nil {
		return err
	}
	asked := make(chan bool)
	go func() { // it ends with the process
		for lines := bufio.NewScanner(in); lines.Scan(); {
			asked <- true
		}
		close(asked)
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case more := <-asked:
			if !more {
				return nil
			}
		}
		if err := out.Encode(count(porches)); err != nil {
			return err
		}
	}
}

// house is all that Ingle has here.
type house struct {
	porches []*porch
	clips   *shelf // nil: nothing is recorded
	tasks   sync.WaitGroup
}

func (h *house) close() (err error) {
	for _, p := range h.porches {
		p.camera.Close()
		err = errors.Join(err, p.source.Close())
	}
	h.tasks.Wait()
	if h.clips != nil {
		err = errors.Join(err, h.clips.close())
	}
	return err
}

// add adds a camera.
func (h *house) add(ctx context.Context, r role, address string) (server, error) {
	p, err := r.porch(ctx, address)
	if err != nil {
		return server{}, err
	}
	h.porches = append(h.porches, p)
	if r.held {
		h.tasks.Go(func() { p.hold(ctx) })
	}
	if h.clips != nil {
		p.record(ctx, h.clips.clips(), address, &h.tasks)
	}
	return p.serve(ctx, &h.tasks)
}

// profiling keeps a profile of the processor time until stop.
func (r role) profiling() (stop func(), err error) {
	if r.profile == "" {
		return func() {}, nil
	}
	file, err := os.Create(r.profile)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		_ = file.Close() // a profile is looked at: one that is short is seen
	}, nil
}

func count(porches []*porch) tally {
	var t tally
	for _, p := range porches {
		s := p.source.Stats()
		t.Connections, t.Dropped = t.Connections+s.Connections, t.Dropped+s.Dropped
		t.Gaps, t.Torn = t.Gaps+p.gaps.Load(), t.Torn+p.torn.Load()
	}
	return t
}

// minus is what was counted since.
func (t tally) minus(before tally) tally {
	return tally{t.Connections - before.Connections, t.Dropped - before.Dropped, t.Gaps - before.Gaps, t.Torn - before.Torn}
}

func (r role) porch(ctx context.Context, address string) (*porch, error) {
	p := &porch{}
	var err error
	p.session, err = rtsp.New().Open(ctx, device.Config{
		Address: address, Fields: map[string]string{rtsp.FieldUser: user},
		Secret: func(string) device.Secret { return device.NewSecret(password) },
		Net:    lan{}, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	p.source = stream.New(func(ctx context.Context, out func(*media.Unit)) error {
		return p.session.(device.Viewable).Watch(ctx, "main", false, func(u *media.Unit) {
			if u.Gap {
				p.gaps.Add(1)
			}
			out(u)
		})
	}, stream.Options{Linger: r.linger})
	p.camera = camera.New(camera.Options{Source: p.source})
	return p, nil
}

// hold watches the camera, so that it stays connected.
func (p *porch) hold(ctx context.Context) {
	view := p.source.View(ctx)
	defer view.Close()
	for {
		if _, err := view.Next(ctx); err != nil {
			return
		}
	}
}

// record records the camera for as long as ctx lasts, as in a home in which something always moves.
func (p *porch) record(ctx context.Context, to record.Store, name string, tasks *sync.WaitGroup) {
	r := record.New(record.Options{Camera: name, Source: p.source, Store: to, Ended: func(err error) {
		if err != nil {
			p.torn.Add(1)
		}
	}})
	tasks.Go(func() { _ = r.Run(ctx) }) // it ends with ctx
	r.Hold(record.Motion, true)
}

// serve shows the camera on a HomeKit server.
func (p *porch) serve(ctx context.Context, tasks *sync.WaitGroup) (server, error) {
	s, err := hap.New(ctx, hap.Options{Name: "Porch", Model: "Bench", Category: 17, Memory: &hap.Fleeting{}})
	if err != nil {
		return server{}, err
	}
	if err := s.Publish(ctx, &hap.Accessory{AID: 1, Services: numbered(p.camera.Services())}); err != nil {
		return server{}, err
	}
	l, err := s.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return server{}, err
	}
	tasks.Go(func() { _ = s.Serve(ctx, l) }) // it ends with ctx
	return server{l.Addr().String(), s.DeviceID(), s.Setup().Code}, nil
}

// numbered puts what every accessory must have before a camera's services, and gives all their IIDs.
func numbered(services []*hap.Service) []*hap.Service {
	about := &hap.Service{Type: "3E", Characteristics: []*hap.Characteristic{{Type: "14", Format: hap.FormatBool, Perms: hap.PermWrite}}}
	for _, typ := range []string{"20", "21", "23", "30", "52", "E3"} {
		about.Characteristics = append(about.Characteristics, text(typ))
	}
	all := append([]*hap.Service{about, {Type: "A2", Characteristics: []*hap.Characteristic{text("37")}}}, services...)
	iid := uint64(0)
	for _, s := range all {
		iid++
		s.IID = iid
		for _, c := range s.Characteristics {
			iid++
			c.IID = iid
		}
	}
	return all
}

// text stands for any of what an accessory says about itself.
func text(typ string) *hap.Characteristic {
	c := &hap.Characteristic{Type: typ, Format: hap.FormatString, Perms: hap.PermRead}
	_ = c.Set(hap.String("1.1.0")) // a string fits a string
	return c
}

// lan is a driver's way to the cameras.
type lan struct{}

func (lan) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

func (lan) Listen(context.Context, string) (net.Listener, error) {
	return nil, fmt.Errorf("nobody calls: %w", device.ErrRefused)
}
