package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/hap"
)

// pairAs pairs with keys that the caller knows, so that it can ask later what became of them.
func pairAs(h bridge, who *hap.Client) (*hap.Client, error) {
	c, err := hap.Pair(fmt.Sprintf("homekit://%s?device_id=%s&pin=%s&client_id=%s&client_private=%x",
		h.address(), h.DeviceID, h.SetupCode, who.ClientID, who.ClientPrivate))
	if c != nil && c.Conn != nil {
		_ = c.Close()
	}
	return c, err
}

// powerCut kills the bridge some time into what is under way, starts it again, and wants it to be the
// same one. It gives how the interrupted act ended for its controller.
func (b *bench) powerCut(t *testing.T, after time.Duration, act func() error) error {
	t.Helper()
	was, number := b.bridge, configuration(t, b.bridge)
	done := make(chan error, 1)
	go func() { done <- act() }()
	<-time.After(after)
	b.kill()
	err := <-done
	b.start(t)
	if b.bridge != was {
		t.Fatalf("the bridge was %+v and is %+v", was, b.bridge)
	}
	if n := configuration(t, b.bridge); n != number {
		t.Fatalf("c# was %d and is %d", number, n)
	}
	return err
}

// cut is what a power cut left of a pairing: what the controller heard, and whether the code works
// again, as a stranger finds out.
type cut struct {
	heard error
	open  bool
}

// settle wants both sides to agree after a cut, and takes back whatever pairing there is. A controller
// that was told M6 is let in. One that was not is let in, or the code works for others; while it does
// not know of its pairing, both do.
func (c cut) settle(t *testing.T, h bridge, who *hap.Client, another bool) (known bool) {
	t.Helper()
	if c.heard != nil && c.open && another {
		other, err := tryPair(h, h.SetupCode)
		if err != nil {
			t.Fatalf("the controller heard %v and the bridge is open, but the code does not work: %v", c.heard, err)
		}
		if lets(t, h, who) {
			t.Fatal("after another controller has paired, the one that was never told is let in")
		}
		leave(t, h, other)
		return false
	}
	known = lets(t, h, who)
	switch {
	case c.heard == nil && !known:
		t.Fatal("the controller is paired, and the bridge does not let it in")
	case !c.open && !known:
		t.Fatalf("the controller heard %v, the bridge takes nobody and does not let it in", c.heard)
	case known:
		leave(t, h, who)
	}
	return known
}

// lets asks whether a bridge lets a controller in.
func lets(t *testing.T, h bridge, who *hap.Client) bool {
	t.Helper()
	l := dial(t, h, nil)
	defer l.Close()
	_, err := verify(l, who)
	return err == nil
}

// open asks as a stranger whether a bridge can be paired.
func open(t *testing.T, h bridge) bool {
	t.Helper()
	status, _, err := strange(t, h).send(http.MethodPost, "/identify", nil)
	if err != nil {
		t.Fatal(err)
	}
	return status == http.StatusNoContent
}

// TestCheck18PowerCutsWhilePairing kills the bridge again and again while it is being paired.
func TestCheck18PowerCutsWhilePairing(t *testing.T) {
	n := times(10, 50)
	b := startBench(t, 149, t.TempDir())
	asked := time.Now()
	first, err := tryPair(b.bridge, b.SetupCode)
	if err != nil {
		t.Fatal(err)
	}
	usual := time.Since(asked)
	leave(t, b.bridge, first)
	told, half := 0, 0
	for i := range n {
		who := newcomer(t, fmt.Sprint("phone ", i), first.DevicePublic)
		heard := b.powerCut(t, usual*6/10+usual*time.Duration(i)/time.Duration(n), func() error {
			_, err := pairAs(b.bridge, who)
			return err
		})
		known := cut{heard, open(t, b.bridge)}.settle(t, b.bridge, who, i%2 == 1)
		switch {
		case heard == nil:
			told++
		case known:
			half++
		}
	}
	t.Logf("%d cuts: %d after M6, %d between the commit and M6, %d before", n, told, half, n-told-half)
	if again, err := tryPair(b.bridge, b.SetupCode); err != nil || !bytes.Equal(again.DevicePublic, first.DevicePublic) {
		t.Errorf("after all the cuts: %v", err)
	}
}

