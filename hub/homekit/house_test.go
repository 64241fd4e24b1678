package homekit_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/homekit"
)

func TestEverythingIsShownFromTheStart(t *testing.T) {
	w := newWorld(t, &paper{})
	w.show(family(), nil)
	got := map[string][]string{}
	for _, s := range w.servers {
		for _, a := range s.Accessories {
			got[s.Key] = append(got[s.Key], nameOf(a))
		}
	}
	want := []string{"Ingle", "Privacy", "Stop everything", "Garden", "Mia's watch", "Rocket", "Mia at Home", "Mia at School", "Mia SOS"}
	if !slices.Equal(got[homekit.MainServer], want) || !slices.Equal(got["a-porch"], []string{"Porch"}) || len(w.servers) != 2 {
		t.Errorf("shown are %v", got)
	}
	if a := w.named("Porch"); a.AID != 1 || w.servers[1].Category != 17 || w.servers[0].Category != 2 || w.servers[0].Accessories[0].AID != 1 {
		t.Errorf("Porch has aid %d, the servers are %v", a.AID, w.servers)
	}
	w.reads("Mia's watch/96/68", "null", hap.StatusUnreachable)
	w.reads("Mia's watch/49/25", "false", hap.StatusUnreachable)
	w.reads("Rocket/B7/B0", "0", hap.StatusUnreachable)
	w.reads("Rocket/3E/21", `"Toy"`, hap.StatusOK)
	w.reads("Mia at Home/86/71", "0", hap.StatusOK)
	w.reads("Mia at Home/86/75", "false", hap.StatusOK)
	w.reads("Mia at Home/86/77", "1", hap.StatusOK)
}

// ids lists every number of every accessory.
func ids(servers []homekit.Server) map[string]string {
	all := map[string]string{}
	for _, s := range servers {
		for _, a := range s.Accessories {
			var b strings.Builder
			fmt.Fprintf(&b, "%s %d:", s.Key, a.AID)
			for _, service := range a.Services {
				fmt.Fprintf(&b, " %s=%d", service.Type, service.IID)
				for _, c := range service.Characteristics {
					fmt.Fprintf(&b, " %s=%d", c.Type, c.IID)
				}
			}
			all[nameOf(a)] = b.String()
		}
	}
	return all
}

func TestNumbersAreForEver(t *testing.T) {
	p := &paper{}
	w := newWorld(t, p)
	w.show(family(), offers())
	first := ids(w.servers)
	seen := map[string]bool{}
	for _, numbers := range first {
		if seen[numbers] {
			t.Errorf("two accessories are %s", numbers)
		}
		seen[numbers] = true
	}

	w.show(without(family(), "a-garden"), nil)
	gone := ids(w.servers)
	w = newWorld(t, p) // a restart
	grown := without(family(), "a-garden")
	grown.Accessories = append([]home.Accessory{{ID: "a-new", Name: "New", Kind: "toy"}}, grown.Accessories...)
	slices.Reverse(grown.Zones)
	w.show(grown, nil)
	added := ids(w.servers)
	w = newWorld(t, p)
	w.show(family(), nil)
	back := ids(w.servers)

	for name, numbers := range first {
		if name != "Garden" && (gone[name] != numbers || added[name] != numbers) {
			t.Errorf("%s was %s, then %s, then %s", name, numbers, gone[name], added[name])
		}
		if back[name] != numbers {
			t.Errorf("%s came back as %s, was %s", name, back[name], numbers)
		}
	}
	for name, numbers := range first {
		if prefix, _, _ := strings.Cut(numbers, ":"); strings.HasPrefix(added["New"], prefix+":") {
			t.Errorf("the new one took the number of %s", name)
		}
	}
}

func TestIIDsAreUniqueWithinAnAccessory(t *testing.T) {
	w := newWorld(t, &paper{})
	w.show(family(), offers())
	for _, s := range w.servers {
		for _, a := range s.Accessories {
			seen := map[uint64]bool{0: true}
			for _, service := range a.Services {
				all := []uint64{service.IID}
				for _, c := range service.Characteristics {
					all = append(all, c.IID)
				}
				for _, iid := range all {
					if seen[iid] {
						t.Errorf("%s has iid %d twice", nameOf(a), iid)
					}
					seen[iid] = true
				}
			}
			if a.Services[0].Type != "3E" || a.Services[0].IID != 1 {
				t.Errorf("%s begins with %s %d", nameOf(a), a.Services[0].Type, a.Services[0].IID)
			}
		}
	}
}

