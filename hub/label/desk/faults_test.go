package desk_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	onvifsim "github.com/ingle-home/ingle/accessories/onvif/sim"
	rtspsim "github.com/ingle-home/ingle/accessories/rtsp/sim"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/label"
	"github.com/ingle-home/ingle/hub/label/desk"
)

// fault is one thing that is wrong with a camera, and how its label names it.
type fault struct {
	name string
	make func(w *world, id, host string)
	line string
	text string
	bad  string // the state: to be fixed, or unknown
}

func good(o onvifsim.Options) onvifsim.Options {
	o.Maker, o.Recordings = or(o.Maker, "Good Cams"), 1
	o.Model, o.Firmware = or(o.Model, "One"), or(o.Firmware, "2.4")
	return o
}

// safe is a camera without a fault, as far as one can have none: its pictures travel in the clear, which
// is the next camera's to do better.
func safe(w *world, id, host string, o onvifsim.Options) {
	w.onvif(id, host, good(o))
	w.web(host+":443", w.ca.issue(time.Now().AddDate(1, 0, 0), false), tls.VersionTLS13)
}

func certified(newest uint16, until time.Time, own bool) func(*world, string, string) {
	return func(w *world, id, host string) {
		w.onvif(id, host, good(onvifsim.Options{}))
		w.web(host+":443", w.ca.issue(until, own), newest)
	}
}

func faults() []fault {
	plain := func(o onvifsim.Options) func(*world, string, string) {
		return func(w *world, id, host string) { safe(w, id, host, o) }
	}
	open := func(port, greeting string) func(*world, string, string) {
		return func(w *world, id, host string) {
			safe(w, id, host, onvifsim.Options{})
			w.door(host+":"+port, greeting)
		}
	}
	year := time.Now().AddDate(1, 0, 0)
	return []fault{
		{"a password from the factory", plain(onvifsim.Options{User: "admin", Password: "admin"}), "own-password", "label.own-password.factory", wire.LabelFix},
		{"a password that everybody tries", plain(onvifsim.Options{Password: "1234567890"}), "own-password", "label.own-password.common", wire.LabelFix},
		{"a short password", plain(onvifsim.Options{Password: "hx7-Qp"}), "own-password", "label.own-password.short", wire.LabelFix},
		{"one password for two", plain(onvifsim.Options{Password: "twice-the-same-word"}), "own-password", "label.own-password.reused", wire.LabelFix},
		{"… and the other of the two", plain(onvifsim.Options{Password: "twice-the-same-word"}), "own-password", "label.own-password.reused", wire.LabelFix},
		{"anybody may watch", plain(onvifsim.Options{Open: true}), "anonymous-video", "label.anonymous-video.open", wire.LabelFix},
		{"anybody may command", plain(onvifsim.Options{Open: true}), "anonymous-control", "label.anonymous-control.open", wire.LabelFix},
		{"a user from the factory is left", plain(onvifsim.Options{Left: "admin"}), "other-accounts", "label.other-accounts.left", wire.LabelFix},
		{"telnet", open("23", "\xff\xfd\x18\xff\xfd\x20login: "), "doors", "label.doors.open", wire.LabelFix},
		{"ssh", open("22", "SSH-2.0-dropbear_2012.55\r\n"), "doors", "label.doors.open", wire.LabelFix},
		{"a door nobody knows", open("8000", ""), "doors", "label.doors.odd", wire.LabelUnknown},
		{"a page without TLS", func(w *world, id, host string) { w.onvif(id, host, good(onvifsim.Options{})) }, "tls", "label.tls.http-only", wire.LabelFix},
		{"a certificate that ended", certified(tls.VersionTLS13, time.Now().AddDate(0, -1, 0), false), "tls", "label.tls.expired", wire.LabelFix},
		{"a certificate of its own", certified(tls.VersionTLS13, year, true), "tls", "label.tls.self-signed", wire.LabelUnknown},
		{"an old TLS", certified(tls.VersionTLS10, year, false), "tls", "label.tls.old", wire.LabelFix},
		{"pictures in the clear", plain(onvifsim.Options{}), "encrypted", "label.encrypted.clear", wire.LabelFix},
		{"old firmware", plain(onvifsim.Options{Firmware: "2.3.9"}), "firmware", "label.firmware.old", wire.LabelFix},
		{"firmware of long ago", plain(onvifsim.Options{Maker: "Nobody", Firmware: "V5.5.82 build 190120"}), "firmware", "label.firmware.aged", wire.LabelFix},
		{"a known hole", plain(onvifsim.Options{Model: "Holed"}), "holes", "label.holes.known", wire.LabelFix},
		{"nobody to write to", plain(onvifsim.Options{Maker: "Silent Cams"}), "contact", "label.contact.none", wire.LabelUnknown},
		{"no more updates", plain(onvifsim.Options{Model: "Ended"}), "support", "label.support.ended", wire.LabelFix},
		{"a wrong clock", plain(onvifsim.Options{Skew: 3 * time.Hour}), "right-clock", "label.right-clock.wrong", wire.LabelFix},
		{"what it keeps cannot be wiped", func(w *world, id, host string) { w.rtsp(id, "rtsp://"+host+":554", rtspsim.Options{}) }, "wipe", "label.wipe.by-hand", wire.LabelFix},
	}
}

