package wire_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
)

func home() wire.Snapshot {
	return wire.Snapshot{
		Status: wire.Status{State: wire.Open},
		Accessories: []wire.Accessory{
			{ID: "toy", Name: "Rocket", Kind: "toy", Traits: []wire.Value{{Trait: "speed", Settable: true, Steps: 20}}},
			{ID: "cam", Name: "Porch", Kind: "camera"},
		},
	}
}

func TestAReportKeepsWhatTheOfferSaid(t *testing.T) {
	s := home()
	v := wire.ValueOf(trait.Speed.Of(40, time.Now()))
	s.Apply(wire.Change{Value: &wire.Reported{Accessory: "toy", Value: v}})
	got, _ := s.Accessories[0].Value("speed")
	if n, ok := wire.Read(got, trait.Speed); !ok || n != 40 || !got.Settable || got.Steps != 20 {
		t.Errorf("speed became %+v", got)
	}
	if _, ok := wire.Read(got, trait.Battery); ok {
		t.Error("a speed was read as a battery")
	}
}

func TestChangesCanBeAppliedTwice(t *testing.T) {
	added := wire.Accessory{ID: "watch", Name: "Watch", Kind: "watch"}
	troubles := []wire.Trouble{{Code: "accessory-unreachable", Subject: "cam"}}
	changes := []wire.Change{
		{Accessory: &added},
		{Value: &wire.Reported{Accessory: "watch", Value: wire.ValueOf(trait.Battery.Of(70, time.Now()))}},
		{Condition: &wire.Standing{Accessory: "cam", Condition: wire.Condition{State: "waiting", Code: "accessory-unreachable"}}},
		{Removed: "toy"},
		{Person: &wire.Person{ID: "p1", Name: "Mia"}},
		{Zone: &wire.Zone{ID: "z1", Name: "Home"}},
		{Troubles: &troubles},
		{Status: &wire.Status{State: wire.Open, Version: "2"}},
	}
	once, twice := home(), home()
	for _, c := range changes {
		once.Apply(c)
		twice.Apply(c)
		twice.Apply(c)
	}
	a, _ := json.Marshal(once)
	b, _ := json.Marshal(twice)
	if string(a) != string(b) {
		t.Errorf("once %s\ntwice %s", a, b)
	}
	if len(once.Accessories) != 2 || once.Accessories[0].Condition.State != "waiting" || once.Status.Version != "2" {
		t.Errorf("after the changes: %s", a)
	}
}

func TestACloneStandsAlone(t *testing.T) {
	s := home()
	c := s.Clone()
	s.Apply(wire.Change{Value: &wire.Reported{Accessory: "toy", Value: wire.ValueOf(trait.Speed.Of(9, time.Now()))}})
	if v, _ := c.Accessories[0].Value("speed"); len(v.Value) != 0 {
		t.Errorf("the clone followed: %s", v.Value)
	}
}

func TestAProblemIsFoundInAnError(t *testing.T) {
	err := fmt.Errorf("add: %w", wire.Refuse(423, wire.CodeLocked, "name", "x"))
	if wire.Code(err) != "hub.locked" {
		t.Errorf("code %q", wire.Code(err))
	}
	if wire.Code(fmt.Errorf("other")) != "" {
		t.Error("another error has a code")
	}
}

func TestStrangersLearnWhetherItIsClaimed(t *testing.T) {
	for state, want := range map[wire.State]wire.State{wire.Unclaimed: wire.Unclaimed, wire.Locked: wire.Claimed, wire.Open: wire.Claimed} {
		s := wire.Status{Ready: true, State: state, Version: "1", API: "a", Socket: "s", HomeKit: []wire.HomeKit{{SetupCode: "c"}}, Control: "c", DemoPassword: "p"}
		if got, _ := json.Marshal(s.Public()); string(got) != `{"ready":true,"product":"Ingle","state":"`+string(want)+`"}` {
			t.Errorf("of a hub that is %s strangers learn %s", state, got)
		}
	}
}
