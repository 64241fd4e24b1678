package holders_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/privacy"
	"github.com/ingle-home/ingle/hub/privacy/holders"
	"github.com/ingle-home/ingle/hub/privacy/receipt"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vaulttest"
)

// liar says that all is gone, and forgets nothing.
type liar struct{ honest bool }

func (*liar) Name() string { return "liar" }

func (l *liar) Inventory(context.Context, privacy.Scope) ([]privacy.Item, error) {
	if l.honest {
		return nil, nil
	}
	return []privacy.Item{{Kind: "location", Where: privacy.InHub, Count: 3}}, nil
}

func (*liar) Forget(context.Context, privacy.Scope) (privacy.Outcome, error) {
	return privacy.Outcome{State: privacy.Gone}, nil
}

// A holder that says gone and is not gets no receipt, until it is mended.
func TestABrokenHolderFailsTheProof(t *testing.T) {
	t.Parallel()
	broken := &liar{}
	h := fresh(t, broken)
	s := must(h.scope())(t)
	if _, err := h.desk.Forget(t.Context(), s, canary); err == nil || !strings.Contains(err.Error(), "liar") {
		t.Fatalf("it was believed: %v", err)
	}
	if all := must(h.desk.Journal.Receipts(t.Context()))(t); len(all) != 0 {
		t.Errorf("there is a receipt: %s", all[0])
	}
	if _, err := h.desk.Resume(t.Context()); err == nil {
		t.Error("it was believed the second time")
	}
	broken.honest = true
	if waits, err := h.desk.Resume(t.Context()); err != nil || waits != 0 {
		t.Fatalf("%d wait: %v", waits, err)
	}
	h.judge(t)
}

// One day after its time nothing is left: no row, and none of its bytes in the opened store.
func TestWhatHasHadItsTimeGoes(t *testing.T) {
	t.Parallel()
	ctx, h := t.Context(), fresh(t)
	noor := must(h.home.Contents().Person("Noor"))(t)
	if err := h.made.Change(ctx, func(c *privacy.Choices) {
		c.Set(privacy.Rule{Category: privacy.Health, Days: 5})
		c.Set(privacy.Rule{Category: privacy.Health, Person: noor.ID, Days: 2})
		c.Set(privacy.Rule{Category: privacy.Alarms, Days: 3})
	}); err != nil {
		t.Fatal(err)
	}
	if n := h.walked(t); n != 40 { // the control
		t.Errorf("%d bodies tell of the steps", n)
	}
	const day = 24 * time.Hour
	for _, step := range []struct {
		after  time.Duration
		counts [4]int // steps of the canary and of Noor, alarms of both
	}{
		{day, [4]int{20, 20, 1, 1}}, {5 * day / 2, [4]int{20, 0, 1, 1}}, {7 * day / 2, [4]int{20, 0, 0, 0}}, {6 * day, [4]int{}},
	} {
		decided := must(h.made.Load(ctx))(t)
		must(holders.Expire(ctx, h.rows, h.films, decided, time.Now().Add(step.after)))(t)
		if got := h.counts(t); got != step.counts {
			t.Errorf("after %v there is %v, not %v", step.after, got, step.counts)
		}
	}
	if n := h.walked(t); n > 0 {
		t.Errorf("%d bodies still tell of the steps", n)
	}
	if people := h.home.Contents().People; len(people) != 2 {
		t.Errorf("people went too: %v", people)
	}
}

