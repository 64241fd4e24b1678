package main

import (
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/announce"
	"github.com/ingle-home/ingle/hub/health"
	"github.com/ingle-home/ingle/i18n"
)

// How the hub is seen on the network is a trouble while it lasts, each kind with a text and a next step.
func TestHowTheHubIsHeardIsForPeopleToSee(t *testing.T) {
	h := &house{health: health.New(time.Now, nil)}
	text := i18n.For("de")
	for _, code := range []string{announce.TroubleSilent, announce.TroubleUnheard, announce.TroubleContested, announce.TroubleConflict} {
		h.heard([]announce.Condition{{Instance: "Ingle 1A2B"}, {Instance: "Porch 3C4D", Trouble: code}})
		all := h.health.All()
		if len(all) != 1 || all[0].Code != code {
			t.Fatalf("with %s the troubles are %+v", code, all)
		}
		for _, key := range []string{all[0].Key(), all[0].NextStep()} {
			if !text.Has(key) {
				t.Errorf("%s has no text", key)
			}
		}
	}
	if h.heard([]announce.Condition{{Instance: "Ingle 1A2B"}}); len(h.health.All()) != 0 {
		t.Errorf("heard again, the troubles are %+v", h.health.All())
	}
}
