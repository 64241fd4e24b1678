package servers_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/homekit"
)

// The checks of the HomeKit reference that are about which server shows what, by their numbers, with
// real servers and a controller's client.

// family is a home with one of everything.
func family() (home.Contents, map[string]homekit.Offer) {
	return home.Contents{
			People: []home.Person{{ID: "p-mia", Name: "Mia"}},
			Zones:  []home.Zone{{ID: "z-home", Name: "Home"}},
			Accessories: []home.Accessory{
				{ID: "a-garden", Name: "Garden", Kind: "camera"},
				{ID: "a-watch", Name: "Mia's watch", Kind: "watch", Person: "p-mia"},
				{ID: "a-rocket", Name: "Rocket", Kind: "toy"},
			},
		}, map[string]homekit.Offer{
			"a-garden": {Model: "G2", Traits: []string{"motion"}},
			"a-watch":  {Model: "W1", Traits: []string{"find", "battery", "sos", "fall"}},
			"a-rocket": {Model: "R3", Steps: 20, Traits: []string{"speed", "battery"}},
		}
}

func TestCheck19TheConfigurationNumber(t *testing.T) {
	w := start(t, &disk{files: map[string][]byte{}})
	w.camera = pictures
	c, offers := family()
	w.show(c, offers)
	p := w.open(homekit.MainServer, w.pair(homekit.MainServer))
	id := w.status(homekit.MainServer).DeviceID
	number := func() int {
		n, _ := strconv.Atoi(w.voice.txt(id)["c#"])
		return n
	}
	w.soon("an announcement of the pairing", func() bool { return w.voice.txt(id)["sf"] == "0" })
	was := number()
	stays := func(what string) {
		t.Helper()
		w.show(c, offers)
		w.settle("a-rocket")
		p.put(p.at("Rocket", "3E", "14"), `"value":true`, 204) // whatever was announced before is now
		if got := number(); got != was {
			t.Errorf("%s moved c# from %d to %d", what, was, got)
		}
	}
	moves := func(what string) {
		t.Helper()
		w.show(c, offers)
		want := was%65535 + 1
		w.soon(fmt.Sprintf("c# %d after %s", want, what), func() bool { return number() == want })
		was = want
		stays("the same again after " + what)
	}
	stays("nothing")
	w.says("a-rocket", trait.Reachable.Of(true, time.Now()))
	w.says("a-rocket", trait.Speed.Of(40, time.Now()))
	stays("a value")
	w.says("a-rocket", trait.Reachable.Of(false, time.Now()))
	stays("going away")
	slices.Reverse(c.Accessories)
	stays("another order")
	c.Accessories = append(c.Accessories, toys(1, 1)...)
	moves("a new toy")
	c.Accessories[3].Name = "Boat"
	moves("a new name")
	c.Accessories = c.Accessories[:3]
	moves("a removal")
	w.show(c, offers)
	p.put(p.at("Rocket", "B7", "E3"), `"value":"Moon rocket"`, 204)
	moves("a service's new name")
	if p.ended() {
		t.Error("the session ended")
	}
}

func TestCheck19TheNumberWraps(t *testing.T) {
	d := &disk{files: map[string][]byte{}}
	w := start(t, d)
	c, offers := family()
	w.show(c, offers)
	w.end()
	var state hap.State
	if err := json.Unmarshal(d.files["server bridge"], &state); err != nil {
		t.Fatal(err)
	}
	state.ConfigNumber = 65535
	text, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	d.files["server bridge"] = text
	w = start(t, d)
	w.show(c, offers)
	w.soon("65535", func() bool { return w.voice.txt(state.DeviceID)["c#"] == "65535" })
	c.Accessories = append(c.Accessories, toys(1, 1)...)
	w.show(c, offers)
	w.soon("1", func() bool { return w.voice.txt(state.DeviceID)["c#"] == "1" })
}

// numbers are all aids and iids of what a controller sees.
func numbers(all map[string]shown) map[string]string {
	list := map[string]string{}
	for name, a := range all {
		var b strings.Builder
		fmt.Fprintf(&b, "%d:", a.AID)
		for _, s := range a.Services {
			fmt.Fprintf(&b, " %s=%d", s.Type, s.IID)
			for _, c := range s.Characteristics {
				fmt.Fprintf(&b, " %s=%d", c.Type, c.IID)
			}
		}
		list[name] = b.String()
	}
	return list
}

