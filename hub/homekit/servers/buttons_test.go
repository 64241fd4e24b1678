package servers_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/homekit"
)

// buttons are the numbers of an accessory's buttons by their index, and what its label links.
func (a shown) buttons() (presses map[int]uint64, services, linked []uint64) {
	presses = map[int]uint64{}
	for _, s := range a.Services {
		if s.Type == "CC" {
			linked = s.Linked
		}
		if s.Type != "89" {
			continue
		}
		services = append(services, s.IID)
		index, press := 0, uint64(0)
		for _, c := range s.Characteristics {
			switch c.Type {
			case "73":
				press = c.IID
			case "CB":
				index = int(c.Value.(float64))
			}
		}
		presses[index] = press
	}
	return presses, services, linked
}

// A single button needs no label; several are numbered, and a label links them.
func TestSeveralButtonsAreNumbered(t *testing.T) {
	d := &disk{files: map[string][]byte{}}
	w := start(t, d)
	c, offers := family()
	w.show(c, nil) // the watch has not told what it notices
	creds := w.pair(homekit.MainServer)
	p := w.open(homekit.MainServer, creds)
	one := p.accessories()["Mia SOS"]
	presses, _, linked := one.buttons()
	if len(presses) != 1 || presses[0] == 0 || one.value("CC", "CD") != nil || linked != nil {
		t.Errorf("one button is %+v", one)
	}

	w.show(c, offers)
	two := p.accessories()["Mia SOS"]
	numbered, services, linked := two.buttons()
	if len(numbered) != 2 || numbered[1] != presses[0] || numbered[2] == 0 || two.value("CC", "CD") != 1.0 || !slices.Equal(linked, services) {
		t.Errorf("two buttons are %+v", two)
	}
	sos, fall := fmt.Sprintf("%d.%d", two.AID, numbered[1]), fmt.Sprintf("%d.%d", two.AID, numbered[2])
	p.put(sos, `"ev":true`, 204)
	p.put(fall, `"ev":true`, 204)
	w.says("a-watch", trait.Fall.Of(true, time.Now()))
	p.hearsOnly(fall, sos)
	w.says("a-watch", trait.SOS.Of(true, time.Now()))
	p.hearsOnly(sos, fall)
	w.end()

	w = start(t, d)
	c.Accessories = c.Accessories[:1] // the watch is gone, its automations are not
	w.show(c, nil)
	after, _, _ := w.open(homekit.MainServer, creds).accessories()["Mia SOS"].buttons()
	if !maps.Equal(after, numbered) {
		t.Errorf("without the watch the buttons are %v, were %v", after, numbered)
	}
}