// TestPlantedFaults: each fault is named, and no line of a camera is better than the same line of one without
// a fault.
func TestPlantedFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	safe(w, "safe", w.host(1), onvifsim.Options{})
	all := faults()
	for i, f := range all {
		f.make(w, f.name, w.host(2+i))
	}
	healthy := lines(w.check("safe"))
	for name, l := range healthy {
		if l.State == wire.LabelFix && name != "encrypted" {
			t.Errorf("the safe camera: %s is %s", name, l.Text)
		}
	}
	for _, name := range []string{"own-password", "contact", "support", "anonymous-video", "anonymous-control", "other-accounts", "doors", "tls", "firmware", "holes", "right-clock", "wipe"} {
		if healthy[name].State != wire.LabelOK {
			t.Errorf("the safe camera: %s is %s, %v", name, healthy[name].Text, healthy[name].Raw)
		}
	}
	for _, f := range all {
		l := w.check(f.name)
		got := lines(l)[f.line]
		if got.Text != f.text || got.State != f.bad {
			t.Errorf("%s: %s is %s: %s %v", f.name, f.line, got.State, got.Text, got.Raw)
		}
		if f.bad == wire.LabelFix && got.Step == "" {
			t.Errorf("%s: nothing to do about it", f.name)
		}
		for _, one := range l.Lines {
			if one.State == wire.LabelOK && healthy[one.Line].State != wire.LabelOK {
				t.Errorf("%s: %s is called good: %s", f.name, one.Line, one.Text)
			}
			if one.State != wire.LabelUnknown && one.State != wire.LabelNone && (one.Method == "" || one.At == nil || one.Until == nil) {
				t.Errorf("%s: %s does not say how or when it is known", f.name, one.Line)
			}
		}
		if l.OK+l.Fix+l.Unknown > len(l.Lines) || l.Unknown == 0 {
			t.Errorf("%s: %d ok, %d fix, %d unknown of %d", f.name, l.OK, l.Fix, l.Unknown, len(l.Lines))
		}
	}
}

// TestChangedCertificate: a key that is not the one that was seen before is named.
func TestChangedCertificate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host := w.host(90)
	w.onvif("camera", host, good(onvifsim.Options{}))
	now := tls.Certificate{}
	ln, err := tls.Listen("tcp", host+":443", &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &now, nil }})
	w.skipUnless(err)
	w.serve(ln, "")
	now = w.ca.issue(time.Now().AddDate(1, 0, 0), false)
	if got := lines(w.check("camera"))["tls"]; got.State != wire.LabelOK {
		t.Fatalf("at first: %s", got.Text)
	}
	w.clock.pass(25 * time.Hour)
	now = w.ca.issue(time.Now().AddDate(1, 0, 0), false)
	if got := lines(w.check("camera"))["tls"]; got.Text != "label.tls.changed" || got.State != wire.LabelFix {
		t.Errorf("then: %s %s", got.State, got.Text)
	}
}

