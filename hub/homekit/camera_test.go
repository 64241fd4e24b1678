package homekit_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/homekit"
)

func TestSnapshotsFindTheirCamera(t *testing.T) { synctest.Test(t, snapshots) }

func snapshots(t *testing.T) {
	c := family()
	c.Accessories = append(c.Accessories, home.Accessory{ID: "a-bad", Name: "Bad", Kind: "camera", Address: "broken"})
	w := newWorld(t, &paper{})
	w.run()
	w.show(c, nil)
	if _, err := w.house.Snapshot(t.Context(), "a-porch", hap.Picture{AID: 1, Width: 64, Height: 48}); !errors.Is(err, hap.StatusUnreachable) {
		t.Errorf("a camera that never answered: %v", err)
	}
	for _, id := range []string{"a-porch", "a-garden"} {
		w.says(id, trait.Reachable.Of(true, now()))
	}
	for _, ask := range []struct {
		server string
		aid    uint64
		want   string
	}{{"a-porch", 1, "a-porch 64x48"}, {"a-porch", 0, "a-porch 64x48"}, {homekit.MainServer, w.named("Garden").AID, "a-garden 64x48"}, {homekit.MainServer, 0, "a-garden 64x48"}} {
		got, err := w.house.Snapshot(t.Context(), ask.server, hap.Picture{AID: ask.aid, Width: 64, Height: 48})
		if err != nil || string(got) != ask.want {
			t.Errorf("snapshot of %s %d: %s, %v", ask.server, ask.aid, got, err)
		}
	}
	if _, err := w.house.Snapshot(t.Context(), homekit.MainServer, hap.Picture{AID: w.named("Rocket").AID, Width: 64, Height: 48}); !errors.Is(err, hap.StatusNotFound) {
		t.Errorf("snapshot of a toy: %v", err)
	}
	if bad := w.named("Bad"); bad.Service("110") != nil || bad.AID == 0 {
		t.Errorf("a camera without pictures is %v", bad)
	}
	c.Accessories[len(c.Accessories)-1].Address = "mended"
	w.show(c, nil)
	if w.named("Bad").Service("110") == nil {
		t.Error("a camera that was mended has no pictures")
	}
}

func TestALoudspeakerMakesAnotherCamera(t *testing.T) {
	w := newWorld(t, &paper{})
	w.show(family(), nil)
	w.show(family(), map[string]homekit.Offer{"a-porch": {Speaks: true}})
	w.show(family(), nil) // it is away, and still has one
	if want := []string{"made a-porch", "made a-garden", "closed a-porch", "made a-porch"}; !slices.Equal(w.fitted, want) {
		t.Errorf("fitted %v, want %v", w.fitted, want)
	}
}

func TestACameraThatMovesOutComesBackAsItWas(t *testing.T) {
	w := newWorld(t, &paper{})
	w.show(family(), nil)
	before := ids(w.servers)["Garden"]
	c := family()
	c.Accessories[1].Alone = true
	w.show(c, nil)
	if a := w.named("Garden"); a.AID != 1 || a.Service("A2") == nil || len(w.servers) != 3 {
		t.Errorf("alone it is %v", ids(w.servers)["Garden"])
	}
	w.show(family(), nil)
	if after := ids(w.servers)["Garden"]; after != before {
		t.Errorf("it was %s and is %s", before, after)
	}
}

func TestACameraIsMadeAnewWhenItsPicturesAre(t *testing.T) {
	w := newWorld(t, &paper{})
	c := family()
	w.show(c, nil)
	first, numbers := w.named("Garden").Service("110"), ids(w.servers)
	w.fitted = nil
	for _, change := range []struct {
		what string
		make func()
		want string
	}{
		{"nothing", func() {}, ""},
		{"its name", func() { c.Accessories[1].Name = "Yard" }, ""},
		{"its name again", func() { c.Accessories[1].Name = "Garden" }, ""},
		{"its address", func() { c.Accessories[1].Address = "there" }, "closed a-garden, made a-garden"},
		{"its source", func() { w.house.Renew("a-garden") }, "closed a-garden, made a-garden"},
		{"another's source", func() { w.house.Renew("a-nobody") }, ""},
	} {
		c.Accessories = slices.Clone(c.Accessories)
		change.make()
		w.show(c, nil)
		if got := strings.Join(w.fitted, ", "); got != change.want {
			t.Errorf("after %s changed: %q, want %q", change.what, got, change.want)
		}
		w.fitted = nil
	}
	if w.named("Garden").Service("110") == first || !maps.Equal(ids(w.servers), numbers) {
		t.Error("the new pictures are not shown under the old numbers")
	}
	w.show(without(c, "a-garden"), nil)
	if got := w.fitted; !slices.Equal(got, []string{"closed a-garden"}) {
		t.Errorf("after its removal: %s", got)
	}
}

// TestStillsThatTheHouseholdDoesNotWant are not had by leaving out why.
func TestStillsThatTheHouseholdDoesNotWant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, &paper{})
		w.run()
		w.show(family(), nil)
		w.says("a-porch", trait.Reachable.Of(true, now()))
		gets := func() string {
			text := ""
			for _, why := range []hap.Reason{hap.Periodic, hap.Happened, hap.Unsaid} {
				_, err := w.house.Snapshot(t.Context(), "a-porch", hap.Picture{AID: 1, Width: 64, Height: 48, Reason: why})
				switch {
				case err == nil:
					text += "yes "
				case errors.Is(err, hap.StatusNotAllowed):
					text += "no "
				default:
					t.Errorf("reason %d: %v", why, err)
				}
			}
			return text
		}
		set := func(typ string, v int64) {
			for _, c := range w.named("Porch").Service("21A").Characteristics {
				if string(c.Type) == typ {
					if err := c.Set(hap.Int(v)); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		for _, tc := range []struct {
			usual, events int64
			want          string
		}{{1, 1, "yes yes yes "}, {0, 1, "no yes yes "}, {1, 0, "yes no yes "}, {0, 0, "no no no "}} {
			set("225", tc.usual)
			set("223", tc.events)
			if got := gets(); got != tc.want {
				t.Errorf("usual %d, events %d: %s, want %s", tc.usual, tc.events, got, tc.want)
			}
		}
	})
}
