package hap_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// within is how long tests wait for what must happen; generous, the machine may
// be busy.
const within = 20 * time.Second

// disk is a Memory whose owner can look at it and get in its way.
type disk struct {
	mu    sync.Mutex
	saved *hap.State
	saves int
	fault func(hap.State) error // runs without mu before a save counts; may block
}

func (d *disk) Load(context.Context) (hap.State, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.saved == nil {
		return hap.State{}, hap.ErrNoState
	}
	return *d.saved, nil
}

func (d *disk) Save(_ context.Context, s hap.State) error {
	d.mu.Lock()
	fault := d.fault
	d.mu.Unlock()
	if fault != nil {
		if err := fault(s); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.saved = &s
	d.saves++
	return nil
}

func (d *disk) state() hap.State {
	d.mu.Lock()
	defer d.mu.Unlock()
	return *d.saved
}

func (d *disk) obstruct(fault func(hap.State) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = fault
}

// home is a running server and what its tests touch.
type home struct {
	*hap.Server
	disk *disk
	addr string
	ctx  context.Context
	stop func()
}

func open(t testing.TB, o hap.Options, d *disk, accs ...*hap.Accessory) *home {
	t.Helper()
	return start(t, func(l net.Listener) net.Listener { return l }, o, d, accs...)
}

// start is open on a listener of another kind.
func start(t testing.TB, kind func(net.Listener) net.Listener, o hap.Options, d *disk, accs ...*hap.Accessory) *home {
	t.Helper()
	o.Name, o.Model, o.Memory = "Ingle", "Hub", d
	ctx, cancel := context.WithCancel(t.Context())
	s, err := hap.New(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Publish(ctx, accs...); err != nil {
		t.Fatal(err)
	}
	l, err := s.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, kind(l)) }()
	stop := sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("serve: %v", err)
			}
		case <-time.After(within):
			t.Error("serve does not end")
		}
	})
	t.Cleanup(stop)
	return &home{Server: s, disk: d, addr: l.Addr().String(), ctx: t.Context(), stop: stop}
}

// paired is open, with one admin and a session of it.
func paired(t testing.TB, o hap.Options, accs ...*hap.Accessory) (*home, haptest.Credentials, *haptest.Client) {
	t.Helper()
	h := open(t, o, &disk{}, accs...)
	creds, err := haptest.Pair(h.ctx, h.addr, h.Setup().Code, haptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return h, creds, h.session(t, creds)
}

func (h *home) session(t testing.TB, creds haptest.Credentials) *haptest.Client {
	t.Helper()
	c, err := haptest.Open(h.ctx, h.addr, creds)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// dial is a connection in the clear.
func (h *home) dial(t testing.TB) *haptest.Client {
	t.Helper()
	c, err := haptest.Dial(h.ctx, h.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// text is a readable string characteristic with a value.
func text(iid uint64, typ, value string) *hap.Characteristic {
	c := &hap.Characteristic{IID: iid, Type: typ, Format: hap.FormatString, Perms: hap.PermRead}
	if err := c.Set(hap.String(value)); err != nil {
		panic(err)
	}
	return c
}

func accessory(aid uint64, name string, services ...*hap.Service) *hap.Accessory {
	about := &hap.Service{IID: 1, Type: "3E", Characteristics: []*hap.Characteristic{
		{IID: 2, Type: "14", Format: hap.FormatBool, Perms: hap.PermWrite},
		text(3, "20", "Ingle"), text(4, "21", "Model"), text(5, "23", name), text(6, "30", "serial "+name), text(7, "52", "1.0"),
	}}
	return &hap.Accessory{AID: aid, Services: append([]*hap.Service{about}, services...)}
}

func bridge() *hap.Accessory { return accessory(1, "Bridge", protocol(100)) }

// protocol is what the accessory of a whole server has besides its own services.
func protocol(iid uint64) *hap.Service {
	return &hap.Service{IID: iid, Type: "A2", Characteristics: []*hap.Characteristic{text(iid+1, "37", "1.1.0")}}
}

const everything = hap.PermRead | hap.PermWrite | hap.PermEvents

// lamp is an accessory with On (iid 9) and Brightness (iid 10).
func lamp(aid uint64, name string) (a *hap.Accessory, on, brightness *hap.Characteristic) {
	on = &hap.Characteristic{IID: 9, Type: "25", Format: hap.FormatBool, Perms: everything}
	brightness = &hap.Characteristic{
		IID: 10, Type: "8", Format: hap.FormatInt, Perms: everything,
		Unit: "percentage", Min: hap.Int(0), Max: hap.Int(100), Step: hap.Int(1),
	}
	return accessory(aid, name, &hap.Service{IID: 8, Type: "43", Characteristics: []*hap.Characteristic{on, brightness}}), on, brightness
}

// sensor is an accessory with one characteristic of any kind (iid 9).
func sensor(aid uint64, name string, c *hap.Characteristic) *hap.Accessory {
	c.IID = 9
	return accessory(aid, name, &hap.Service{IID: 8, Type: "8A", Characteristics: []*hap.Characteristic{c}})
}

// entry is one characteristic in an answer or an event.
type entry struct {
	AID, IID uint64
	Value    json.RawMessage
	Status   *int
	EV       *bool
	Format   string
	Perms    []string
	Type     string
	MaxValue json.RawMessage
}

func entries(t testing.TB, body []byte) []entry {
	t.Helper()
	var list struct{ Characteristics []entry }
	if err := json.Unmarshal(body, &list); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return list.Characteristics
}

// do makes a request that must be answered with want.
func do(t testing.TB, c *haptest.Client, want int, method, path, body string) []byte {
	t.Helper()
	var b []byte
	if body != "" {
		b = []byte(body)
	}
	status, answer, err := c.Do(method, path, b)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if status != want {
		t.Fatalf("%s %s %s: %d %s, want %d", method, path, body, status, answer, want)
	}
	return answer
}

func put(t testing.TB, c *haptest.Client, want int, body string) []byte {
	t.Helper()
	return do(t, c, want, "PUT", "/characteristics", `{"characteristics":[`+body+`]}`)
}

// next is the next event of a session.
func next(t testing.TB, c *haptest.Client) []entry {
	t.Helper()
	select {
	case e, ok := <-c.Events():
		if !ok {
			t.Fatal("the session has ended")
		}
		return entries(t, e.Body)
	case <-time.After(within):
		t.Fatal("no event")
	}
	return nil
}

func ended(t testing.TB, c *haptest.Client) {
	t.Helper()
	select {
	case <-c.Ended():
	case <-time.After(within):
		t.Fatal("the session goes on")
	}
}

// eventually polls for what no channel tells.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(within); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

// lines counts what is written to a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) count() int { return strings.Count(l.String(), "\n") }

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// stranded is a listener whose connections have small buffers and little
// patience, so that a peer that does not read is noticed soon.
type stranded struct{ net.Listener }

func (l stranded) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return impatient{c}, errors.Join(c.(*net.TCPConn).SetWriteBuffer(64 << 10))
}

type impatient struct{ net.Conn }

func (c impatient) SetWriteDeadline(time.Time) error {
	return c.Conn.SetWriteDeadline(time.Now().Add(time.Second))
}
