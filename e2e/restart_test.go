package e2e

import (
	"bytes"
	"encoding/json"
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

// knows asks whether the bridge lets a controller in.
func (b *bench) knows(t *testing.T, who *hap.Client) bool {
	t.Helper()
	l := dial(t, b.bridge, nil)
	defer l.Close()
	_, err := verify(l, who)
	return err == nil
}

// TestCheck18PowerCutsWhilePairing kills the bridge again and again while it is being paired. A
// controller that was told M6 is known afterwards; one that was not is known with exactly its key, or
// the code works again.
func TestCheck18PowerCutsWhilePairing(t *testing.T) {
	n := times(12, 50)
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
		err := b.powerCut(t, usual*6/10+usual*time.Duration(i)/time.Duration(n), func() error {
			_, err := pairAs(b.bridge, who)
			return err
		})
		status, _, _ := strange(t, b.bridge).send(http.MethodPost, "/identify", nil)
		paired, known := status == http.StatusBadRequest, b.knows(t, who)
		switch {
		case err == nil && !known:
			t.Fatalf("cut %d: the controller is paired, the bridge does not know it", i)
		case paired != known:
			t.Fatalf("cut %d: the bridge is paired: %v; it knows the controller: %v", i, paired, known)
		case err == nil:
			told++
		case known:
			half++
		}
		if known {
			leave(t, b.bridge, who)
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
	n := times(12, 50)
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
		if known := b.knows(t, guest); known != on {
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
	d := startDemo(t, t.TempDir())
	h := d.server(t, "bridge")
	paired := pair(t, h)
	c := session(t, h, paired)
	before := c.accessories(t)
	rocket := find(t, before, "Rocket", fan, rotation)
	d.stop(t) // the simulated things end with it

	again := startHub(t, d.dir, "serve", "--loopback", "--api", "127.0.0.1:0", "--homekit-port", "0")
	again.run(t, d.Password+"\n", "unlock", "--password-stdin")
	var status demo
	if err := json.Unmarshal([]byte(again.run(t, "", "status", "--json")), &status); err != nil {
		t.Fatal(err)
	}
	is := status.server(t, "bridge")
	if is.DeviceID != h.DeviceID || is.Port != h.Port || is.SetupCode != h.SetupCode {
		t.Errorf("the bridge was %+v and is %+v", h, is)
	}
	c = session(t, is, paired)
	if was, now := shape(before), shape(c.accessories(t)); was != now {
		t.Errorf("the accessories were\n%sand are\n%s", was, now)
	}
	until(t, 20*time.Second, "the toy that is gone reads as unreachable", func() bool {
		code, r, _ := c.read(t, id(rocket))
		return code == http.StatusMultiStatus && r.statuses()[0] == -70402
	})
	if code, r := c.write(t, fmt.Sprintf(`{"characteristics":[{"aid":%d,"iid":%d,"value":50}]}`, rocket.aid, rocket.iid)); code != http.StatusMultiStatus || r.statuses()[0] != -70402 {
		t.Errorf("writing to the toy that is gone: %d %v", code, r.statuses())
	}
	c.accessories(t)
}

// TestCheck23StringsAreWhatAppleTakes looks at the strings of every accessory of the demo home.
func TestCheck23StringsAreWhatAppleTakes(t *testing.T) {
	const configured, hidden = "E3", "A2"
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
					case configured:
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
