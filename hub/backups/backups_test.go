package backups_test

import (
	"context"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/backups"
	"github.com/ingle-home/ingle/hub/health"
	"github.com/ingle-home/ingle/i18n"
	"github.com/ingle-home/ingle/storage/backup"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vaulttest"
)

// memory is a plan that a restart does not lose.
type memory struct {
	mu   sync.Mutex
	plan backups.Plan
}

func (m *memory) Load(context.Context) (backups.Plan, error) { return m.plan, nil }

func (m *memory) Save(_ context.Context, p backups.Plan) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.plan = p
	return nil
}

func TestMain(m *testing.M) { os.Exit(vaulttest.Main(m.Run)) }

// home is a hub's store with a shelf and a clock of its own.
type home struct {
	*backups.Shelf
	options backups.Options
	faults  *health.List
	folder  string
	now     time.Time
}

func newHome(t *testing.T) *home {
	t.Helper()
	h := &home{folder: t.TempDir(), now: time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC)}
	dir := t.TempDir()
	must(t, vaulttest.Give(dir))
	v, err := vaulttest.Open(dir)
	must(t, err)
	store, err := records.Open(dir, v)
	must(t, err)
	t.Cleanup(func() { store.Close(); v.Close() })
	must(t, store.Put(t.Context(), records.Record{Kind: "zone", ID: "home", Body: []byte("x")}))
	clock := func() time.Time { return h.now }
	h.faults = health.New(clock, nil)
	h.options = backups.Options{Source: backup.Source{Dir: dir, Vault: v, Store: store}, Memory: &memory{}, Faults: h.faults,
		Log: slog.New(slog.DiscardHandler), Now: clock}
	h.again(t)
	return h
}

// again is a restart.
func (h *home) again(t *testing.T) {
	t.Helper()
	var err error
	h.Shelf, err = backups.New(t.Context(), h.options)
	must(t, err)
}

func (h *home) lie(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(h.folder, "ingle-*"))
	must(t, err)
	return found
}

