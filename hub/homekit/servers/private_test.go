package servers_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/homekit"
	"github.com/ingle-home/ingle/hub/homekit/servers"
)

const secret = "Velvet Canary"

// bedroom is a home with something private, which is called what nobody else shall read.
func bedroom() (home.Contents, map[string]homekit.Offer) {
	c := home.Contents{Accessories: append(toys(1, 2), home.Accessory{ID: "a-canary", Name: secret, Kind: "toy", Private: true})}
	return c, map[string]homekit.Offer{"a-canary": {Maker: secret, Model: secret, Firmware: "7.7.7", Steps: 20, Traits: []string{"speed", "battery"}}}
}

// obedient has things report what they are told.
func (w *world) obedient() {
	w.obey = func(_ context.Context, accessory string, cmd trait.Command) error {
		if v, ok := trait.Speed.Want(cmd); ok {
			w.says(accessory, trait.Speed.Of(v, time.Now()))
		}
		return nil
	}
}

// private arms the private server and pairs with it; the phone listens to the fan.
func (w *world) private() (p phone, creds haptest.Credentials, active, speed string) {
	w.Helper()
	armed, err := w.servers.Arm(w.Context(), 0)
	if err != nil {
		w.Fatal(err)
	}
	if left := time.Until(armed.ArmedUntil); left < 29*time.Minute || left > 30*time.Minute {
		w.Errorf("it is armed for %v", left)
	}
	creds = w.pair(homekit.PrivateServer)
	p = w.open(homekit.PrivateServer, creds)
	active, speed = p.at("Fan 1", "B7", "B0"), p.at("Fan 1", "B7", "29")
	p.put(active, `"ev":true`, 204)
	return p, creds, active, speed
}

func TestThePrivateServerIsNotThereBeforeItIsArmed(t *testing.T) {
	w := start(t, &disk{files: map[string][]byte{}})
	if _, err := w.servers.Arm(t.Context(), 0); !errors.Is(err, servers.ErrNothingPrivate) {
		t.Errorf("armed with nothing to show: %v", err)
	}
	w.show(home.Contents{Accessories: toys(1, 2)}, nil)
	if _, err := w.servers.Arm(t.Context(), 0); !errors.Is(err, servers.ErrNothingPrivate) {
		t.Errorf("armed with nothing private: %v", err)
	}
	w.show(bedroom())
	if s := w.status(homekit.PrivateServer); s.Kind != servers.Private || s.Port != 0 || s.DeviceID != "" || s.Setup.Code != "" {
		t.Errorf("before it was armed it is %+v", s)
	}
	if names := strings.Join(w.disk.names(), ", "); names != "numbers, server bridge" {
		t.Errorf("the disk holds %s", names)
	}
	main := w.open(homekit.MainServer, w.pair(homekit.MainServer))
	if n := len(main.accessories()); n != 5 { // the bridge, two switches, two toys
		t.Errorf("the main bridge shows %d accessories", n)
	}
}

