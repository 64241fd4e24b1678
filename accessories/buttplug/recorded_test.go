package buttplug

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func recorded(t *testing.T, name string, into any) {
	t.Helper()
	dir := os.Getenv("INGLE_VECTORS")
	if dir == "" {
		t.Skip("INGLE_VECTORS does not name the folder of test vectors")
	}
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Skipf("no test vectors: %v", err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}

// TestARecordedServer3 lets a recorded real server tell of its toys.
func TestARecordedServer3(t *testing.T) {
	var file struct {
		Sessions []struct {
			Toy    string
			Events [][]string
		}
	}
	recorded(t, "buttplug_v3_wasm_sessions.json", &file)
	if len(file.Sessions) == 0 {
		t.Fatal("no sessions")
	}
	for _, s := range file.Sessions {
		r := newRoster()
		hello := false
		for _, e := range s.Events {
			if e[0] != "S->C" {
				continue
			}
			list, err := decode([]byte(e[1]))
			if err != nil {
				t.Fatalf("%s: %v", e[1], err)
			}
			for _, m := range list {
				if info, err := as[serverInfo](m); m.name == "ServerInfo" {
					hello = err == nil && info.version() == 3 && info.MaxPingTime == 0
				}
				r.hear(m, 3)
			}
		}
		toys := r.moving()
		if !hello || len(toys) != 1 {
			t.Fatalf("%s: hello %v, toys %+v", s.Toy, hello, toys)
		}
		toy := toys[0]
		charge, ok := r.battery(toy)
		if toy.steps() != 20 || toy.sensor == nil || !ok || charge != 85 || !r.rest() {
			t.Fatalf("%s: %+v, battery %d %v", s.Toy, toy, charge, ok)
		}
	}
}

// TestARecordedClient4 compares our frames with those of the protocol's own client.
func TestARecordedClient4(t *testing.T) {
	var file struct {
		Frames []struct {
			Dir   string
			Frame json.RawMessage
		}
	}
	recorded(t, "buttplug_v4_js_client_session.json", &file)
	r := newRoster()
	theirs := map[string]json.RawMessage{}
	for _, f := range file.Frames {
		list, err := decode(f.Frame)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			r.hear(m, 4)
			if f.Dir == "C>S" {
				theirs[m.name] = m.body
			}
		}
	}
	toys := r.moving()
	if len(toys) != 1 || toys[0].steps() != 20 || toys[0].gap.Milliseconds() != 100 || toys[0].sensor == nil {
		t.Fatalf("heard %+v", toys)
	}
	ours := toys[0].drive(4, 50)[0].(*outputCmd)
	ours.number(4)
	var want outputCmd
	if err := json.Unmarshal(theirs["OutputCmd"], &want); err != nil {
		t.Fatal(err)
	}
	if ours.ID != want.ID || ours.DeviceIndex != want.DeviceIndex || ours.FeatureIndex != want.FeatureIndex ||
		ours.Command[typeVibrate] != want.Command[typeVibrate] {
		t.Fatalf("ours %+v, theirs %+v", ours, want)
	}
}