// TestEncryptedCamera: a camera that speaks TLS is good in the line in which the others are not.
func TestEncryptedCamera(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rtsp("camera", "rtsps://"+w.host(91)+":0", rtspsim.Options{})
	got := lines(w.check("camera"))
	if got["encrypted"].State != wire.LabelOK || got["anonymous-video"].State != wire.LabelOK {
		t.Errorf("%+v, %+v", got["encrypted"], got["anonymous-video"])
	}
}

// TestLinesEnd: after thirty days a line is unknown again, and so are all that a wrong clock found.
func TestLinesEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	safe(w, "camera", w.host(92), onvifsim.Options{})
	before := w.check("camera")
	w.clock.pass(31 * 24 * time.Hour)
	after, err := w.desk.Label(t.Context(), "camera")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"anonymous-video", "doors", "tls", "encrypted", "right-clock", "firmware"} {
		if l := lines(after)[name]; l.State != wire.LabelUnknown || l.Text != "label.expired" {
			t.Errorf("%s: %s %s", name, l.State, l.Text)
		}
	}
	if after.OK >= before.OK || after.Unknown <= before.Unknown {
		t.Errorf("before %d ok and %d unknown, after %d and %d", before.OK, before.Unknown, after.OK, after.Unknown)
	}
	w.clock.pass(-60 * 24 * time.Hour)
	if l, err := w.desk.Label(t.Context(), "camera"); err != nil || lines(l)["doors"].State != wire.LabelUnknown {
		t.Errorf("from the future: %v, %v", lines(l)["doors"], err)
	}
}

// TestConsentCanBeTakenBack: without it nobody looks, and what is kept about a device ends with it.
func TestConsentCanBeTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onvif("camera", w.host(93), good(onvifsim.Options{}))
	if l, err := w.desk.Label(t.Context(), "camera"); err != nil || !l.Doors || l.Consent != nil || l.Checked != nil {
		t.Fatalf("%+v, %v", l, err)
	}
	if err := w.desk.Agree(t.Context(), "camera"); err != nil {
		t.Fatal(err)
	}
	if l, err := w.desk.Check(t.Context(), "camera", wire.LabelCheck{Withdraw: true}); err != nil || l.Consent != nil || l.Checked != nil {
		t.Fatalf("%+v, %v", l, err)
	}
	var p *wire.Problem
	if _, err := w.desk.Check(t.Context(), "camera", wire.LabelCheck{}); !errors.As(err, &p) || p.Code != "label.consent" {
		t.Errorf("without consent: %v", err)
	}
	w.desk.Forget("camera")
	kept := w.memory.kept["camera"]
	if err := w.desk.Agree(t.Context(), "camera"); err == nil || !bytes.Equal(kept, w.memory.kept["camera"]) {
		t.Errorf("something is kept of a device that is gone: %v", err)
	}
}

// TestConsentIsForOnePlace: whoever took a camera's address in the network was not agreed to; it may be what
// keeps somebody alive.
func TestConsentIsForOnePlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onvif("camera", w.host(95), good(onvifsim.Options{}))
	if err := w.desk.Agree(t.Context(), "camera"); err != nil {
		t.Fatal(err)
	}
	other := w.door(w.host(96)+":8080", "")
	w.has.Accessories[0].Address = w.host(96)
	var p *wire.Problem
	if _, err := w.desk.Check(t.Context(), "camera", wire.LabelCheck{}); !errors.As(err, &p) || p.Code != "label.consent" || other.seen > 0 {
		t.Errorf("it was looked at: %v", err)
	}
	if l, err := w.desk.Label(t.Context(), "camera"); err != nil || l.Consent != nil || !l.Doors {
		t.Errorf("%+v, %v", l.Consent, err)
	}
	w.has.Accessories[0].Address = w.host(95)
	w.check("camera")
}