func TestCheck20NumbersAreForEver(t *testing.T) {
	d := &disk{files: map[string][]byte{}}
	w := start(t, d)
	w.camera = pictures
	c, offers := family()
	w.show(c, offers)
	creds := w.pair(homekit.MainServer)
	p := w.open(homekit.MainServer, creds)
	first := numbers(p.accessories())
	same := func(when string, but ...string) {
		t.Helper()
		now := numbers(p.accessories())
		for name, want := range first {
			if now[name] != want && !slices.Contains(but, name) {
				t.Errorf("%s, %s is %q, was %q", when, name, now[name], want)
			}
		}
	}
	all := slices.Clone(c.Accessories)
	c.Accessories = all[1:]
	w.show(c, offers)
	same("after a removal", "Garden")
	c.Accessories = append(toys(1, 3), all...)
	w.show(c, offers)
	same("re-added among new ones")
	w.end()

	w = start(t, d)
	w.camera = pictures
	slices.Reverse(c.Accessories)
	w.show(c, nil) // nothing has answered yet
	p = w.open(homekit.MainServer, creds)
	same("after a restart in another order")
}

// Everything that is known is published, as unreachable, before anything is announced.
func TestCheck20WhatIsAwayIsPublishedFirst(t *testing.T) {
	d := &disk{files: map[string][]byte{}}
	w := start(t, d)
	w.camera = pictures
	c, offers := family()
	w.show(c, offers)
	creds := w.pair(homekit.MainServer)
	id := w.status(homekit.MainServer).DeviceID
	w.soon("an announcement", func() bool { return w.voice.txt(id) != nil })
	number := w.voice.txt(id)["c#"]
	w.end()

	w = start(t, d)
	w.camera = pictures
	w.show(c, nil)
	w.soon("an announcement", func() bool { return w.voice.txt(id) != nil })
	if got := w.voice.txt(id)["c#"]; got != number {
		t.Errorf("c# was %s and is %s: something was not there at first", number, got)
	}
	p := w.open(homekit.MainServer, creds)
	known := p.accessories()
	if got := slices.Sorted(maps.Keys(known)); len(got) != 8 {
		t.Errorf("a restart shows %v", got)
	}
	for _, at := range []string{p.at("Garden", "110", "120"), p.at("Garden", "85", "22"), p.at("Rocket", "B7", "B0"), p.at("Mia's watch", "96", "68")} {
		if got := p.read(at); !strings.Contains(got, "-70402") {
			t.Errorf("before it answers, %s reads %s", at, got)
		}
	}
	picture := fmt.Sprintf(`{"image-width":64,"image-height":48,"resource-type":"image","aid":%d}`, known["Garden"].AID)
	if got := p.ask("POST", "/resource", picture, 207); !strings.Contains(got, "-70402") {
		t.Errorf("its picture is %s", got)
	}
	for _, at := range []string{p.at("Privacy", "49", "25"), p.at("Mia at Home", "86", "71")} {
		if got := p.read(at); strings.Contains(got, "-70") {
			t.Errorf("what the hub itself knows reads %s", got)
		}
	}
	w.says("a-garden", trait.Reachable.Of(true, time.Now()))
	w.says("a-garden", trait.Motion.Of(true, time.Now()))
	w.settle("a-rocket")
	for _, at := range []string{p.at("Garden", "110", "120"), p.at("Garden", "85", "22")} {
		if got := p.read(at); strings.Contains(got, "-70") {
			t.Errorf("once it answers, %s reads %s", at, got)
		}
	}
	w.says("a-garden", trait.Reachable.Of(false, time.Now()))
	w.settle("a-rocket")
	if got := p.read(p.at("Garden", "110", "120")); !strings.Contains(got, "-70402") {
		t.Errorf("away again, it reads %s", got)
	}
}

const second = "bridge-2"

func TestCheck21TwoBridges(t *testing.T) {
	d := &disk{files: map[string][]byte{}}
	w := start(t, d)
	c := home.Contents{Accessories: toys(1, 147)} // with the two switches: 149
	w.show(c, nil)
	if n := len(w.servers.Status()); n != 1 {
		t.Fatalf("149 accessories need %d servers", n)
	}
	c.Accessories = toys(1, 148)
	w.show(c, nil)
	if s := w.status(second); s.Name != "Ingle 2" || s.Kind != "bridge" || s.Paired {
		t.Fatalf("the second bridge is %+v", s)
	}
	c.Accessories = toys(1, 158) // 160
	w.show(c, nil)
	one, two := w.status(homekit.MainServer), w.status(second)
	if one.DeviceID == two.DeviceID || one.Port == two.Port || one.Setup.Code == two.Setup.Code || one.Setup.URI == two.Setup.URI {
		t.Errorf("they share something: %+v, %+v", one, two)
	}
	first, other := w.pair(homekit.MainServer), w.pair(second)
	p, q := w.open(homekit.MainServer, first), w.open(second, other)
	before, beyond := numbers(p.accessories()), numbers(q.accessories())
	if len(before) != 150 || len(beyond) != 12 || before["Stop everything"] == "" || beyond["Toy 148"] == "" {
		t.Fatalf("they show %d and %d", len(before), len(beyond))
	}

	c.Accessories = slices.Concat(toys(31, 150), toys(159, 160), toys(152, 158)) // 1 to 30 and 151 are away, two are new
	slices.Reverse(c.Accessories)
	w.show(c, nil)
	if now := q.accessories(); len(now) != 13 || now["Toy 159"].AID == 0 {
		t.Errorf("with room for those that are away, the second bridge shows %d", len(now))
	}
	w.end()
	w = start(t, d)
	c.Accessories = append(toys(151, 160), toys(1, 150)...)
	w.show(c, nil)
	p, q = w.open(homekit.MainServer, first), w.open(second, other)
	after, behind := numbers(p.accessories()), numbers(q.accessories())
	if !maps.Equal(before, after) {
		t.Errorf("after it all the main bridge shows %d, as before: no", len(after))
	}
	for name, want := range beyond {
		if behind[name] != want {
			t.Errorf("%s is %q, was %q", name, behind[name], want)
		}
	}
	w.unpairing(p, q)
}