func TestWhatIsPrivateWorksWhileItIsArmed(t *testing.T) {
	w := start(t, &disk{files: map[string][]byte{}})
	w.obedient()
	w.show(bedroom())
	w.says("a-canary", trait.Reachable.Of(true, time.Now()))
	p, _, active, speed := w.private()
	p.put(speed, `"value":40`, 204)
	p.hears(active, "1")
	if got := w.did(); got != "a-canary speed 40" {
		t.Errorf("commanded: %s", got)
	}
	device := w.status(homekit.PrivateServer).DeviceID
	w.soon("an announcement", func() bool { return w.voice.txt(device) != nil })

	if err := w.servers.Disarm(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.did(); got != "a-canary speed 0" {
		t.Errorf("locking it commanded: %s", got)
	}
	p.hears(active, "0")
	w.soon("silence", func() bool { return w.voice.txt(device) == nil })
	w.looksAtRest(p, active, speed)

	if _, err := w.servers.Arm(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	w.soon("an announcement", func() bool { return w.voice.txt(device) != nil })
	p.put(speed, `"value":60`, 204)
	if got := w.did(); got != "a-canary speed 60" {
		t.Errorf("armed again, commanded: %s", got)
	}
}

// looksAtRest checks what a paired controller sees of a locked fan, whatever the fan does.
func (w *world) looksAtRest(p phone, active, speed string) {
	w.Helper()
	for _, r := range []trait.Reading{trait.Speed.Of(80, time.Now()), trait.Reachable.Of(false, time.Now())} {
		w.says("a-canary", r)
		w.settle("a-1")
		for _, id := range []string{active, speed} {
			if got := p.read(id); !strings.Contains(got, `"value":0`) || strings.Contains(got, "-70") {
				w.Errorf("locked, %s reads %s", id, got)
			}
		}
	}
	w.says("a-canary", trait.Reachable.Of(true, time.Now()))
	w.settle("a-1")
	for _, write := range []string{active, speed} {
		if got := p.put(write, `"value":1`, 207); !strings.Contains(got, "-70401") {
			w.Errorf("locked, a write to %s: %s", write, got)
		}
	}
	if got := p.put(p.at("Fan 1", "3E", "14"), `"value":true`, 207); !strings.Contains(got, "-70401") {
		w.Errorf("locked, identify: %s", got)
	}
	if got := w.did(); got != "" {
		w.Errorf("locked, commanded: %s", got)
	}
	if s := w.status(homekit.PrivateServer); !s.ArmedUntil.IsZero() {
		w.Errorf("locked, its owner sees %+v", s)
	}
	if p.ended() {
		w.Error("the session ended with the lock")
	}
}

func TestALockedPrivateServerTakesNoPairing(t *testing.T) {
	w := start(t, &disk{files: map[string][]byte{}})
	w.show(bedroom())
	armed, err := w.servers.Arm(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	begun := haptest.NewSetup(armed.Setup.Code, haptest.Options{})
	c, err := haptest.Dial(t.Context(), w.address(homekit.PrivateServer))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, m2, err := c.Do("POST", "/pair-setup", begun.M1())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.servers.Disarm(t.Context()); err != nil {
		t.Fatal(err)
	}
	var refused haptest.Refused
	if _, err := haptest.Pair(t.Context(), w.address(homekit.PrivateServer), armed.Setup.Code, haptest.Options{}); !errors.As(err, &refused) || refused != 6 {
		t.Errorf("a new setup: %v", err)
	}
	m3, err := begun.M3(m2)
	if err != nil {
		t.Fatal(err)
	}
	_, m4, err := c.Do("POST", "/pair-setup", m3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := begun.M5(m4); !errors.As(err, &refused) || refused != 6 {
		t.Errorf("a setup that had begun: %v", err)
	}
	if w.status(homekit.PrivateServer).Paired {
		t.Error("somebody is paired")
	}
	if _, err := w.servers.Arm(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	w.pair(homekit.PrivateServer)
}

func TestThePrivateServerLocksItself(t *testing.T) {
	w := start(t, &disk{files: map[string][]byte{}})
	w.show(bedroom())
	long, err := w.servers.Arm(t.Context(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.servers.Arm(t.Context(), 48*time.Hour)
	if err != nil || !again.ArmedUntil.After(long.ArmedUntil) || time.Until(again.ArmedUntil) > 24*time.Hour {
		t.Errorf("armed again until %v, was %v; %v", again.ArmedUntil, long.ArmedUntil, err)
	}
	if _, err := w.servers.Arm(t.Context(), 30*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	w.soon("the lock", func() bool { return w.status(homekit.PrivateServer).ArmedUntil.IsZero() })
	if err := w.servers.Disarm(t.Context()); err != nil {
		t.Errorf("locked already: %v", err)
	}
}

func TestAfterARestartThePrivateServerIsLocked(t *testing.T) {
	d := &disk{files: map[string][]byte{}}
	w := start(t, d)
	w.show(bedroom())
	w.says("a-canary", trait.Reachable.Of(true, time.Now()))
	_, creds, active, speed := w.private()
	before := w.status(homekit.PrivateServer)
	w.end()

	w = start(t, d)
	w.show(bedroom())
	after := w.status(homekit.PrivateServer)
	if after.DeviceID != before.DeviceID || !after.Paired || !after.ArmedUntil.IsZero() {
		t.Errorf("it was %+v, is %+v", before, after)
	}
	w.says("a-canary", trait.Reachable.Of(true, time.Now()))
	p := w.open(homekit.PrivateServer, creds)
	w.looksAtRest(p, active, speed)
	if said := w.voice.all(); strings.Contains(said, after.DeviceID) {
		t.Errorf("the network is told %s", said)
	}
}

func TestNothingTellsWhatIsPrivate(t *testing.T) {
	d := &disk{files: map[string][]byte{}}
	w := start(t, d)
	w.obey = func(context.Context, string, trait.Command) error { return errors.New("it is away") }
	w.show(bedroom())
	p, _, _, speed := w.private()
	p.put(speed, `"value":40`, 207)
	p.put(p.at("Fan 1", "3E", "14"), `"value":true`, 204)
	all := p.ask("GET", "/accessories", "", 200)
	fan := p.accessories()["Fan 1"]
	if fan.text("20") != "Generic" || fan.text("21") != "Fan" || fan.text("52") != "1.0.0" || fan.value("96", "68") != nil {
		t.Errorf("it shows %+v", fan)
	}
	w.soon("an announcement", func() bool { return strings.Contains(w.voice.all(), "Bridge ") })
	if err := w.servers.Disarm(t.Context()); err != nil {
		t.Error(err)
	}
	said := w.voice.all()
	for where, text := range map[string]string{"database": all, "network": said, "log": w.log.String(), "disk": d.all()} {
		if strings.Contains(text, secret) || strings.Contains(text, "Velvet") {
			t.Errorf("the %s tells what is private: %s", where, text)
		}
	}
	if strings.Contains(all, "a-canary") {
		t.Error("its serial is that of the public accessory")
	}
	if strings.Contains(w.log.String(), "a-canary") {
		t.Errorf("the log tells when it was used: %s", w.log.String())
	}
}

// What was public leaves the bridge and its names behind, and finds its old numbers there when it
// returns.
func TestWhatBecomesPrivateIsAnotherThing(t *testing.T) {
	w := start(t, &disk{files: map[string][]byte{}})
	c, offers := bedroom()
	c.Accessories[2].Private = false
	w.show(c, offers)
	main := w.open(homekit.MainServer, w.pair(homekit.MainServer))
	public := main.accessories()[secret]
	main.put(main.at(secret, "B7", "E3"), `"value":"Velvet fan"`, 204)

	c.Accessories[2].Private = true
	w.show(c, offers)
	if _, still := main.accessories()[secret]; still {
		t.Error("the bridge still shows it")
	}
	p, _, _, _ := w.private()
	if fan := p.accessories()["Fan 1"]; fan.AID == public.AID || fan.text("30") == public.text("30") {
		t.Errorf("it is still %+v", fan)
	}
	if strings.Contains(w.disk.all(), "Velvet") {
		t.Errorf("the disk remembers: %s", w.disk.all())
	}
	c.Accessories[2].Private = false
	w.show(c, offers)
	if back := main.accessories()[secret]; back.AID != public.AID || back.iid("B7", "29") != public.iid("B7", "29") {
		t.Errorf("it came back as %+v, was %+v", back, public)
	}
	if p.ended() { // somebody is paired with the private server: it stays, empty
		t.Error("the private session ended")
	}
}

// A command that is on its way when the lock comes does not outlast it.
func TestTheLockOvertakesACommand(t *testing.T) {
	w := start(t, &disk{files: map[string][]byte{}})
	w.show(bedroom())
	w.says("a-canary", trait.Reachable.Of(true, time.Now()))
	p, _, _, speed := w.private()
	begun, locked := make(chan struct{}), make(chan struct{})
	w.obey = func(_ context.Context, _ string, cmd trait.Command) error {
		if v, _ := trait.Speed.Want(cmd); v > 0 {
			close(begun)
			<-locked
		}
		return nil
	}
	answer := make(chan string, 1)
	go func() { answer <- p.put(speed, `"value":70`, 207) }()
	<-begun
	if err := w.servers.Disarm(t.Context()); err != nil {
		t.Error(err)
	}
	close(locked)
	if got := <-answer; !strings.Contains(got, "-70401") {
		t.Errorf("the command came to %s", got)
	}
	if got := w.did(); got != "a-canary speed 70, a-canary speed 0, a-canary speed 0" {
		t.Errorf("commanded: %s", got)
	}
}

func TestPairingsOfOtherServersDoNotTouchThePrivateOne(t *testing.T) {
	w := start(t, &disk{files: map[string][]byte{}})
	w.show(bedroom())
	main := w.open(homekit.MainServer, w.pair(homekit.MainServer))
	p, _, active, _ := w.private()
	if err := w.servers.Unpair(t.Context(), homekit.MainServer); err != nil {
		t.Fatal(err)
	}
	<-main.Ended()
	if p.read(active); p.ended() || !w.status(homekit.PrivateServer).Paired || w.status(homekit.MainServer).Paired {
		t.Error("unpairing the main bridge reached the private server")
	}
	if err := w.servers.Unpair(t.Context(), homekit.PrivateServer); err != nil {
		t.Fatal(err)
	}
	<-p.Ended()
	if err := w.servers.Unpair(t.Context(), "nobody"); !errors.Is(err, servers.ErrUnknown) {
		t.Errorf("unpairing nobody: %v", err)
	}
}