// walked counts the readings, opened, that have a canary in them.
func (h *hub) walked(t *testing.T) (n int) {
	t.Helper()
	err := h.store.Walk(t.Context(), "", nil, func(r records.Record) error {
		if strings.Contains(string(r.Body), strconv.Itoa(canarySteps/100)) {
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (h *hub) counts(t *testing.T) (n [4]int) {
	t.Helper()
	for i, name := range []string{canary, "Noor"} {
		p := must(h.home.Contents().Person(name))(t)
		for _, item := range must(h.rows.Inventory(t.Context(), privacy.Scope{Person: p.ID}))(t) {
			switch item.Kind {
			case "activity":
				n[i] += item.Count
			case "alarm":
				n[2+i] += item.Count
			}
		}
	}
	return n
}

// quiet is a device with no way to reset it, and something on it that stays.
type quiet struct {
	device.Session
	fails error
}

func (quiet) Holds(context.Context) ([]device.Holding, error) {
	return []device.Holding{{What: "holding.recordings", Class: trait.Personal}}, nil
}

func (q quiet) Erase(context.Context) ([]device.Erased, error) {
	return []device.Erased{{What: "holding.recordings", Why: "erase.only-on-device"}}, q.fails
}

func TestWhatBecomesOfDevices(t *testing.T) {
	has := func() home.Contents {
		return home.Contents{Accessories: []home.Accessory{{ID: "a-1", Person: "p-1"}, {ID: "a-2", Person: "p-1"}, {ID: "a-3"}}}
	}
	sessions := map[string]device.Session{"a-1": band{path: filepath.Join(t.TempDir(), "reset")}, "a-2": quiet{}}
	o := &holders.OnDevices{Home: has, Session: func(id string) device.Session { return sessions[id] }}
	s := privacy.Scope{Person: "p-1", Devices: []string{"a-1", "a-2"}}
	if list := must(o.Foresee(t.Context(), s))(t); len(list) != 2 || list[0].State != privacy.Gone || list[1].State != privacy.Impossible {
		t.Errorf("foreseen %+v", list)
	}
	if got := must(o.Forget(t.Context(), s))(t); got.State != privacy.Impossible || got.Why != "erase.only-on-device" || got.Many != 1 {
		t.Errorf("outcome %+v", got)
	}
	if got := must(o.Forget(t.Context(), privacy.Scope{Device: "a-3"}))(t); got.State != privacy.Waiting || got.Why != "erase.offline" || !o.Waits("a-3") {
		t.Errorf("of one that is off: %+v", got)
	}
	sessions["a-3"] = quiet{fails: device.ErrUnreachable}
	if got := must(o.Forget(t.Context(), privacy.Scope{Device: "a-3"}))(t); got.State != privacy.Waiting {
		t.Errorf("of one that goes away: %+v", got)
	}
	sessions["a-3"] = band{path: filepath.Join(t.TempDir(), "reset")}
	if got := must(o.Forget(t.Context(), privacy.Scope{Device: "a-3"}))(t); got.State != privacy.Gone || o.Waits("a-3") {
		t.Errorf("of one that is back: %+v", got)
	}
}

// The last look finds a word in whatever shape it lies, also across the ends of what it reads at once.
func TestSearchFinds(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"raw": strings.Repeat("x", 1<<20-4) + canary, "utf-16": "V\x00e\x00x\x00i\x00l\x00l\x00i\x00n\x00a\x00",
		"hex": "zz56657869 6c6c696e61" + "566578696c6c696e61", "base64": "eFZleGlsbGluYXg=", "nothing": "Vexilla",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if size, n, err := holders.Search(t.Context(), dir, []string{canary}); err != nil || n != 4 || size < 1<<20 {
		t.Errorf("found %d in %d bytes: %v", n, size, err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, _, err := holders.Search(ended, dir, []string{canary}); !errors.Is(err, context.Canceled) {
		t.Errorf("it went on: %v", err)
	}
}

// A backup that cannot be reached waits, one that is there goes.
func TestBackups(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home.ingle-backup")
	if err := os.WriteFile(path, []byte("sealed"), 0o600); err != nil {
		t.Fatal(err)
	}
	away, told := true, 0
	b := holders.Backups{Files: func(context.Context) ([]string, bool) { return []string{path, path + ".lost"}, away }, Gone: func(context.Context) error { told++; return nil }}
	if items := must(b.Inventory(t.Context(), privacy.Scope{}))(t); len(items) != 1 || items[0].Count != 1 || items[0].Bytes != 6 {
		t.Errorf("there is %+v", items)
	}
	if got := must(b.Forget(t.Context(), privacy.Scope{}))(t); got.State != privacy.Waiting || told != 0 {
		t.Errorf("while the folder is away: %+v", got)
	}
	away = false
	if got := must(b.Forget(t.Context(), privacy.Scope{}))(t); got.State != privacy.Gone || told != 1 {
		t.Errorf("then: %+v", got)
	}
	if items := must(b.Inventory(t.Context(), privacy.Scope{}))(t); len(items) != 0 {
		t.Errorf("there is %+v", items)
	}
}

func TestAboutKeys(t *testing.T) {
	s := privacy.Scope{Person: "p-1", Zones: []string{"z-2"}, Devices: []string{"a-3"}}
	for key, want := range map[string]bool{"p-1": true, "p-1@z-1": true, "p-9@z-2": true, "a-3": true, "p-10": false, "p-2@z-1": false, "": false} {
		if holders.About(s, key) != want {
			t.Errorf("%q: not %v", key, want)
		}
	}
}

// fresh is a filled hub.
func fresh(t *testing.T, more ...privacy.Holder) *hub {
	t.Helper()
	dir := t.TempDir()
	if err := vaulttest.Give(dir); err != nil {
		t.Fatal(err)
	}
	h := must(openHub(t.Context(), dir, must(vaulttest.Open(dir))(t), nil, more...))(t)
	t.Cleanup(func() { _ = h.close() })
	if err := h.fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

// A receipt says that the logs are empty only where nothing is left of the key of before.
func TestWhetherTheLogsAreEmptied(t *testing.T) {
	for name, want := range map[string]bool{"core-3.db": true, "media.db": false, "core-2.db-wal": false, "telemetry-1.db": false, "keys.json": true} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := holders.Emptied(dir, 2); got != want || err != nil {
			t.Errorf("with %s it is %t, %v", name, got, err)
		}
	}
}

// What is somebody else's stays theirs, though it bore the name of who goes.
func TestAnothersThingStaysTheirs(t *testing.T) {
	t.Parallel()
	ctx, h := t.Context(), fresh(t)
	noor := must(h.home.Contents().Person("Noor"))(t)
	shoe := must(h.home.AddAccessory(ctx, home.Accessory{Name: "Tracker", Kind: "watch", Room: canary + "'s room", Person: noor.ID}, nil))(t)
	must(h.desk.Forget(ctx, must(h.scope())(t), canary))(t)
	if a := must(h.home.Contents().Accessory(shoe.ID))(t); a.Person != noor.ID || a.Room != "" {
		t.Errorf("it became %+v", a)
	}
}

// slow is a holder that takes its time, in which something new of who goes is kept.
type slow struct{ meanwhile func(s privacy.Scope) error }

func (*slow) Name() string { return "slow" }

func (*slow) Inventory(context.Context, privacy.Scope) ([]privacy.Item, error) { return nil, nil }

func (l *slow) Forget(_ context.Context, s privacy.Scope) (privacy.Outcome, error) {
	return privacy.Outcome{State: privacy.Gone}, l.meanwhile(s)
}

// What came back while the others forgot is forgotten too, before there is a receipt.
func TestWhatComesMeanwhileGoesToo(t *testing.T) {
	t.Parallel()
	var h *hub
	h = fresh(t, &slow{func(s privacy.Scope) error {
		return h.made.Change(t.Context(), func(c *privacy.Choices) { c.Note(privacy.Consent{Person: s.Person, What: "location"}) })
	}})
	s := must(h.scope())(t)
	raw := must(h.desk.Forget(t.Context(), s, canary))(t)
	v := must(receipt.Verify(raw))(t)
	for _, c := range v.Counts {
		if c.After != 0 {
			t.Errorf("of %s there is %d", c.Kind, c.After)
		}
	}
	if left := must(h.made.Load(t.Context()))(t); left.About(s.Person) != 0 {
		t.Errorf("there is %+v", left)
	}
}

// What the household wants to keep for longer than is usual stays that long, and no longer.
func TestALongerTimeIsKept(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	ctx, h := t.Context(), fresh(t)
	if err := h.made.Change(ctx, func(c *privacy.Choices) { c.Set(privacy.Rule{Category: privacy.Health, Days: 30}) }); err != nil {
		t.Fatal(err)
	}
	noors := must(h.home.Contents().Accessory("Noor Band"))(t)
	readings := archive.Readings{Store: h.store, Lasts: h.made.Lasts}
	if err := readings.Keep(ctx, noors, trait.Steps.Of(7, time.Now())); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after time.Duration
		left  int
	}{{29 * day, 1}, {31 * day, 0}} {
		now := time.Now().Add(step.after)
		must(h.store.Sweep(ctx, now))(t)
		must(holders.Expire(ctx, h.rows, h.films, must(h.made.Load(ctx))(t), now))(t)
		if got := h.counts(t)[1]; got != step.left {
			t.Errorf("after %v there are %d", step.after, got)
		}
	}
}

// full is a journal on a disk that is full.
type full struct{ privacy.Journal }

var errFull = errors.New("the disk is full")

func (full) Keep(context.Context, privacy.Entry) error { return errFull }

// A forgetting that did not begin stops nothing: the alarms of a watch are still kept.
func TestWhatDidNotBeginStopsNothing(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	s, begun := must(h.scope())(t), 0
	h.desk.Before = func(privacy.Scope) { begun++ }
	sound := h.desk.Journal
	h.desk.Journal = full{sound}
	if _, err := h.desk.Forget(t.Context(), s, canary); !errors.Is(err, errFull) || begun != 0 {
		t.Errorf("it began %d times: %v", begun, err)
	}
	h.desk.Journal = sound
	if _, err := h.desk.Forget(t.Context(), s, canary); err != nil || begun != 1 {
		t.Errorf("it began %d times: %v", begun, err)
	}
}