// TestALockedDeviceIsLeftAlone: one that does not let the hub in may have locked itself.
func TestALockedDeviceIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host := w.host(94)
	w.onvif("camera", host, good(onvifsim.Options{}))
	telnet := w.door(host+":23", "")
	thing := w.things["camera"]
	thing.Refused = true
	w.things["camera"] = thing
	var p *wire.Problem
	if _, err := w.desk.Check(t.Context(), "camera", wire.LabelCheck{Consent: true}); !errors.As(err, &p) || p.Code != "label.paused" || p.Args["next"] == "" {
		t.Errorf("%v, %+v", err, p)
	}
	thing.Refused = false
	w.things["camera"] = thing
	w.clock.pass(20 * time.Hour)
	if _, err := w.desk.Check(t.Context(), "camera", wire.LabelCheck{}); !errors.As(err, &p) || p.Code != "label.paused" {
		t.Errorf("twenty hours later: %v", err)
	}
	if telnet.came() > 0 {
		t.Error("somebody came in")
	}
	w.clock.pass(5 * time.Hour)
	w.check("camera")
}

// TestWithoutTheInternet: the line must have held from the start of the test to its end.
func TestWithoutTheInternet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onvif("camera", w.host(97), good(onvifsim.Options{}))
	step := func(s string) error {
		_, err := w.desk.Offline(t.Context(), "camera", wire.LabelOffline{Step: s})
		return err
	}
	state := func() string {
		l, err := w.desk.Label(t.Context(), "camera")
		if err != nil {
			t.Fatal(err)
		}
		return lines(l)["offline"].Text
	}
	if step("finish") == nil || step("start") != nil || step("finish") == nil || state() != "label.offline.untested" {
		t.Errorf("too short: %s", state())
	}
	w.clock.pass(3 * time.Minute)
	if err := step("finish"); err != nil || state() != "label.offline.worked" {
		t.Errorf("held: %v, %s", err, state())
	}
	if err := step("start"); err != nil {
		t.Fatal(err)
	}
	w.clock.pass(3 * time.Minute)
	thing := w.things["camera"]
	thing.Since = w.clock.Now().Add(-time.Minute) // it broke, and came again
	w.things["camera"] = thing
	if err := step("finish"); err != nil || state() != "label.offline.failed" {
		t.Errorf("broke: %v, %s", err, state())
	}
}

// TestTheHubMeasuresItself: a port that nobody meant is named.
func TestTheHubMeasuresItself(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	own := desk.Measure("tpm", nil)
	port := ln.Addr().(*net.TCPAddr).Port
	if !own.Measured || !slices.Contains(own.Listens, port) {
		t.Skipf("this system does not tell: %+v", own)
	}
	for _, l := range label.OfHub(own, time.Now()) {
		if l.Name == "own-listeners" && l.State != label.Fix {
			t.Errorf("%+v", l)
		}
	}
	if own := desk.Measure("tpm", []string{ln.Addr().String()}); !slices.Contains(own.Meant, port) {
		t.Errorf("%+v", own)
	}
}

// TestANewPasswordCountsAtOnce: a camera that was given passwords of its own is asked again when it opens.
func TestANewPasswordCountsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.onvif("camera", w.host(98), good(onvifsim.Options{User: "admin", Password: "admin"}))
	thing := w.things["camera"]
	err := thing.Session.(device.Rekeyable).Rekey(t.Context(), func(k device.Keys) error {
		for field, text := range k.Fields {
			w.has.Accessories[0].Fields[field] = text
		}
		for key, secret := range k.Secrets {
			w.secrets["camera"][key] = secret.Reveal()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if l, err := w.desk.Label(t.Context(), "camera"); err != nil || lines(l)["own-password"].State != wire.LabelFix {
		t.Fatalf("nobody has asked yet: %+v, %v", lines(l)["own-password"], err)
	}
	ctx, end := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = w.desk.Run(ctx) })
	defer running.Wait()
	defer end()
	w.desk.Opened("camera")
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); ; <-tick.C {
		l, err := w.desk.Label(t.Context(), "camera")
		if err == nil && lines(l)["own-password"].State == wire.LabelOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v, %v", lines(l)["own-password"], err)
		}
	}
}