func TestInformationIsCompleteAndUnique(t *testing.T) {
	c := family()
	c.Accessories = append(c.Accessories, home.Accessory{ID: "x", Name: "Lamp \x00 🚀", Kind: "toy"})
	told := offers()
	told["x"] = homekit.Offer{Maker: "A", Model: strings.Repeat("ä", 99), Firmware: "nightly"}
	w := newWorld(t, &paper{})
	w.show(c, told)
	version := regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)
	for _, s := range w.servers {
		serials := map[string]bool{}
		for _, a := range s.Accessories {
			for _, typ := range []string{"20", "21", "23", "30"} {
				v, _ := a.Service("3E").Characteristic(typ).Value()
				if n := utf8.RuneCountInString(v.Text()); n < 2 || n > 64 {
					t.Errorf("%s says %s for %s", nameOf(a), v, typ)
				}
			}
			serial, _ := a.Service("3E").Characteristic("30").Value()
			if serials[serial.Text()] {
				t.Errorf("%s shares its serial %s", nameOf(a), serial)
			}
			serials[serial.Text()] = true
			if v, _ := a.Service("3E").Characteristic("52").Value(); !version.MatchString(v.Text()) {
				t.Errorf("%s has firmware %s", nameOf(a), v)
			}
			if (a.Service("A2") != nil) != (a.AID == 1) {
				t.Errorf("%s with aid %d has protocol information: %v", nameOf(a), a.AID, a.Service("A2") != nil)
			}
		}
	}
	w.reads("Mia's watch/3E/52", `"1.2.2019"`, hap.StatusOK)
	w.reads("Lamp/3E/52", `"1.0.0"`, hap.StatusOK)
}

func TestNamesAreSpeakableAndUnique(t *testing.T) {
	c := family()
	long := strings.Repeat("Very long name ", 4) + "x"
	c.People[0].Name = long
	for i, name := range []string{"privacy", "Sam SOS", long + " at Home", "(Robot)"} {
		c.Accessories = append(c.Accessories, home.Accessory{ID: fmt.Sprintf("a-%d", i), Name: name, Kind: "toy"})
	}
	c.Accessories = append(c.Accessories, home.Accessory{ID: "a-sams", Name: "Sam's watch", Kind: "watch", Person: "p-sam"})
	w := newWorld(t, &paper{})
	w.show(c, offers())
	seen := map[string]bool{}
	valid := regexp.MustCompile(`^[\pL\pN][\pL\pN\pM ’'&!._:;()/,-]{0,62}[\pL\pN]$`)
	for _, s := range w.servers {
		for _, a := range s.Accessories {
			name := nameOf(a)
			if seen[strings.ToLower(name)] || !valid.MatchString(name) {
				t.Errorf("%q is taken or cannot be spoken", name)
			}
			seen[strings.ToLower(name)] = true
			configured := map[string]bool{}
			for _, service := range a.Services {
				n := service.Characteristic("E3")
				if n == nil {
					continue
				}
				v, _ := n.Value()
				if configured[v.Text()] || !valid.MatchString(v.Text()) {
					t.Errorf("two services of %s are called %s", name, v)
				}
				configured[v.Text()] = service.Type != "3E" && service.Type != "B7" // these two bear the accessory's name
			}
		}
	}
	w.named("Privacy")   // the switch keeps its name
	w.named("privacy 2") // the toy yields
}

func TestARenamedServiceKeepsItsName(t *testing.T) {
	p := &paper{}
	w := newWorld(t, p)
	w.show(family(), offers())
	if err := w.write("Mia's watch/49/E3", hap.String("Where is it")); err != nil {
		t.Fatal(err)
	}
	if err := w.write("Mia's watch/49/E3", hap.String("🚀")); !errors.Is(err, hap.StatusInvalidValue) {
		t.Errorf("a name that cannot be spoken: %v", err)
	}
	w = newWorld(t, p)
	w.show(family(), nil)
	w.reads("Mia's watch/49/E3", `"Where is it"`, hap.StatusOK)
	w.reads("Mia's watch/96/E3", `"Mia's watch Battery"`, hap.StatusOK)
}

