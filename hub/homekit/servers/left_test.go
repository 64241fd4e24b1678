package servers_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/homekit"
)

// One of three reports rubbish. The others' reads and events and the pairing do not notice, nothing
// invalid reaches the controller, and people are told which one it is, until it is mended.
func TestRubbishOfOneTouchesNoOther(t *testing.T) {
	w := start(t, &disk{files: map[string][]byte{}})
	w.camera = pictures
	c, offers := family()
	w.show(c, offers)
	for _, a := range c.Accessories {
		w.says(a.ID, trait.Reachable.Of(true, time.Now()))
	}
	w.says("a-watch", trait.Battery.Of(70, time.Now()))
	p := w.open(homekit.MainServer, w.pair(homekit.MainServer))
	battery, low, active, motion := p.at("Mia's watch", "96", "68"), p.at("Mia's watch", "96", "79"), p.at("Rocket", "B7", "B0"), p.at("Garden", "85", "22")
	for _, at := range []string{battery, low, active, motion} {
		p.put(at, `"ev":true`, 204)
	}

	bad := offers["a-watch"]
	bad.Model, bad.Maker, bad.Firmware = strings.Repeat("x", 10_000), "\xff\xfe", "NaN.-1.9999999999999999"
	bad.Traits = append(bad.Traits, strings.Repeat("\xff", 10_000))
	offers["a-watch"] = bad
	w.show(c, offers)
	for i := range 50 {
		w.says("a-watch", trait.Battery.Of(-1-i, time.Now()))
		w.says("a-watch", trait.Battery.Of(1<<40, time.Now()))
	}
	w.says("a-rocket", trait.Speed.Of(40, time.Now()))
	w.says("a-garden", trait.Motion.Of(true, time.Now()))
	p.hearsAll(map[string]string{motion: "true", active: "1"})
	if got := p.read(battery); !strings.Contains(got, `"value":70`) {
		t.Errorf("the last good battery reads %s", got)
	}
	if got := p.read(low); !strings.Contains(got, `"value":0`) {
		t.Errorf("low battery reads %s", got)
	}
	if got := p.accessories()["Mia's watch"]; len(got.text("21")) > 64 || got.text("20") == "" {
		t.Errorf("its information is %s, %s, %s", got.text("20"), got.text("21"), got.text("52"))
	}
	if got := w.troubles(); got != "homekit-misfit a-watch" {
		t.Errorf("people are told of %s", got)
	}
	if n := strings.Count(w.log.String(), "does not fit"); n != 1 {
		t.Errorf("the log has %d lines about it", n)
	}
	w.says("a-watch", trait.Battery.Of(12, time.Now()))
	p.hearsAll(map[string]string{battery: "12", low: "1"})
	if got := w.troubles(); got != "" {
		t.Errorf("mended, people are told of %s", got)
	}
	if p.ended() || !w.status(homekit.MainServer).Paired {
		t.Error("the pairing did not outlast it")
	}
}

// broken makes cameras that have one fault, or none.
func broken(fault *string) func(home.Accessory) (homekit.Camera, error) {
	return func(a home.Accessory) (homekit.Camera, error) {
		c, err := pictures(a)
		switch *fault {
		case "panic":
			panic("out of film")
		case "error":
			return c, errors.New("out of film")
		case "hole":
			c.Services = append(c.Services, nil)
		case "link":
			c.Services[0].Linked = []*hap.Service{nil}
		case "close":
			c.Close = func() { panic("out of film") }
		case "empty":
			c.Services[0].Characteristics[0] = nil
		case "crowd":
			for range 100 {
				c.Services = append(c.Services, c.Services[0])
			}
		case "type":
			c.Services[0].Type = "the first"
		}
		return c, err
	}
}

// What Apple's rules keep out is named by its own ID until it is mended; so is what is away meanwhile.
func TestWhatIsLeftOutIsNamed(t *testing.T) {
	w := start(t, &disk{files: map[string][]byte{}})
	fault := ""
	w.camera = broken(&fault)
	const dark = homekit.CodeDark + " a-garden"
	c, offers := family()
	w.show(c, offers)
	p := w.open(homekit.MainServer, w.pair(homekit.MainServer))
	active := p.at("Rocket", "B7", "B0")
	for _, f := range []struct {
		fault, told string
		pictures    bool
	}{
		{"panic", dark, false}, {"", "", true}, {"hole", dark, false}, {"error", dark, false}, {"empty", dark, false}, {"link", dark, false},
		{"", "", true}, {"close", "", true}, {"", "", true}, {"crowd", "homekit-left-out a-garden", false}, {"", "", true}, {"type", "homekit-left-out a-garden", false},
	} {
		fault = f.fault
		w.house.Renew("a-garden")
		w.show(c, offers)
		if got := w.troubles(); got != f.told {
			t.Errorf("after %q people are told of %q, want %q", f.fault, got, f.told)
		}
		if strings.HasPrefix(f.told, dark) && p.accessories()["Garden"].AID == 0 {
			t.Errorf("after %q the garden lost its room", f.fault)
		}
		if got := p.accessories()["Garden"]; (got.value("110", "120") != nil) != f.pictures {
			t.Errorf("after %q the garden is %+v", f.fault, got)
		}
		if got := p.read(active); !strings.Contains(got, "value") && !strings.Contains(got, "-70402") {
			t.Errorf("after %q the rocket reads %s", f.fault, got)
		}
	}
	fault = "error"
	w.house.Renew("a-garden")
	w.show(c, offers)
	c.Accessories = c.Accessories[1:]
	w.show(c, offers)
	if got := w.troubles(); got != "" {
		t.Errorf("it has gone, and people are told of %s", got)
	}
}

