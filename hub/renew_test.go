package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/keys"
	"github.com/ingle-home/ingle/storage/vault"
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

// A password that was replaced makes the store due for a new key too: with it and an old copy of the keys
// nobody opens what is stored from then on.
func TestTheStoreIsSealedAnewAfterAPasswordChange(t *testing.T) {
	h, ctx := opened(t), keys.From(t.Context(), keys.Console)
	old := t.TempDir()
	for _, name := range []string{"keys.json", "keys.twin.json"} {
		raw := must[[]byte](t)(os.ReadFile(filepath.Join(h.settings.dir, name)))
		if err := os.WriteFile(filepath.Join(old, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const fresh = "seven lanterns over a loud harbour"
	for range 2 { // once there is nothing to do
		if err := h.renewStale(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.ChangePassword(ctx, wire.PasswordRequest{Password: password, New: fresh}); err != nil {
		t.Fatal(err)
	}
	if stale := must[bool](t)(h.Stale()); !stale {
		t.Fatal("nobody noticed that the password was replaced")
	}
	if err := h.renewStale(ctx); err != nil {
		t.Fatal(err)
	}
	if stale := must[bool](t)(h.Stale()); stale {
		t.Error("it is still stale")
	}
	past := must[*vault.Vault](t)(vault.Open(old, password))
	now := must[*vault.Vault](t)(vault.Open(h.settings.dir, fresh))
	if bytes.Equal(past.Key("x"), now.Key("x")) {
		t.Error("the old copy opens what is stored now")
	}
	h.daemon.close()
}
