package desk_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/onvif"
	onvifsim "github.com/ingle-home/ingle/accessories/onvif/sim"
	"github.com/ingle-home/ingle/accessories/rtsp"
	rtspsim "github.com/ingle-home/ingle/accessories/rtsp/sim"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/keeper"
	"github.com/ingle-home/ingle/hub/label"
	"github.com/ingle-home/ingle/hub/label/desk"
	"github.com/ingle-home/ingle/hub/label/facts"
	"github.com/ingle-home/ingle/hub/label/probe"
)

const strong = "kestrel-harbour-19"

// clock goes on by itself, and at once where somebody waits.
type clock struct {
	mu     sync.Mutex
	ahead  time.Duration
	waited []time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead).UTC()
}

func (c *clock) Wait(ctx context.Context, d time.Duration) error {
	c.pass(d)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waited = append(c.waited, d)
	return ctx.Err()
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// memory keeps records and looks as JSON, as the store does.
type memory struct {
	mu    sync.Mutex
	kept  map[string][]byte
	looks []byte
}

func (m *memory) Load(_ context.Context, id string) (r label.Record, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if raw := m.kept[id]; raw != nil {
		err = json.Unmarshal(raw, &r)
	}
	return r, err
}

func (m *memory) Save(_ context.Context, id string, r label.Record) error {
	raw, err := json.Marshal(r)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept[id] = raw
	return err
}

type looks struct{ *memory }

func (l looks) Load(context.Context) (v probe.Looks, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.looks != nil {
		err = json.Unmarshal(l.looks, &v)
	}
	return v, err
}

func (l looks) Keep(_ context.Context, v probe.Looks) error {
	raw, err := json.Marshal(v)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.looks = raw
	return err
}

// world is a house with simulated things in it, each at an address of its own.
type world struct {
	t       *testing.T
	desk    *desk.Desk
	clock   *clock
	memory  *memory
	ca      authority
	has     home.Contents
	secrets map[string]map[string]string
	things  map[string]desk.Thing
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{}, memory: &memory{kept: map[string][]byte{}}, ca: newAuthority(t), secrets: map[string]map[string]string{}, things: map[string]desk.Thing{}}
	roots := x509.NewCertPool()
	roots.AddCert(w.ca.cert)
	w.desk = desk.New(desk.Options{
		Home: func() home.Contents { return w.has },
		Secrets: func(_ context.Context, id string) (map[string]string, error) {
			return w.secrets[id], nil
		},
		Thing: func(id string) desk.Thing { return w.things[id] },
		Own:   func() label.Own { return label.Own{} },
		Store: w.memory, Looks: looks{w.memory}, Facts: list(t), Clock: w.clock, Roots: roots,
	})
	return w
}

