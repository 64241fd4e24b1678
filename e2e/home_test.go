package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/hap"
)

// Apple's types of the services and characteristics that the tests use.
const (
	fan, active, rotation = "B7", "B0", "29"
	motionSensor, motion  = "85", "22"
	battery, level        = "96", "68"
	occupancy, occupied   = "86", "71"
	configuredName        = "E3"
)

// TestAFamilyAndItsThings is the first hour of a household: pair, look, ring for help, drive a toy, and
// lose power in the middle of it.
func TestAFamilyAndItsThings(t *testing.T) {
	d := startDemo(t, t.TempDir())
	paired := pair(t, d.server(t, "bridge"))
	c := connect(t, paired)
	accessories := c.accessories(t)
	if v := find(t, accessories, "Mia's Watch", battery, level).value; v != float64(80) {
		t.Errorf("the watch's battery is %v, want 80", v)
	}
	until(t, 10*time.Second, "Mia is at home", func() bool {
		return find(t, c.accessories(t), "Mia at Home", occupancy, occupied).value == float64(1)
	})
	callForHelp(t, d, c, accessories)
	drive(t, d, c, accessories)
	loseParents(t, d, paired, accessories)
}

// TestASecondController goes through the demo home with npm's hap-controller, which pads its SRP
// values where go2rtc strips them.
func TestASecondController(t *testing.T) {
	peers := startPeers(t)
	d := startDemo(t, t.TempDir())
	p := peers.phone(t, d.server(t, "bridge"), nil)
	who := p.pair(t, 0)
	var shown struct {
		Accessories []*hap.Accessory `json:"accessories"`
	}
	p.must(t, &shown, "getAccessories")
	shorten(shown.Accessories)

	speed := find(t, shown.Accessories, "Rocket", fan, rotation)
	p.must(t, nil, "setCharacteristics", map[string]int{id(speed): 50})
	if m, err := d.rocket(); err != nil || m.Level != 0.5 {
		t.Errorf("after 50 %% the toy got %+v, %v", m, err)
	}
	var r results
	p.must(t, &r, "getCharacteristics", []string{id(speed)})
	if len(r.Characteristics) != 1 || r.Characteristics[0].Value != float64(50) {
		t.Errorf("the speed reads %+v", r)
	}
	p.must(t, nil, "setCharacteristics", map[string]int{id(speed): 0})

	sos := find(t, shown.Accessories, "Mia SOS", motionSensor, motion)
	p.must(t, nil, "subscribeCharacteristics", []string{id(sos)})
	d.simulate(t, "watch/sos")
	until(t, 10*time.Second, "the SOS comes", func() bool {
		return slices.ContainsFunc(p.events(t), func(e event) bool {
			return e.AID == sos.aid && e.IID == sos.iid && (e.Value == true || e.Value == float64(1))
		})
	})
	p.must(t, nil, "removePairing", map[string]string{"hex": who.ID})
	pair(t, d.now(t).server(t, "bridge")) // the last one that leaves makes room for another
}

// shorten writes Apple's types as go2rtc does; hap-controller gives them in full.
func shorten(accessories []*hap.Accessory) {
	short := func(typ string) string {
		return strings.TrimLeft(strings.TrimSuffix(typ, "-0000-1000-8000-0026BB765291"), "0")
	}
	for _, a := range accessories {
		for _, s := range a.Services {
			s.Type = short(s.Type)
			for _, c := range s.Characters {
				c.Type = short(c.Type)
			}
		}
	}
}

// callForHelp presses SOS on the watch: controllers hear of it within 300 ms.
func callForHelp(t *testing.T, d *demo, c *controller, accessories []*hap.Accessory) {
	t.Helper()
	sos := find(t, accessories, "Mia SOS", motionSensor, motion)
	c.put(t, `{"aid":%d,"iid":%d,"ev":true}`, sos.aid, sos.iid)
	pressed := time.Now()
	d.simulate(t, "watch/sos")
	timeout := time.After(10 * time.Second)
	for {
		select {
		case e := <-c.events:
			if e.AID != sos.aid || e.IID != sos.iid {
				continue
			}
			t.Logf("SOS to HomeKit: %v", e.at.Sub(pressed))
			if on := e.Value == true || e.Value == float64(1); !on {
				t.Errorf("the SOS came as %v", e.Value)
			}
			if e.at.Sub(pressed) > 300*time.Millisecond {
				t.Errorf("the SOS took %v, want at most 300 ms", e.at.Sub(pressed))
			}
			return
		case <-timeout:
			t.Fatal("no SOS came")
		}
	}
}

// drive runs the toy at half of its steps and stops it.
func drive(t *testing.T, d *demo, c *controller, accessories []*hap.Accessory) {
	t.Helper()
	speed := find(t, accessories, "Rocket", fan, rotation)
	c.put(t, `{"aid":%d,"iid":%d,"value":50}`, speed.aid, speed.iid)
	m, err := d.rocket()
	if err != nil || m.Level != 0.5 || !slices.Contains(m.Writes, 10) {
		t.Errorf("after 50 %% the toy got %+v, %v; want 10 of its 20 steps", m, err)
	}
	c.put(t, `{"aid":%d,"iid":%d,"value":0}`, speed.aid, speed.iid)
	m, err = d.rocket()
	if err != nil || m.Level != 0 || m.Writes[len(m.Writes)-1] != 0 {
		t.Errorf("after 0 %% the toy got %+v, %v; want a stop", m, err)
	}
	c.put(t, `{"aid":%d,"iid":%d,"value":75}`, speed.aid, speed.iid)
}

// loseParents kills the hub while the toy runs. The toy stops by itself, and the hub that comes back
// is the same one to a controller that knew it.
func loseParents(t *testing.T, d *demo, paired *hap.Client, before []*hap.Accessory) {
	t.Helper()
	d.kill(t)
	took := until(t, 5*time.Second, "the toy rests without its hub", func() bool {
		m, err := d.rocket()
		return err == nil && m.Level == 0
	})
	t.Logf("the toy rested %v after the hub was killed", took)

	again := startDemo(t, d.dir)
	if again.State != "locked" || again.Password != "" {
		t.Fatalf("after the restart the hub is %s", again.State)
	}
	again.run(t, d.Password+"\n", "unlock", "--password-stdin")
	status := again.now(t)
	was, is := d.server(t, "bridge"), status.server(t, "bridge")
	if is.DeviceID != was.DeviceID || is.Port != was.Port {
		t.Errorf("the bridge was %+v and is %+v", was, is)
	}
	c := connect(t, paired)
	after := c.accessories(t)
	if shape(before) != shape(after) {
		t.Errorf("the accessories were\n%sand are\n%s", shape(before), shape(after))
	}
	speed := find(t, after, "Rocket", fan, rotation)
	until(t, 20*time.Second, "the toy is back", func() bool {
		status, _ := c.ask(t, http.MethodGet, hap.PathCharacteristics+"?id="+id(speed), "")
		return status == http.StatusOK
	})
	if m, err := again.rocket(); err != nil || m.Level != 0 {
		t.Errorf("after the restart the toy runs at %v, %v", m.Level, err)
	}
	c.put(t, `{"aid":%d,"iid":%d,"value":25}`, speed.aid, speed.iid)
	c.put(t, `{"aid":%d,"iid":%d,"value":0}`, speed.aid, speed.iid)
}
