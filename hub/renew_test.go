package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
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

// Where the store cannot be sealed anew people hear that the old password still has a use, until it is done.
func TestARenewalThatFailsIsTold(t *testing.T) {
	h, ctx := opened(t), keys.From(t.Context(), keys.Console)
	if err := h.ChangePassword(ctx, wire.PasswordRequest{Password: password, New: "seven lanterns over a loud harbour"}); err != nil {
		t.Fatal(explain(err))
	}
	twin := filepath.Join(h.settings.dir, "keys.twin.json")
	if err := errors.Join(os.Remove(twin), os.Mkdir(twin, 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := h.renewStale(ctx); err == nil || !raised(h, codeOldSecret) || raised(h, codeTraces) {
		t.Errorf("with a folder in the way: %v, %+v", err, h.health.All())
	}
	if err := h.store.Forget(ctx, "accessory/a-1"); err != nil {
		t.Fatal(err)
	}
	if err := h.renewStale(ctx); err == nil || !raised(h, codeOldSecret) || !raised(h, codeTraces) {
		t.Errorf("and somebody forgotten: %v, %+v", err, h.health.All())
	}
	if err := os.Remove(twin); err != nil {
		t.Fatal(err)
	}
	if err := h.renewStale(ctx); err != nil || raised(h, codeOldSecret) || raised(h, codeTraces) {
		t.Errorf("once it can: %v, %+v", err, h.health.All())
	}
	h.daemon.close()
}

// With an old keys.json beside the newer twin the old password is said to be old, and the newer one opens.
func TestAnOldPasswordIsSaidToBeOld(t *testing.T) {
	first, ctx := opened(t), keys.From(t.Context(), keys.Console)
	const fresh = "seven lanterns over a loud harbour"
	dir, old := first.settings.dir, t.TempDir()
	first.daemon.close()
	if err := os.CopyFS(old, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	first = reopened(t, first.settings)
	if err := first.ChangePassword(ctx, wire.PasswordRequest{Password: password, New: fresh}); err != nil {
		t.Fatal(explain(err))
	}
	if err := first.renewStale(ctx); err != nil {
		t.Fatal(err)
	}
	first.daemon.close()
	d := must[*daemon](t)(newDaemon(first.settings, "https://127.0.0.1:0"))
	for _, name := range []string{"keys.json", "core-1.db", "telemetry-1.db"} { // with its store the old one must not win either
		if err := os.WriteFile(filepath.Join(dir, name), must[[]byte](t)(os.ReadFile(filepath.Join(old, name))), 0o600); err != nil {
			t.Fatal(err)
		}
		if name == "core-1.db" { // alone it is half of a store
			continue
		}
		if err := d.Unlock(ctx, wire.UnlockRequest{Password: password}); wire.Code(err) != "hub.older-keys" {
			t.Errorf("with the old password and %s: %v", name, err)
		}
	}
	if err := d.Unlock(ctx, wire.UnlockRequest{Password: fresh}); err != nil {
		t.Errorf("with the newer one: %v", explain(err))
	}
	d.close()
}

// A core without its log and without readings looks like one that was never used; a hub that was set up
// knows better than to begin an empty home there.
func TestAHubThatWasSetUpBeginsNoSecondHome(t *testing.T) {
	first := opened(t)
	dir := first.settings.dir
	core := filepath.Join(dir, "core-1.db")
	early := filepath.Join(t.TempDir(), "core-1.db")
	// By another process: whoever closes the file here drops SQLite's locks on it.
	if said, err := exec.CommandContext(t.Context(), "cp", core, early).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	first.daemon.close()
	raw := must[[]byte](t)(os.ReadFile(early))
	if len(raw) != pageSize {
		t.Fatalf("the control: a core of %d bytes before its log is emptied", len(raw))
	}
	if err := errors.Join(os.WriteFile(core, raw, 0o600), os.Remove(filepath.Join(dir, "telemetry-1.db"))); err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(core + "-wal") // gone already, if it was closed well
	d := must[*daemon](t)(newDaemon(first.settings, "https://127.0.0.1:0"))
	if err := d.Unlock(t.Context(), wire.UnlockRequest{Password: password}); wire.Code(err) != "hub.damaged-file" {
		t.Errorf("it opens: %v", err)
	}
	d.close()
	if now := must[[]byte](t)(os.ReadFile(core)); !bytes.Equal(now, raw) {
		t.Error("the core was changed")
	}
}