// A server that cannot listen costs the others nothing, and is tried again.
func TestAServerThatCannotListen(t *testing.T) {
	w := start(t, &disk{files: map[string][]byte{}})
	w.camera = pictures
	where := "256.0.0.1:0"
	w.listen = func(key string) string {
		if key == "a-garden" {
			return where
		}
		return "127.0.0.1:0"
	}
	c, offers := family()
	c.Accessories[0].Alone = true
	c.Accessories = append(c.Accessories, home.Accessory{ID: "a-porch", Name: "Porch", Kind: "camera", Alone: true})
	if err := w.servers.Show(t.Context(), c, offers); err == nil {
		t.Error("nobody is told of it")
	}
	for _, key := range []string{homekit.MainServer, "a-porch"} {
		w.open(key, w.pair(key))
	}
	where = "127.0.0.1:0"
	w.show(c, offers)
	w.open("a-garden", w.pair("a-garden"))
}

// Serial numbers are our own IDs, so two units that claim the same one are still two.
func TestTwinsAreTwo(t *testing.T) {
	w := start(t, &disk{files: map[string][]byte{}})
	c, offers := home.Contents{Accessories: toys(1, 3)}, map[string]homekit.Offer{}
	for i := range 3 {
		c.Accessories[i].Fields = map[string]string{"serial": "0001"}
		offers[fmt.Sprintf("a-%d", i+1)] = homekit.Offer{Maker: "Twin", Model: "Twin", Firmware: "1.0"}
	}
	w.show(c, offers)
	p := w.open(homekit.MainServer, w.pair(homekit.MainServer))
	serials := map[string]bool{}
	for _, a := range p.accessories() {
		serials[a.text("30")] = true
	}
	if len(serials) != 6 || w.troubles() != "" {
		t.Errorf("serials %v, troubles %s", serials, w.troubles())
	}
}

// Identify is a question, not a command: a watch rings, no motor moves.
func TestIdentify(t *testing.T) {
	w := start(t, &disk{files: map[string][]byte{}})
	c, offers := family()
	c.Accessories[1].Alone = true
	w.show(c, offers)
	p := w.open(homekit.MainServer, w.pair(homekit.MainServer))
	for _, name := range []string{"Ingle", "Rocket", "Garden", "Privacy", "Stop everything", "Mia SOS"} {
		p.put(p.at(name, "3E", "14"), `"value":true`, 204)
	}
	if got := w.did(); got != "" {
		t.Errorf("identify commanded %s", got)
	}
	stranger := w.dial("a-watch")
	stranger.ask("POST", "/identify", "", 204)
	if got := w.did(); got != "" {
		t.Errorf("a stranger commanded %s", got)
	}
	q := w.open("a-watch", w.pair("a-watch"))
	q.put(q.at("Mia's watch", "3E", "14"), `"value":true`, 204)
	if got := w.did(); got != "a-watch find true" {
		t.Errorf("the watch was told %s", got)
	}
	w.obey = func(context.Context, string, trait.Command) error { return hap.StatusBusy }
	if got := q.put(q.at("Mia's watch", "3E", "14"), `"value":true`, 207); !strings.Contains(got, "-70403") {
		t.Errorf("a watch that cannot ring: %s", got)
	}
}

// A phone that asks again and again which one it is does not fill the log.
func TestIdentifyLeavesOneLine(t *testing.T) {
	w := start(t, &disk{files: map[string][]byte{}})
	c, offers := family()
	w.show(c, offers)
	p := w.open(homekit.MainServer, w.pair(homekit.MainServer))
	for range 50 {
		p.put(p.at("Rocket", "3E", "14"), `"value":true`, 204)
	}
	if n := strings.Count(w.log.String(), "which one"); n != 1 {
		t.Errorf("%d lines", n)
	}
}