func (h *home) wrong() []string {
	var codes []string
	for _, trouble := range h.faults.All() {
		codes = append(codes, trouble.Code)
	}
	return codes
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A backup a day, one at once, the newest two stay, and what is not a backup of this home
// stays too.
func TestSchedule(t *testing.T) {
	h := newHome(t)
	if h.Look(t.Context()); len(h.lie(t)) != 0 {
		t.Fatal("a backup without a schedule")
	}
	own := hex.EncodeToString(h.options.Source.Vault.ID()[:4])
	stale := filepath.Join(h.folder, ".ingle-"+own+"-20200101T000000Z.ingle-backup.part")
	must(t, os.WriteFile(stale, []byte("x"), 0o600))
	strange := []string{"ingle-00000000-20200101T000000Z.ingle-backup", "mine.ingle-backup"}
	for _, name := range strange {
		must(t, os.WriteFile(filepath.Join(h.folder, name), []byte("x"), 0o600))
	}
	_, err := h.Schedule(t.Context(), wire.BackupSchedule{Folder: h.folder, Every: wire.BackupDay, Keep: 2})
	must(t, err)
	var made []string
	for day := range 4 {
		h.again(t)
		h.Look(t.Context())
		h.now = h.now.Add(time.Hour)
		h.Look(t.Context()) // not due
		last := h.Status().Last
		if last == nil || slices.Contains(made, last.Path) {
			t.Fatalf("day %d: no new backup: %+v", day, last)
		}
		made = append(made, last.Path)
		h.now = h.now.Add(23 * time.Hour)
	}
	for _, path := range made[2:] {
		b, err := backup.Open(path, t.TempDir(), vaulttest.Code())
		must(t, err)
		must(t, b.Close())
	}
	if got := h.lie(t); len(got) != 3 { // two, and one of another home
		t.Errorf("there lie %v", got)
	}
	if _, err := os.Stat(stale); err == nil {
		t.Error("what a power cut left is still there")
	}
	for _, name := range strange {
		if _, err := os.Stat(filepath.Join(h.folder, name)); err != nil {
			t.Errorf("not ours, and gone: %v", err)
		}
	}
	if len(h.wrong()) > 0 {
		t.Errorf("troubles: %v", h.wrong())
	}

	// The clock is put back ten years: the newest backup is never the one that goes.
	h.now = h.now.AddDate(-10, 0, 0)
	h.Look(t.Context())
	if last := h.Status().Last; last.Made.Year() != 2016 {
		t.Errorf("no backup after the clock was put back: %+v", last)
	} else if _, err := os.Stat(last.Path); err != nil {
		t.Errorf("the newest backup is gone: %v", err)
	}
}

// When the disk is not there people are told, nothing is written beside it, and the
// first backup that works ends the trouble.
func TestDiskAway(t *testing.T) {
	h := newHome(t)
	_, err := h.Schedule(t.Context(), wire.BackupSchedule{Folder: h.folder, Every: wire.BackupDay})
	must(t, err)
	h.Look(t.Context())
	away := h.folder + ".away"
	must(t, os.Rename(h.folder, away))
	must(t, os.Mkdir(h.folder, 0o700)) // its mount point
	h.now = h.now.Add(25 * time.Hour)
	if again := h.Look(t.Context()); again < 10*time.Minute {
		t.Errorf("it tries again after %v", again)
	}
	if got := h.wrong(); !slices.Equal(got, []string{backups.CodeFailed}) {
		t.Errorf("troubles: %v", got)
	}
	if got := h.lie(t); len(got) > 0 {
		t.Errorf("written beside the disk: %v", got)
	}
	h.now = h.now.Add(3 * 24 * time.Hour)
	h.Look(t.Context())
	if got := h.wrong(); !slices.Contains(got, backups.CodeOld) {
		t.Errorf("troubles: %v", got)
	}
	must(t, os.Remove(h.folder))
	must(t, os.Rename(away, h.folder))
	h.Look(t.Context())
	if got := h.wrong(); len(got) > 0 {
		t.Errorf("troubles: %v", got)
	}
	if got := h.lie(t); len(got) != 2 {
		t.Errorf("there lie %v", got)
	}
}

// What cannot be is refused with a code that has a text.
func TestRefused(t *testing.T) {
	h := newHome(t)
	ask := func(path string) string {
		_, err := h.Make(t.Context(), wire.BackupRequest{Path: path})
		return wire.Code(err)
	}
	taken := filepath.Join(h.folder, "taken")
	must(t, os.WriteFile(taken, nil, 0o600))
	for path, want := range map[string]string{
		"relative": "backup.path", taken: "backup.exists", filepath.Join(h.folder, "missing", "x"): "backup.folder",
		filepath.Join(taken, "x"): "backup.folder", filepath.Join(h.folder, strings.Repeat("x", 250)): "backup.name",
		filepath.Join(h.folder, strings.Repeat("x", 300)): "backup.name",
		h.options.Source.Dir:                              "backup.inside",
	} {
		if got := ask(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	for folder, want := range map[string]string{
		"relative": "backup.path", h.options.Source.Dir: "backup.inside", filepath.Join(h.options.Source.Dir, "media"): "backup.inside",
		filepath.Join(h.folder, "missing"): "backup.folder",
	} {
		_, err := h.Schedule(t.Context(), wire.BackupSchedule{Folder: folder, Every: wire.BackupDay})
		if got := wire.Code(err); got != want {
			t.Errorf("%s: %q, want %q", folder, got, want)
		}
	}
	if got := h.Status().Schedule.Every; got != wire.BackupOff {
		t.Errorf("a refused schedule counts: %s", got)
	}
	for _, path := range h.lie(t) {
		t.Errorf("left over: %s", strings.TrimPrefix(path, h.folder))
	}
}

// Somebody who asks while one is being made is told so, and how far it is.
func TestOneAtATime(t *testing.T) {
	h := newHome(t)
	inside, done := make(chan struct{}), make(chan struct{})
	h.options.Memory = &slow{Memory: h.options.Memory, inside: inside, done: done}
	h.again(t)
	first := make(chan error, 1)
	go func() {
		_, err := h.Make(t.Context(), wire.BackupRequest{Path: h.folder})
		first <- err
	}()
	<-inside
	_, err := h.Make(t.Context(), wire.BackupRequest{Path: filepath.Join(h.folder, "second")})
	if got := wire.Code(err); got != "backup.busy" {
		t.Errorf("the second: %v", err)
	}
	close(done)
	must(t, <-first)
	if s := h.Status(); s.Of != 0 || s.Last == nil {
		t.Errorf("afterwards: %+v", s)
	}
}

// slow saves when it is told to.
type slow struct {
	backups.Memory
	inside, done chan struct{}
}

func (s *slow) Save(ctx context.Context, p backups.Plan) error {
	close(s.inside)
	<-s.done
	return s.Memory.Save(ctx, p)
}

// Others may write into the folder of the backups: a link by the name of the mark leads nowhere.
func TestALinkInsteadOfTheMark(t *testing.T) {
	h := newHome(t)
	schedule := wire.BackupSchedule{Folder: h.folder, Every: wire.BackupDay}
	if _, err := h.Schedule(t.Context(), schedule); err != nil {
		t.Fatal(err)
	}
	marks, err := filepath.Glob(filepath.Join(h.folder, ".ingle-*"))
	if err != nil || len(marks) != 1 {
		t.Fatalf("marks: %v, %v", marks, err)
	}
	precious := filepath.Join(t.TempDir(), "precious")
	must(t, os.WriteFile(precious, []byte("keys"), 0o600))
	must(t, os.Remove(marks[0]))
	must(t, os.Symlink(precious, marks[0]))
	if _, err := h.Schedule(t.Context(), schedule); err == nil {
		t.Error("a link is taken for the mark")
	}
	if raw, err := os.ReadFile(precious); err != nil || string(raw) != "keys" {
		t.Errorf("what the link leads to: %q, %v", raw, err)
	}
}

// A restore brings back whom the household had deleted since, and says so before it does.
func TestARestoreSaysWhoReturns(t *testing.T) {
	h := newHome(t)
	made, err := h.Make(t.Context(), wire.BackupRequest{Path: h.folder})
	must(t, err)
	var out strings.Builder
	c := backups.RestoreCommand(i18n.For("en"))
	c.SetArgs([]string{made.Path, "--data", t.TempDir(), "--recovery-code-stdin"})
	c.SetIn(strings.NewReader(vaulttest.Code()))
	c.SetOut(&out)
	must(t, c.ExecuteContext(t.Context()))
	if before, _, _ := strings.Cut(out.String(), "10 %"); !strings.Contains(before, "was deleted after the backup") {
		t.Errorf("it says %q", out.String())
	}
}
