package main

import (
	"testing"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// What was forgotten makes the store due for a new key, and the hub gives it one in use.
func TestTheStoreIsSealedAnewAfterForgetting(t *testing.T) {
	h, ctx := opened(t), t.Context()
	must[wire.Person](t)(h.AddPerson(ctx, wire.Person{Name: "Mia", Role: "member"}))
	if stale := must[bool](t)(h.store.Stale(ctx)); stale {
		t.Error("a new store is stale")
	}
	if err := h.store.Forget(ctx, "accessory/a-1"); err != nil {
		t.Fatal(err)
	}
	if stale := must[bool](t)(h.store.Stale(ctx)); !stale {
		t.Fatal("nobody noticed that something was forgotten")
	}
	if err := h.Renew(ctx); err != nil {
		t.Fatal(err)
	}
	if stale := must[bool](t)(h.store.Stale(ctx)); stale {
		t.Error("it is still stale")
	}
	if people := must[[]wire.Person](t)(h.People(ctx)); len(people) != 1 {
		t.Errorf("people: %v", people)
	}
	must[wire.Person](t)(h.AddPerson(ctx, wire.Person{Name: "Noor", Role: "guardian"}))
	if err := h.close(); err != nil {
		t.Error(err)
	}
}
