package home_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/home"
)

var errDisk = errors.New("no room")

// shelf is a store in memory that can be made to fail.
type shelf struct {
	fails   error
	has     home.Contents
	secrets map[string]map[string]string
}

func (s *shelf) Load(context.Context) (home.Contents, error) { return s.has, s.fails }

func (s *shelf) SavePerson(_ context.Context, p home.Person) error {
	s.has.People = append(s.has.People, p)
	return s.fails
}

func (s *shelf) SaveZone(_ context.Context, z home.Zone) error {
	s.has.Zones = append(s.has.Zones, z)
	return s.fails
}

func (s *shelf) SaveAccessory(_ context.Context, a home.Accessory, secrets map[string]string) error {
	if s.fails == nil && secrets != nil {
		s.secrets[a.ID] = secrets
	}
	return s.fails
}

func (s *shelf) DropPerson(context.Context, string) error { return s.fails }

func (s *shelf) DropZone(context.Context, string) error { return s.fails }

func (s *shelf) DropAccessory(context.Context, string) error { return s.fails }

func (s *shelf) Secrets(_ context.Context, id string) (map[string]string, error) {
	return s.secrets[id], s.fails
}

func open(t *testing.T) (*home.Home, *shelf) {
	t.Helper()
	s := &shelf{secrets: map[string]map[string]string{}}
	h, err := home.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return h, s
}

func TestNames(t *testing.T) {
	for given, want := range map[string]string{
		"Robin": "Robin", "  Robin  Ann ": "Robin Ann", "Zoë": "Zoë", "李雷": "李雷", "Jo": "Jo", "O’Hara": "O’Hara",
		"R2": "R2", strings.Repeat("é", 64): strings.Repeat("é", 64), "Zoe\u0308 B": "Zoe\u0308 B",
		"": "", " ": "", "J": "", strings.Repeat("x", 65): "", "!Robin": "", "Robin.": "", "Ro\x00bin": "", "Ro\nbin": "Ro bin",
		"Robin🚀Ann": "", "<b>Robin</b>": "", "Ro\xffbin": "", "Robin\u202eAnn": "",
	} {
		h, _ := open(t)
		p, err := h.AddPerson(t.Context(), given, home.Member)
		if p.Name != want || (want == "") != errors.Is(err, home.ErrName) {
			t.Errorf("%q became %q, %v", given, p.Name, err)
		}
	}
}

func TestNamesAreUnique(t *testing.T) {
	h, _ := open(t)
	robin, err := h.AddPerson(t.Context(), "Robin", home.Guardian)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.AddPerson(t.Context(), "ROBIN", home.Member); !errors.Is(err, home.ErrTaken) {
		t.Errorf("a second Robin: %v", err)
	}
	if _, err := h.AddZone(t.Context(), home.Zone{Name: "robin", Radius: 100}); !errors.Is(err, home.ErrTaken) {
		t.Errorf("a place Robin: %v", err)
	}
	for _, want := range []string{"Robin 2", "Robin 3"} {
		a, err := h.AddAccessory(t.Context(), home.Accessory{Name: "Robin", ID: "chosen"}, nil)
		if err != nil || a.Name != want || a.ID == "chosen" {
			t.Errorf("a thing Robin became %+v, %v", a, err)
		}
	}
	has := h.Contents()
	for _, which := range []string{robin.ID, "rObIn"} {
		if p, err := has.Person(which); err != nil || p != robin {
			t.Errorf("%s is %+v, %v", which, p, err)
		}
	}
	if a, err := has.Accessory("robin 3"); err != nil || a.ID != has.Accessories[1].ID {
		t.Errorf("robin 3 is %+v, %v", a, err)
	}
	if _, err := has.Person("Ada"); !errors.Is(err, home.ErrUnknown) {
		t.Errorf("Ada: %v", err)
	}
	if _, err := has.Accessory("Ada"); !errors.Is(err, home.ErrUnknown) {
		t.Errorf("a thing Ada: %v", err)
	}
}

func TestTheHubsOwnSwitchesKeepTheirNames(t *testing.T) {
	h, _ := open(t)
	for _, own := range []string{"stop everything", home.StopSwitch, "Privacy"} {
		if _, err := h.AddPerson(t.Context(), own, home.Member); !errors.Is(err, home.ErrTaken) {
			t.Errorf("a person %q: %v", own, err)
		}
		a, err := h.AddAccessory(t.Context(), home.Accessory{Name: own}, nil)
		if err != nil || a.Name != own+" 2" {
			t.Errorf("a thing %q became %q, %v", own, a.Name, err)
		}
	}
}

func TestALongNameIsToldApartWithinItsLimit(t *testing.T) {
	h, _ := open(t)
	long := strings.Repeat("x", 64)
	for range 3 {
		a, err := h.AddAccessory(t.Context(), home.Accessory{Name: long}, nil)
		if err != nil || len(a.Name) > 64 {
			t.Errorf("it became %q (%d), %v", a.Name, len(a.Name), err)
		}
	}
}

