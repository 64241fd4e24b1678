package pairing_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/pairing"
)

// sealed is a store in memory that can be full.
type sealed struct {
	kept  *pairing.State
	full  bool
	saves int
}

var errFull = errors.New("full")

func (s *sealed) Load(context.Context) (pairing.State, error) {
	if s.kept == nil {
		return pairing.State{}, archive.ErrNone
	}
	return *s.kept, nil
}

func (s *sealed) Save(_ context.Context, st pairing.State) error {
	if s.full {
		return errFull
	}
	s.saves++
	s.kept = &st
	return nil
}

func open(t *testing.T, dir string, now func() time.Time, s *sealed) *pairing.Book {
	t.Helper()
	b, err := pairing.New(pairing.Options{Dir: dir, API: func() string { return "https://127.0.0.1:1" }, Now: now,
		Claimed: func() bool { return true }, Log: slog.New(slog.DiscardHandler)})
	if err == nil && s != nil {
		err = b.Open(t.Context(), s, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func pin(sign string) string { return strings.Repeat(sign, 64) }

func TestAppsAreKept(t *testing.T) {
	dir, s, clock := t.TempDir(), &sealed{}, time.Now()
	b := open(t, dir, func() time.Time { return clock }, s)
	var dropped []string
	b.OnDrop(func(app string) { dropped = append(dropped, app) })
	for _, sign := range []string{"a", "b", "a"} {
		if _, err := b.PairHere(t.Context(), wire.PairRequest{Name: sign, Pin: pin(sign)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []wire.PairRequest{{Pin: "short"}, {Pin: strings.Repeat("g", 64)}, {Pin: pin("c"), Name: "\u202eturned"}} {
		if _, err := b.PairHere(t.Context(), r); wire.Code(err) != wire.CodeInvalid {
			t.Errorf("%+v: %v", r, err)
		}
	}
	id := pin("a")[:16]
	if changed, err := b.RenameApp(t.Context(), id, "Kitchen"); err != nil || changed.Name != "Kitchen" {
		t.Errorf("renamed to %+v, %v", changed, err)
	}
	if _, err := b.RenameApp(t.Context(), "nobody", "x"); wire.Code(err) != wire.CodeUnknown {
		t.Errorf("nobody has a name: %v", err)
	}
	saves := s.saves
	b.Seen(t.Context(), id) // the first time is kept, then once an hour
	b.Seen(t.Context(), id)
	clock = clock.Add(2 * time.Minute)
	b.Seen(t.Context(), id)
	if s.saves != saves+1 {
		t.Errorf("%d writes for three calls", s.saves-saves)
	}
	clock = clock.Add(time.Hour)
	b.Seen(t.Context(), id)
	list, err := b.Apps(t.Context(), id)
	if err != nil || len(list) != 2 || s.saves != saves+2 || !list[1].This || !list[1].Seen.Equal(clock) {
		t.Errorf("apps %+v, %v, %d writes", list, err, s.saves-saves)
	}
	b.DropOthers(id)
	if !slices.Equal(dropped, []string{pin("b")[:16]}) {
		t.Errorf("dropped %v", dropped)
	}
	again := open(t, dir, time.Now, s)
	if list, err := again.Apps(t.Context(), ""); err != nil || len(list) != 2 || list[1].Name != "Kitchen" {
		t.Errorf("after a restart %+v, %v", list, err)
	}
}

// On a full disk nobody new gets in, and whoever is revoked is out all the same.
func TestAFullDisk(t *testing.T) {
	s := &sealed{}
	b := open(t, t.TempDir(), time.Now, s)
	if _, err := b.PairHere(t.Context(), wire.PairRequest{Pin: pin("a")}); err != nil {
		t.Fatal(err)
	}
	s.full = true
	if _, err := b.PairHere(t.Context(), wire.PairRequest{Pin: pin("b")}); !errors.Is(err, errFull) {
		t.Errorf("paired: %v", err)
	}
	if _, err := b.RenameApp(t.Context(), pin("a")[:16], "new"); !errors.Is(err, errFull) {
		t.Errorf("renamed: %v", err)
	}
	if list, _ := b.Apps(t.Context(), ""); len(list) != 1 || list[0].Name != "" {
		t.Errorf("apps %+v", list)
	}
	if err := b.RevokeApp(t.Context(), pin("a")[:16]); !errors.Is(err, errFull) {
		t.Errorf("revoked: %v", err)
	}
	if list, _ := b.Apps(t.Context(), ""); len(list) != 0 {
		t.Errorf("a revoked app stays: %+v", list)
	}
}

func TestThereIsAnEndToApps(t *testing.T) {
	b := open(t, t.TempDir(), time.Now, &sealed{})
	for i := range 65 {
		_, err := b.PairHere(t.Context(), wire.PairRequest{Pin: strings.Repeat(fmt.Sprintf("%02x", i), 32)})
		if i < 64 && err != nil || i == 64 && wire.Code(err) != "apps.too-many" {
			t.Fatalf("app %d: %v", i+1, err)
		}
	}
}

// What stands in the clear while the hub is locked: no name, and nothing that would open the store.
func TestTheDoorNamesNobody(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, time.Now, &sealed{})
	if _, err := b.PairHere(t.Context(), wire.PairRequest{Name: "Noor's phone", Platform: "android", Pin: pin("a")}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "door.json")
	raw, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(raw), "Noor") || strings.Contains(string(raw), "android") || !strings.Contains(string(raw), pin("a")) {
		t.Errorf("%s, %v", raw, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read it: %v, %v", info.Mode(), err)
	}
}