func TestAnOfferIsRememberedOverARestart(t *testing.T) {
	p := &paper{}
	w := newWorld(t, p)
	w.show(family(), offers())
	w = newWorld(t, p)
	w.show(family(), nil)
	w.reads("Rocket/3E/21", `"Rocket 3"`, hap.StatusOK)
	if step := w.of("Rocket/B7/29").Step; step.Float() != 5 {
		t.Errorf("20 steps are %v %% apart", step)
	}
}

func TestRestartsDoNotMoveTheConfigurationNumber(t *testing.T) {
	p, m := &paper{}, &hap.Fleeting{}
	told := offers()
	for range 5 {
		w := newWorld(t, p)
		for _, offers := range []map[string]homekit.Offer{nil, told} { // before things answer, and after
			w.show(family(), offers)
			server, err := hap.New(t.Context(), hap.Options{Name: "Ingle", Model: "Hub", Memory: m})
			if err == nil {
				err = server.Publish(t.Context(), w.servers[0].Accessories...)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if kept, err := m.Load(t.Context()); err != nil || kept.ConfigNumber != 2 { // when the rocket first told its steps
		t.Errorf("c# is %d, %v", kept.ConfigNumber, err)
	}
}

func TestWhatDidNotChangeStaysTheSame(t *testing.T) {
	w := newWorld(t, &paper{})
	w.show(family(), nil)
	watch, rocket := w.named("Mia's watch"), w.named("Rocket")
	w.show(family(), map[string]homekit.Offer{"a-rocket": {Steps: 4}})
	if w.named("Mia's watch") != watch {
		t.Error("the watch was made anew")
	}
	if w.named("Rocket") == rocket || w.of("Rocket/B7/29").Step.Float() != 25 {
		t.Error("the rocket did not learn of its steps")
	}
}

func TestNothingIsShownUnderNumbersThatAreNotSaved(t *testing.T) {
	p := &paper{fails: errors.New("disk full")}
	w := newWorld(t, p)
	if _, err := w.house.Show(t.Context(), family(), nil); !errors.Is(err, p.fails) {
		t.Fatalf("Show without a disk: %v", err)
	}
	if _, err := w.house.Snapshot(t.Context(), "a-porch", hap.Picture{AID: 1, Width: 64, Height: 48}); !errors.Is(err, hap.StatusNotFound) {
		t.Errorf("a camera is shown all the same: %v", err)
	}
	p.fails = nil
	w.show(family(), nil)
}

func TestASensorOutlivesTheWatch(t *testing.T) {
	w := newWorld(t, &paper{})
	w.show(family(), nil)
	before := ids(w.servers)["Mia at Home"]
	w.show(without(family(), "a-watch"), nil)
	if ids(w.servers)["Mia at Home"] != before {
		t.Error("a watch that breaks takes the automations with it")
	}
	c := family()
	c.People = c.People[1:]
	w.show(c, nil)
	if ids(w.servers)["Mia at Home"] != "" {
		t.Error("somebody who has gone is still shown")
	}
}

func FuzzWhatAThingSaysCanBePublished(f *testing.F) {
	f.Add("Rocket", "Maker", "Model", "1.2.3", 20)
	f.Add("", "", "", "", 0)
	f.Add("🚀\x00\xff", "\u202e", "  x  ", "v00001.9999999999999.-3", -1)
	f.Add(strings.Repeat("(a) ", 99), strings.Repeat("ä", 65), "a\nb", strings.Repeat("9", 1000), 1<<40)
	f.Add("é́́", "́", "́́", "0.0", 101)
	f.Fuzz(func(t *testing.T, name, maker, model, firmware string, steps int) {
		c := family()
		c.People[0].Name, c.Zones[0].Name, c.Accessories[3].Name = name, name, name
		w := newWorld(t, &paper{})
		w.show(c, map[string]homekit.Offer{"a-rocket": {Maker: maker, Model: model, Firmware: firmware, Steps: steps, Traits: []string{"battery"}}})
		server, err := hap.New(t.Context(), hap.Options{Name: "Ingle", Model: "Hub", Memory: &hap.Fleeting{}})
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Publish(t.Context(), w.servers[0].Accessories...); err != nil {
			t.Error(err)
		}
	})
}