// TestCheck18PowerCutsWhileAdding does it while controllers are added and removed: what was answered
// stands, and what was not is there or not, but never half.
func TestCheck18PowerCutsWhileAdding(t *testing.T) {
	n := times(10, 50)
	b := startBench(t, 149, t.TempDir())
	admin, err := tryPair(b.bridge, b.SetupCode)
	if err != nil {
		t.Fatal(err)
	}
	guest := newcomer(t, "guest", admin.DevicePublic)
	c := session(t, b.bridge, admin)
	asked := time.Now()
	c.pairings(t, adding(guest, 0)...)
	usual := time.Since(asked)
	answered, there := 0, true
	for i := range n {
		message, want := removing("guest"), false
		if !there {
			message, want = adding(guest, 0), true
		}
		c := session(t, b.bridge, admin)
		err := b.powerCut(t, usual*time.Duration(i)*2/time.Duration(n), func() error {
			_, raw, err := c.try(http.MethodPost, hap.PathPairings, string(pack(message...)))
			if err == nil && !bytes.Equal(raw, []byte{kindState, 1, 2}) {
				err = fmt.Errorf("answered by % x", raw)
			}
			return err
		})
		_, _, answer := session(t, b.bridge, admin).pairings(t, listing()...)
		_, on := listed(t, answer)["guest"]
		if known := lets(t, b.bridge, guest); known != on {
			t.Fatalf("cut %d: the list has the guest: %v; the bridge lets it in: %v", i, on, known)
		}
		if err == nil {
			answered++
			if on != want {
				t.Fatalf("cut %d: what was answered did not stay", i)
			}
		}
		there = on
	}
	t.Logf("%d cuts, %d after the answer", n, answered)
}

// TestCheck20NothingIsLostByARestart starts the hub without its things: all are still published, by
// the same numbers, and those that do not answer say so.
func TestCheck20NothingIsLostByARestart(t *testing.T) {
	t.Parallel()
	d := startDemo(t, t.TempDir())
	h := d.server(t, "bridge")
	paired := pair(t, h)
	c := session(t, h, paired)
	name := find(t, c.accessories(t), "Rocket", fan, configuredName)
	c.put(t, `{"aid":%d,"iid":%d,"value":"Starship"}`, name.aid, name.iid)
	before, number := c.accessories(t), configuration(t, h)
	rocket := find(t, before, "Rocket", fan, rotation)
	d.stop(t) // the simulated things end with it

	again := startHub(t, d.dir, "serve", "--loopback", "--api", "127.0.0.1:0", "--homekit-port", "0")
	again.run(t, d.Password+"\n", "unlock", "--password-stdin")
	status := again.now(t)
	is := status.server(t, "bridge")
	if is.DeviceID != h.DeviceID || is.Port != h.Port || is.SetupCode != h.SetupCode {
		t.Errorf("the bridge was %+v and is %+v", h, is)
	}
	c = session(t, is, paired)
	if was, now := shape(before), shape(c.accessories(t)); was != now {
		t.Errorf("the accessories were\n%sand are\n%s", was, now)
	}
	if is := find(t, c.accessories(t), "Rocket", fan, configuredName); is.value != "Starship" {
		t.Errorf("the fan was called Starship and is called %v", is.value)
	}
	until(t, 20*time.Second, "the toy that is gone reads as unreachable", func() bool {
		code, r, _ := c.read(t, id(rocket))
		return code == http.StatusMultiStatus && r.statuses()[0] == -70402
	})
	if code, r := c.write(t, fmt.Sprintf(`{"characteristics":[{"aid":%d,"iid":%d,"value":50}]}`, rocket.aid, rocket.iid)); code != http.StatusMultiStatus || r.statuses()[0] != -70402 {
		t.Errorf("writing to the toy that is gone: %d %v", code, r.statuses())
	}
	if is := configuration(t, h); is != number {
		t.Errorf("c# was %d and is %d after a restart without the things", number, is)
	}
}