// unpairing unpairs the first of two bridges under the eyes of both.
func (w *world) unpairing(p, q phone) {
	w.Helper()
	at := q.at("Toy 158", "B7", "B0")
	q.put(at, `"ev":true`, 204)
	if err := w.servers.Unpair(w.Context(), homekit.MainServer); err != nil {
		w.Fatal(err)
	}
	<-p.Ended()
	w.says("a-158", trait.Reachable.Of(true, time.Now()))
	w.says("a-158", trait.Speed.Of(30, time.Now()))
	q.hears(at, "1")
	if !w.status(second).Paired || w.status(homekit.MainServer).Paired {
		w.Error("unpairing one bridge unpaired the other")
	}
}

// A second bridge that has become empty goes, unless somebody is paired with it: their rooms are there
// when its accessories return.
func TestAnEmptyBridge(t *testing.T) {
	d := &disk{files: map[string][]byte{}}
	w := start(t, d)
	many, few := home.Contents{Accessories: toys(1, 150)}, home.Contents{Accessories: toys(1, 10)}
	w.show(many, nil)
	device := w.status(second).DeviceID
	w.show(few, nil)
	if _, err := w.servers.Find(second); err == nil {
		t.Error("an empty bridge without a pairing stays")
	}
	w.show(many, nil)
	if got := w.status(second).DeviceID; got != device {
		t.Errorf("it came back as %s, was %s", got, device)
	}
	p := w.open(second, w.pair(second))
	w.show(few, nil)
	if got := p.accessories(); len(got) != 1 {
		t.Errorf("an empty bridge shows %v", got)
	}
	w.end()

	w = start(t, d)
	w.show(few, nil)
	if s := w.status(second); s.DeviceID != device || !s.Paired {
		t.Errorf("after a restart it is %+v", s)
	}
	if err := w.servers.Unpair(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if _, err := w.servers.Find(second); err == nil {
		t.Error("nobody is paired with it any more, and it stays")
	}
}

func TestCheck23NamesAndSerials(t *testing.T) {
	w := start(t, &disk{files: map[string][]byte{}})
	w.camera = pictures
	c, offers := family()
	long := strings.Repeat("Überlanger Name ", 9)
	for i, name := range []string{"privacy", "🚀", long, long, "(Robot)", "a\x00\xffb"} {
		id := fmt.Sprintf("x-%d", i)
		c.Accessories = append(c.Accessories, home.Accessory{ID: id, Name: name, Kind: "toy", Alone: i == 4})
		offers[id] = homekit.Offer{Maker: "M", Model: strings.Repeat("x", 10_000), Firmware: "nightly \xff", Traits: []string{"battery"}}
	}
	w.show(c, offers)
	valid := regexp.MustCompile(`^[\pL\pN][\pL\pN\pM ’'&!._:;()/,-]{0,62}[\pL\pN]$`)
	version := regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)
	names, serials := map[string]bool{}, map[string]bool{}
	total := 0
	for _, s := range w.servers.Status() {
		p := w.open(s.Key, w.pair(s.Key))
		for name, a := range p.accessories() {
			total++
			if !valid.MatchString(name) || names[strings.ToLower(name)] || serials[a.text("30")] || !version.MatchString(a.text("52")) {
				t.Errorf("%q: serial %s, firmware %s", name, a.text("30"), a.text("52"))
			}
			names[strings.ToLower(name)], serials[a.text("30")] = true, true
			for _, typ := range []string{"20", "21", "23", "30"} {
				if n := utf8.RuneCountInString(a.text(typ)); n < 2 || n > 64 {
					t.Errorf("%q has %d characters in %s", name, n, typ)
				}
			}
			own := 0
			for _, s := range a.Services {
				if s.Type != "3E" && s.Type != "A2" {
					own++
				}
			}
			if own > 1 && a.value("3E", "E3") == nil {
				t.Errorf("%q has %d services and no ConfiguredName", name, own)
			}
		}
	}
	if total != 14 {
		t.Errorf("%d accessories are shown", total)
	}
	if w.troubles() != "" {
		t.Errorf("people are told of %s", w.troubles())
	}
}
