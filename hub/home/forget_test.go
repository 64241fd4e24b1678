package home_test

import (
	"slices"
	"testing"

	"github.com/ingle-home/ingle/hub/home"
)

func TestWhatNamesSomebody(t *testing.T) {
	mia := home.Person{ID: "p-1", Name: "Mia"}
	for text, want := range map[string]bool{
		"Mia": true, "mia's watch": true, "Mia’s room": true, "Mias Uhr": true, "The room of MIA": true, "": false,
		"Miami": false, "Jeremia": false, "Jeremia and Mia": true, "Watch": false, "Miaow": false,
	} {
		if got := mia.Names(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	c := home.Contents{
		Zones: []home.Zone{{ID: "z-1", Name: "Mia's School"}, {ID: "z-2", Name: "Home"}},
		Accessories: []home.Accessory{{ID: "a-1", Name: "Watch", Person: "p-1", Room: "Mia's"}, {ID: "a-2", Name: "Lamp", Room: "Mia's room"},
			{ID: "a-3", Name: "Porch", Room: "Entrance"}},
	}
	zones, things := c.Naming(mia)
	if !slices.Equal(zones, []string{"z-1"}) || !slices.Equal(things, []string{"a-2"}) {
		t.Errorf("zones %v, things %v", zones, things)
	}
}

func TestForgettingSomebody(t *testing.T) {
	h, _ := open(t)
	ctx := t.Context()
	mia, err := h.AddPerson(ctx, "Mia", home.Member)
	if err != nil {
		t.Fatal(err)
	}
	lamp, err := h.AddAccessory(ctx, home.Accessory{Name: "Mia's lamp", Kind: "toy", Room: "Mia's room", Person: mia.ID}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // it may be done again
		if err := h.Disown(ctx, lamp.ID); err != nil {
			t.Fatal(err)
		}
		if err := h.ForgetPerson(ctx, mia.ID); err != nil {
			t.Fatal(err)
		}
	}
	has := h.Contents()
	if a := has.Accessories[0]; len(has.People) != 0 || a.Person != "" || a.Room != "" || mia.Names(a.Name) || a.ID != lamp.ID {
		t.Errorf("left %+v", has)
	}
}

// Somebody's thing in a room that is called after somebody else stays theirs: its readings lie under their key.
func TestAThingThatBearsAnothersNameStaysWhoseItIs(t *testing.T) {
	h, _ := open(t)
	ctx := t.Context()
	noor, err := h.AddPerson(ctx, "Noor", home.Member)
	if err != nil {
		t.Fatal(err)
	}
	watch, err := h.AddAccessory(ctx, home.Accessory{Name: "Mia's old watch", Kind: "watch", Room: "Mia's room", Person: noor.ID}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // it may be done again
		if err := h.Unname(ctx, watch.ID); err != nil {
			t.Fatal(err)
		}
	}
	mia := home.Person{Name: "Mia"}
	if a := h.Contents().Accessories[0]; a.Person != noor.ID || mia.Names(a.Name) || mia.Names(a.Room) {
		t.Errorf("left %+v", a)
	}
}
