package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/hap"
)

// Apple's types of what a household decides about a camera, and of its bell.
const (
	mode, cameraActive            = "21A", "21B"
	eventStills, manuallyDisabled = "223", "227"
	doorbell, pressed             = "121", "73"
)

// TestACameraObeysTheHousehold has the porch move, ring, go dark and see again, with go2rtc's client for
// what is told and npm's hap-controller for what is read and written.
func TestACameraObeysTheHousehold(t *testing.T) {
	peers := startPeers(t)
	d := startDemo(t, t.TempDir())
	server := d.server(t, "camera")
	p := peers.phone(t, server, nil)
	who := p.pair(t, 0)
	var shown struct {
		Accessories []*hap.Accessory `json:"accessories"`
	}
	p.must(t, &shown, "getAccessories")
	shorten(shown.Accessories)
	at := func(service, characteristic string) place {
		return find(t, shown.Accessories, "Porch", service, characteristic)
	}
	moves, rings := at(motionSensor, motion), at(doorbell, pressed)
	p.must(t, nil, "subscribeCharacteristics", []string{id(moves), id(rings), id(at(mode, cameraActive)), id(at(mode, manuallyDisabled))})
	told := func(what place, value float64) func() bool {
		return func() bool {
			return slices.ContainsFunc(p.events(t), func(e event) bool {
				return e.AID == what.aid && e.IID == what.iid && (e.Value == value || e.Value == (value == 1))
			})
		}
	}
	d.simulate(t, "porch/motion-on")
	t.Logf("motion came after %v", until(t, 10*time.Second, "motion", told(moves, 1)))
	d.simulate(t, "porch/doorbell")
	t.Logf("the bell came after %v", until(t, 10*time.Second, "the bell", told(rings, 0)))
	<-time.After(time.Second) // for a second one
	n := 0
	for _, e := range p.events(t) {
		if e.IID == rings.iid {
			n++
		}
	}
	if n != 1 {
		t.Errorf("one press gave %d events", n)
	}

	if got := still(t, p); got != http.StatusOK {
		t.Errorf("a still: %d", got)
	}
	p.must(t, nil, "setCharacteristics", map[string]int{id(at(mode, eventStills)): 0})
	p.must(t, nil, "setCharacteristics", map[string]int{id(at(mode, cameraActive)): 0})
	if got := still(t, p); got != http.StatusMultiStatus {
		t.Errorf("a still of a camera that is off: %d", got)
	}
	if list := d.run(t, "", "list"); !strings.Contains(list, "active false") {
		t.Errorf("the hub lists\n%s", list)
	}
	d.run(t, "", "do", "Porch", "active", "on")
	until(t, 10*time.Second, "the camera is on again", told(at(mode, cameraActive), 1))
	d.run(t, "", "do", "Privacy", "privacy", "on")
	until(t, 10*time.Second, "Privacy is told", told(at(mode, manuallyDisabled), 1))
	var r results
	p.must(t, &r, "setCharacteristics", map[string]int{id(at(mode, cameraActive)): 1}) // the answer is 207
	if !slices.Equal(r.statuses(), []int{-70412}) {
		t.Errorf("on, while Privacy is: %+v", r)
	}
	p.must(t, nil, "removePairing", map[string]string{"hex": who.ID})
}

// still asks for a picture and gives the status.
func still(t *testing.T, p *phone) int {
	t.Helper()
	r := p.try(t, "getImage", 320, 240, 1)
	if r.Error != "" {
		return r.Status
	}
	return http.StatusOK
}
