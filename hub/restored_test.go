package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/homekit"
	"github.com/ingle-home/ingle/hub/privacy/receipt"
	"github.com/ingle-home/ingle/hub/privacy/wipe"
	"github.com/ingle-home/ingle/storage/backup"
)

// reopened is a hub on the folder of one that was closed.
func reopened(t *testing.T, s settings) *house {
	t.Helper()
	d := must[*daemon](t)(newDaemon(s, "https://127.0.0.1:0"))
	if err := d.Unlock(t.Context(), wire.UnlockRequest{Password: password}); err != nil {
		t.Fatal(explain(err))
	}
	return d.inside()
}

func (h *house) number(t *testing.T) int {
	t.Helper()
	state := must[hap.State](t)(archive.Document[hap.State]{Store: h.store, Name: homekitServers + homekit.MainServer}.Load(t.Context()))
	return int(state.ConfigNumber)
}

func mustClose(t *testing.T, h *house) {
	t.Helper()
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
}

// After a restore, and after its undoing, phones must not know a later c# than the hub announces, or
// they keep the accessories that they saw last.
func TestTheConfigurationNumberIsRaisedAfterARestore(t *testing.T) {
	h := opened(t)
	s, ctx := h.settings, t.Context()
	path := filepath.Join(t.TempDir(), "home.ingle-backup")
	must[wire.Backup](t)(h.Backup(ctx, wire.BackupRequest{Path: path}))
	early := h.number(t)
	must[wire.Person](t)(h.AddPerson(ctx, wire.Person{Name: "Mia", Role: "member"}))
	mustClose(t, h)

	b := must[*backup.Backup](t)(backup.Open(path, s.dir, password))
	if err := b.Restore(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	h = reopened(t, s)
	if got := h.number(t); got != early+restoredBy {
		t.Errorf("restored, c# went from %d to %d", early, got)
	}
	mustClose(t, h)
	h = reopened(t, s)
	if got := h.number(t); got != early+restoredBy {
		t.Errorf("at the second start it is %d", got)
	}
	mustClose(t, h)
	if err := backup.Undo(s.dir); err != nil {
		t.Fatal(err)
	}
	for n := range 2 {
		h = reopened(t, s)
		if got := h.number(t); got != early+undoneBy {
			t.Errorf("undone, at start %d, c# went from %d to %d", n, early, got)
		}
		if people := must[[]wire.Person](t)(h.People(ctx)); len(people) != 1 {
			t.Errorf("undone there are %v", people)
		}
		if n == 0 {
			mustClose(t, h)
		}
	}

	// What was restored is aside now, goes after some days, and when somebody is forgotten.
	store := tended{h.store, s.dir}
	must[int](t)(store.Sweep(context.Background(), time.Now())) // as upkeep does, by a clock that it believes
	aside := backup.AsideIn(s.dir)
	if aside == nil || aside.Since.IsZero() {
		t.Fatalf("aside there is %+v", aside)
	}
	for _, c := range []struct {
		at   time.Time
		left bool
	}{{aside.Until().Add(-time.Hour), true}, {aside.Until(), false}} {
		must[int](t)(store.Sweep(context.Background(), c.at))
		if left := backup.AsideIn(s.dir) != nil; left != c.left {
			t.Errorf("at %v it is aside: %t", c.at, left)
		}
	}
	mustClose(t, h)
}

// Where the power goes while devices are reset, the receipt does not pass over what nobody knows by then.
func TestAWipeThatIsCutShortSaysWhatNobodyKnows(t *testing.T) {
	h := opened(t)
	n := h.note()
	n.Receipt.Places = append(n.Receipt.Places, unreached("privacy.why.cut")...)
	var cut []byte
	_, err := h.daemon.wipeAll(t.Context(), n, func(context.Context, *receipt.Receipt) {
		cut = must[[]byte](t)(os.ReadFile(filepath.Join(h.settings.dir, "forgetting.json")))
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "forgetting.json"), cut, 0o600), wipe.Finish(t.Context(), dir, wipe.Watch{})); err != nil {
		t.Fatal(err)
	}
	v := must[receipt.Verified](t)(receipt.Verify(must[[][]byte](t)(wipe.Receipts(dir))[0]))
	for _, holder := range []string{"devices", "backups"} {
		if !slices.ContainsFunc(v.Places, func(p receipt.Place) bool { return p.Holder == holder && p.Outcome == receipt.Impossible }) {
			t.Errorf("nothing is said of %s: %+v", holder, v.Places)
		}
	}
}

// Whom the household forgets is in what a restore replaced, too.
func TestWhatARestoreReplacedGoesWithTheForgotten(t *testing.T) {
	h := opened(t)
	aside := filepath.Join(h.settings.dir, "restore.old")
	if err := os.CopyFS(aside, os.DirFS(t.TempDir())); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(aside, "core-1.db"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := h.store.Forget(t.Context(), "person/p-1"); err != nil {
		t.Fatal(err)
	}
	if err := h.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if backup.AsideIn(h.settings.dir) != nil {
		t.Error("it stays")
	}
	mustClose(t, h)
}