// list is a signed list about made-up makers, read back as the hub does.
func list(t *testing.T) facts.Facts {
	t.Helper()
	const from = `"source": "https://list.example/", "read": "2026-11-01"`
	text := `{"made": "2026-11-01", "expires": "2099-01-01", "makers": [
		{"names": ["Good Cams"], "contact": {"address": "https://good.example/security", ` + from + `}, "models": [
			{"model": "One", "support": {"until": "2090-12-31", ` + from + `}, "firmware": {"version": "2.4", ` + from + `}},
			{"model": "Ended", "support": {"until": "2020-12-31", ` + from + `}, "firmware": {"version": "2.4", ` + from + `}},
			{"model": "Holed", "support": {"until": "2090-12-31", ` + from + `}, "firmware": {"version": "2.4", ` + from + `}, "holes": [{"id": "CVE-2000-0001", "before": "2.5", ` + from + `}]}]},
		{"names": ["Silent Cams"]}]}`
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := facts.Parse(facts.Sign([]byte(text), private), public)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// host is an address of the loopback network that no other test uses.
func (w *world) host(n int) string { return fmt.Sprintf("127.77.%d.%d", os.Getpid()%250, n) }

// onvif brings a camera in that speaks ONVIF at port 80 of a host.
func (w *world) onvif(id, host string, o onvifsim.Options) {
	w.t.Helper()
	o.Listen, o.Dir, o.Width, o.Height, o.FPS = host+":80", os.TempDir(), 320, 240, 15
	if o.Password == "" {
		o.Password = strong + "-" + id
	}
	c, err := onvifsim.Start(o)
	w.skipUnless(err)
	w.t.Cleanup(func() { _ = c.Close() })
	w.add(id, onvif.New(), home.Accessory{Driver: "onvif", Kind: "camera", Address: host, Fields: map[string]string{"user": or(o.User, "hub")}}, o.Password)
}

// rtsp brings a camera in that speaks RTSP, in TLS or not.
func (w *world) rtsp(id, address string, o rtspsim.Options) {
	w.t.Helper()
	o.Listen, o.Dir, o.Width, o.Height = strings.TrimPrefix(strings.TrimPrefix(address, "rtsps://"), "rtsp://"), os.TempDir(), 320, 240
	o.Password, o.TLS = strong+"-"+id, strings.HasPrefix(address, "rtsps")
	c, err := rtspsim.Start(o)
	w.skipUnless(err)
	w.t.Cleanup(func() { _ = c.Close() })
	w.add(id, rtsp.New(), home.Accessory{Driver: "rtsp", Kind: "camera", Address: c.Address(), Fields: map[string]string{"user": "hub"}}, o.Password)
}

// skipUnless skips where the machine does not let the test open the ports that things have.
func (w *world) skipUnless(err error) {
	w.t.Helper()
	if errors.Is(err, syscall.EACCES) {
		w.t.Skip("this test needs the right to open ports below 1024")
	} else if err != nil {
		w.t.Fatal(err)
	}
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// add opens a session as the hub does and has the desk ask it.
func (w *world) add(id string, d device.Driver, a home.Accessory, password string) {
	w.t.Helper()
	a.ID, a.Name = id, id
	s, err := d.Open(w.t.Context(), device.Config{
		Address: a.Address, Fields: a.Fields, Net: keeper.NewLAN(nil), Now: time.Now,
		Secret: func(key string) device.Secret {
			return device.NewSecret(map[string]string{"password": password}[key])
		},
	})
	if err != nil {
		w.t.Fatalf("%s: %v", id, err)
	}
	w.t.Cleanup(func() {
		ended, end := context.WithCancel(context.Background())
		end()
		_ = s.Run(ended, func(trait.Reading) error { return nil })
	})
	w.has.Accessories = append(w.has.Accessories, a)
	w.secrets[id] = map[string]string{"password": password}
	w.things[id] = desk.Thing{Session: s, Offer: s.Offer(), Open: true, Since: w.clock.Now()}
	if err := w.desk.Refresh(w.t.Context(), id); err != nil {
		w.t.Fatalf("%s: %v", id, err)
	}
}

// check looks at a thing's doors with the household's consent.
func (w *world) check(id string) wire.Label {
	w.t.Helper()
	l, err := w.desk.Check(w.t.Context(), id, wire.LabelCheck{Consent: true})
	if err != nil {
		w.t.Fatalf("%s: %v", id, err)
	}
	return l
}

// lines are a label's lines as "line: state, text".
func lines(l wire.Label) map[string]wire.LabelLine {
	all := map[string]wire.LabelLine{}
	for _, one := range l.Lines {
		all[one.Line] = one
	}
	return all
}

// door opens a port that answers every caller with a greeting, and counts the bytes that callers sent.
type door struct {
	mu   sync.Mutex
	got  int
	seen int
}

func (w *world) door(address, greeting string) *door {
	w.t.Helper()
	ln, err := net.Listen("tcp", address)
	w.skipUnless(err)
	return w.serve(ln, greeting)
}

// web opens a port that speaks TLS with a certificate.
func (w *world) web(address string, c tls.Certificate, newest uint16) *door {
	w.t.Helper()
	ln, err := tls.Listen("tcp", address, &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS10, MaxVersion: newest})
	w.skipUnless(err)
	return w.serve(ln, "")
}

func (w *world) serve(ln net.Listener, greeting string) *door {
	d := &door{}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() { d.answer(conn, greeting) })
		}
	})
	w.t.Cleanup(func() { _ = ln.Close(); all.Wait() })
	return d
}

func (d *door) answer(conn net.Conn, greeting string) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = conn.Write([]byte(greeting))
	buf := make([]byte, 256)
	for {
		n, err := conn.Read(buf)
		d.mu.Lock()
		d.got += n
		d.seen++
		d.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// came is how often somebody came in.
func (d *door) came() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen
}

func (d *door) heard() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.got
}

// authority signs certificates that the test's hub trusts.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key := newKey(t)
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().AddDate(9, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	raw, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return authority{t, cert, key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue makes a certificate that ends at a time; one that signs itself if own.
func (a authority) issue(until time.Time, own bool) tls.Certificate {
	a.t.Helper()
	key := newKey(a.t)
	form := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "camera"}, NotBefore: time.Now().AddDate(-2, 0, 0), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	parent, by := a.cert, a.key
	if own {
		parent, by = form, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, form, parent, key.Public(), by)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}