func TestPlacesOnEarth(t *testing.T) {
	h, _ := open(t)
	nan := math.NaN()
	for i, z := range []home.Zone{
		{Lat: 91, Radius: 100}, {Lat: -91, Radius: 100}, {Lon: 181, Radius: 100}, {Lon: -181, Radius: 100},
		{Lat: nan, Radius: 100}, {Lon: nan, Radius: 100}, {Radius: nan}, {Radius: 19}, {Radius: -1}, {Radius: 50_001}, {},
	} {
		z.Name = "Den"
		if _, err := h.AddZone(t.Context(), z); !errors.Is(err, home.ErrPosition) {
			t.Errorf("place %d: %v", i, err)
		}
	}
	if z, err := h.AddZone(t.Context(), home.Zone{Name: "Den", Lat: -90, Lon: 180, Radius: 20}); err != nil || z.ID == "" {
		t.Errorf("the south pole: %+v, %v", z, err)
	}
}

// TestWhatIsNotStoredIsNotThere: a change is visible only after it was kept.
func TestWhatIsNotStoredIsNotThere(t *testing.T) {
	h, s := open(t)
	ctx := t.Context()
	a, err := h.AddAccessory(ctx, home.Accessory{Name: "Porch", Address: "here"}, map[string]string{"password": "x"})
	if err != nil {
		t.Fatal(err)
	}
	s.fails = errDisk
	_, person := h.AddPerson(ctx, "Robin", home.Owner)
	_, zone := h.AddZone(ctx, home.Zone{Name: "Den", Radius: 50})
	_, thing := h.AddAccessory(ctx, home.Accessory{Name: "Rocket"}, nil)
	_, moved := h.MoveAccessory(ctx, a.ID, "there", nil)
	removed := h.RemoveAccessory(ctx, a.ID)
	for what, err := range map[string]error{"person": person, "zone": zone, "thing": thing, "moved": moved, "removed": removed} {
		if !errors.Is(err, errDisk) {
			t.Errorf("%s: %v", what, err)
		}
	}
	has := h.Contents()
	if len(has.People)+len(has.Zones) > 0 || len(has.Accessories) != 1 || has.Accessories[0].Address != "here" {
		t.Errorf("there is %+v", has)
	}
	s.fails = nil
	if _, err := h.AddPerson(ctx, "Robin", home.Owner); err != nil {
		t.Errorf("the name of what failed is not free: %v", err)
	}
	if _, err := home.Open(ctx, &shelf{fails: errDisk}); !errors.Is(err, errDisk) {
		t.Errorf("a store that does not load: %v", err)
	}
}

func TestThings(t *testing.T) {
	h, s := open(t)
	ctx := t.Context()
	a, err := h.AddAccessory(ctx, home.Accessory{Name: "Porch", Address: "here"}, map[string]string{"password": "x"})
	if err != nil {
		t.Fatal(err)
	}
	moved, err := h.MoveAccessory(ctx, a.ID, "there", nil)
	if err != nil || moved.ID != a.ID || moved.Address != "there" || h.Contents().Accessories[0].Address != "there" {
		t.Errorf("moved: %+v, %v", moved, err)
	}
	if got, err := h.Secrets(ctx, a.ID); err != nil || got["password"] != "x" || s.secrets[a.ID]["password"] != "x" {
		t.Errorf("secrets after a move: %v, %v", got, err)
	}
	if err := h.RemoveAccessory(ctx, a.ID); err != nil || len(h.Contents().Accessories) != 0 {
		t.Errorf("removed: %v", err)
	}
	_, gone := h.MoveAccessory(ctx, a.ID, "x", nil)
	_, nobodys := h.AddAccessory(ctx, home.Accessory{Name: "Band", Person: "p-nobody"}, nil)
	_, king := h.AddPerson(ctx, "Robin", "king")
	for i, err := range []error{gone, h.RemoveAccessory(ctx, a.ID), nobodys, king} {
		if !errors.Is(err, home.ErrUnknown) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	h, _ := open(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := h.AddAccessory(t.Context(), home.Accessory{Name: "Rocket"}, nil); err != nil {
				t.Error(err)
			}
			h.Contents()
		})
	}
	all.Wait()
	names, ids := map[string]bool{}, map[string]bool{}
	for _, a := range h.Contents().Accessories {
		names[a.Name], ids[a.ID] = true, true
	}
	if len(names) != 20 || len(ids) != 20 {
		t.Errorf("%d names and %d IDs of 20", len(names), len(ids))
	}
}

// TestContentsAreACopy: who reads the home cannot change it.
func TestContentsAreACopy(t *testing.T) {
	h, _ := open(t)
	if _, err := h.AddPerson(t.Context(), "Robin", home.Owner); err != nil {
		t.Fatal(err)
	}
	h.Contents().People[0].Name = "Somebody"
	if got := h.Contents().People[0].Name; got != "Robin" {
		t.Errorf("Robin became %s", got)
	}
}

func TestAlarms(t *testing.T) {
	for _, a := range trait.All() {
		want := a == trait.SOS.Any() || a == trait.Fall.Any() || a == trait.Alarm.Any()
		if home.IsAlarm(a) != want {
			t.Errorf("%s is an alarm: %v", a.ID(), !want)
		}
	}
}
