package e2e

import (
	"encoding/json"
	"testing"
	"time"
)

// TestTheLedgerTellsOfAViewer has go2rtc, an independent controller, see the porch, and asks the hub's own
// command who looked.
func TestTheLedgerTellsOfAViewer(t *testing.T) {
	t.Parallel()
	d := startDemo(t, t.TempDir())
	v := watch(t, pair(t, d.server(t, "camera")))
	v.begins(t)
	type look struct {
		Act, Via, Thing, App string
		End                  *time.Time
	}
	until(t, 10*time.Second, "the ledger tells of a viewer", func() bool {
		var list []look
		if err := json.Unmarshal([]byte(d.run(t, "", "ledger", "--device", "Porch", "--json")), &list); err != nil {
			t.Fatal(err)
		}
		for _, l := range list {
			if l.Act == "live" && l.Via == "homekit" && l.Thing == "Porch" && l.App != "" {
				return l.End == nil // it still looks
			}
		}
		return false
	})
	d.run(t, "", "ledger", "verify")
	d.run(t, "", "security", "verify")
	var s struct{ Events []struct{ Kind string } }
	if err := json.Unmarshal([]byte(d.run(t, "", "security", "--json")), &s); err != nil {
		t.Fatal(err)
	}
	for _, e := range s.Events {
		if e.Kind == "new-controller" {
			return
		}
	}
	t.Errorf("nobody was told of a new controller: %+v", s.Events)
}