// TestCheck18PowerCutsOfTheHub kills the whole hub while it is being paired.
func TestCheck18PowerCutsOfTheHub(t *testing.T) {
	n := times(3, 20)
	d := startDemo(t, t.TempDir())
	h, password := d.server(t, "bridge"), d.Password
	number := configuration(t, h)
	var key []byte
	for i := range n {
		who := newcomer(t, fmt.Sprint("phone ", i), key)
		done := make(chan error, 1)
		go func() {
			c, err := pairAs(h, who)
			if err == nil {
				key = c.DevicePublic
			}
			done <- err
		}()
		<-time.After(time.Duration(5+40*i/n) * time.Millisecond)
		d.kill(t)
		told := <-done
		d = startDemo(t, d.dir)
		d.run(t, password+"\n", "unlock", "--password-stdin")
		is := d.now(t).server(t, "bridge")
		if now := configuration(t, is); is.DeviceID != h.DeviceID || is.Port != h.Port || is.SetupCode != h.SetupCode || now != number {
			t.Fatalf("cut %d: the bridge was %+v with c# %d and is %+v with c# %d", i, h, number, is, now)
		}
		cut{told, open(t, is)}.settle(t, is, who, i%2 == 1)
	}
	if _, err := tryPair(h, h.SetupCode); err != nil {
		t.Errorf("after all the cuts: %v", err)
	}
}

// TestCheck23StringsAreWhatAppleTakes looks at the strings of every accessory of the demo home.
func TestCheck23StringsAreWhatAppleTakes(t *testing.T) {
	const hidden = "A2"
	proper := regexp.MustCompile(`^[\p{L}\p{N}]([\p{L}\p{M}\p{N} ’'&!._:;()/,-]*[\p{L}\p{M}\p{N}])?$`)
	firmware := regexp.MustCompile(`^\d+\.\d+(\.\d+)?$`)
	d := startDemo(t, t.TempDir())
	for _, h := range d.HomeKit {
		serials := map[any]bool{}
		for _, a := range session(t, h, pair(t, h)).things(t) {
			if info := a.Services[0]; info.Type != information || info.IID != 1 {
				t.Errorf("accessory %d begins with %s, iid %d", a.AID, info.Type, info.IID)
			}
			visible, named := 0, 0
			for _, s := range a.Services {
				if s.Type != information && s.Type != hidden {
					visible++
				}
				for _, c := range s.Characteristics {
					text, _ := c.Value.(string)
					switch c.Type {
					case "20", "21", "23", "30":
						if n := len([]rune(text)); n < 2 || n > 64 {
							t.Errorf("accessory %d: %s is %q", a.AID, c.Type, text)
						}
						if c.Type == "23" && !proper.MatchString(text) {
							t.Errorf("accessory %d: the name %q", a.AID, text)
						}
						if c.Type == "30" && serials[text] {
							t.Errorf("accessory %d: the serial number %q is there twice", a.AID, text)
						}
						serials[text] = serials[text] || c.Type == "30"
					case "52":
						if !firmware.MatchString(text) {
							t.Errorf("accessory %d: the firmware %q", a.AID, text)
						}
					case configuredName:
						named++
						if !proper.MatchString(text) {
							t.Errorf("accessory %d: the configured name %q", a.AID, text)
						}
					}
				}
			}
			if visible > 1 && named == 0 {
				t.Errorf("accessory %d has %d services and no ConfiguredName", a.AID, visible)
			}
		}
	}
}
