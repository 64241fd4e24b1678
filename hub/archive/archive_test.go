package archive_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vaulttest"
)

func TestMain(m *testing.M) { os.Exit(vaulttest.Main(m.Run)) }

// safe is a folder with a vault.
type safe struct{ dir string }

func newSafe(t *testing.T) safe {
	t.Helper()
	dir := t.TempDir()
	check(t, vaulttest.Give(dir))
	return safe{dir}
}

func (s safe) open(t *testing.T) *records.Store {
	t.Helper()
	v, err := vaulttest.Open(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	store, err := records.Open(s.dir, v, archive.Personal()...)
	if err := errors.Join(err, v.Close()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() }) // a test that reopens it has closed it
	return store
}

func TestAHomeComesBackWhole(t *testing.T) {
	s := newSafe(t)
	store := s.open(t)
	ctx := t.Context()
	h := archive.Home{Store: store}
	if c, err := h.Load(ctx); err != nil || len(c.People)+len(c.Zones)+len(c.Accessories) > 0 {
		t.Fatalf("a new home has %+v, %v", c, err)
	}
	want := home.Contents{
		People: []home.Person{{ID: "p-1", Name: "Robin", Role: home.Owner}, {ID: "p-2", Name: "Ada", Role: home.Member}},
		Zones:  []home.Zone{{ID: "z-1", Name: "Den", Lat: 51.500123456789, Lon: -0.25, Radius: 120}},
		Accessories: []home.Accessory{
			{ID: "a-1", Name: "Porch", Driver: "rtsp", Kind: "camera", Address: "rtsp://x", Fields: map[string]string{"user": "u"}, Room: "Door", Alone: true},
			{ID: "a-2", Name: "Band", Driver: "setracker", Kind: "watch", Address: "1234567890", Person: "p-2"},
		},
	}
	for _, p := range want.People {
		check(t, h.SavePerson(ctx, p))
	}
	check(t, h.SaveZone(ctx, want.Zones[0]))
	check(t, h.SaveAccessory(ctx, want.Accessories[0], map[string]string{"password": "one"}))
	check(t, h.SaveAccessory(ctx, want.Accessories[1], nil))
	check(t, h.SaveAccessory(ctx, want.Accessories[0], nil)) // leaves the secrets
	check(t, store.Close())

	h.Store = s.open(t)
	got, err := h.Load(ctx)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("it came back as\n%+v, %v, want\n%+v", got, err, want)
	}
	for id, secrets := range map[string]map[string]string{"a-1": {"password": "one"}, "a-2": {}, "a-3": {}} {
		if got, err := h.Secrets(ctx, id); err != nil || !maps.Equal(got, secrets) {
			t.Errorf("the secrets of %s are %v, %v", id, got, err)
		}
	}
	check(t, h.SaveAccessory(ctx, want.Accessories[0], map[string]string{"password": "two"}))
	if got, err := h.Secrets(ctx, "a-1"); err != nil || got["password"] != "two" {
		t.Errorf("the new secret is %v, %v", got, err)
	}
	check(t, h.DropAccessory(ctx, "a-1"))
	check(t, h.DropAccessory(ctx, "a-1")) // again does no harm
	got, err = h.Load(ctx)
	if err != nil || len(got.Accessories) != 1 || got.Accessories[0].ID != "a-2" || len(got.People) != 2 {
		t.Errorf("without the camera there is %+v, %v", got, err)
	}
	if got, err := h.Secrets(ctx, "a-1"); err != nil || len(got) > 0 {
		t.Errorf("the secrets of what is gone are %v, %v", got, err)
	}
}

func TestDocuments(t *testing.T) {
	s := newSafe(t)
	store := s.open(t)
	ctx := t.Context()
	type table struct{ Numbers map[string]int }
	d := archive.Document[table]{Store: store, Name: "numbers"}
	if _, err := d.Load(ctx); !errors.Is(err, archive.ErrNone) {
		t.Errorf("before the first save: %v", err)
	}
	check(t, d.Save(ctx, table{map[string]int{"a": 1}}))
	check(t, d.Save(ctx, table{map[string]int{"a": 2}}))
	if other, err := (archive.Document[table]{Store: store, Name: "others"}).Load(ctx); !errors.Is(err, archive.ErrNone) {
		t.Errorf("another document is %v, %v", other, err)
	}
	if names, err := archive.Names(ctx, store, "num"); err != nil || !slices.Equal(names, []string{"numbers"}) {
		t.Errorf("the documents are %v, %v", names, err)
	}
	if names, err := archive.Names(ctx, store, "x"); err != nil || len(names) > 0 {
		t.Errorf("of another name there are %v, %v", names, err)
	}
	check(t, store.Close())
	d.Store = s.open(t)
	if got, err := d.Load(ctx); err != nil || got.Numbers["a"] != 2 {
		t.Errorf("it came back as %v, %v", got, err)
	}
	if got, err := (archive.Document[[]string]{Store: d.Store, Name: "numbers"}).Load(ctx); err == nil || errors.Is(err, archive.ErrNone) {
		t.Errorf("as what it is not it loads as %v, %v", got, err)
	}
	if err := (archive.Document[func()]{Store: d.Store, Name: "f"}).Save(ctx, func() {}); err == nil {
		t.Error("a function was saved")
	}
}

func TestReadingsSayWhoseTheyAre(t *testing.T) {
	store := newSafe(t).open(t)
	ctx, at := t.Context(), time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC)
	r := archive.Readings{Store: store}
	band, rocket := home.Accessory{ID: "a-1", Person: "p-1"}, home.Accessory{ID: "a-2"}
	check(t, r.Keep(ctx, band, trait.Steps.Of(400, at)))
	check(t, r.Keep(ctx, band, trait.Steps.Of(401, at.Add(time.Second))))
	check(t, r.Keep(ctx, rocket, trait.Speed.Of(50, at)))
	check(t, r.Keep(ctx, band, trait.SOS.Of(true, at)))
	check(t, r.Keep(ctx, band, trait.SOS.Of(true, at.Add(time.Nanosecond))))
	check(t, r.Keep(ctx, band, trait.SOS.Of(true, at))) // repeated after a power cut it is the same alarm

	states, err := store.Query(ctx, records.Query{Subject: "person/p-1"})
	if err != nil || len(states) != 2 || !strings.Contains(string(states[0].Body), "401") || !states[0].Expires.After(at) {
		t.Errorf("the wearer's states are %v, %v", states, err)
	}
	things, err := store.Query(ctx, records.Query{Subject: "accessory/a-2"})
	if err != nil || len(things) != 1 {
		t.Errorf("the toy's states are %v, %v", things, err)
	}
	alarms, err := store.List(ctx, "alarm")
	if err != nil || len(alarms) != 2 || alarms[0].Subject != "person/p-1" || !alarms[0].Expires.IsZero() {
		t.Errorf("the alarms are %v, %v", alarms, err)
	}

	check(t, store.Forget(ctx, "person/p-1"))
	states, err = store.Query(ctx, records.Query{Subject: "person/p-1"})
	alarms, errAlarms := store.List(ctx, "alarm")
	if err := errors.Join(err, errAlarms); err != nil || len(states)+len(alarms) > 0 {
		t.Errorf("of somebody forgotten there is %v, %v, %v", states, alarms, err)
	}
	if things, err := store.Query(ctx, records.Query{Subject: "accessory/a-2"}); err != nil || len(things) != 1 {
		t.Errorf("the toy's states are %v, %v", things, err)
	}
}

// TestAlarmsAreDurableAtOnce reads an alarm from a copy of the files, as after a power cut.
func TestAlarmsAreDurableAtOnce(t *testing.T) {
	s := newSafe(t)
	store := s.open(t)
	check(t, archive.Readings{Store: store}.Keep(t.Context(), home.Accessory{ID: "a-1"}, trait.SOS.Of(true, time.Now())))
	cut := safe{filepath.Join(t.TempDir(), "cut")}
	check(t, os.CopyFS(cut.dir, os.DirFS(s.dir)))
	if alarms, err := cut.open(t).List(t.Context(), "alarm"); err != nil || len(alarms) != 1 {
		t.Errorf("after a power cut the alarms are %v, %v", alarms, err)
	}
}

// TestPersonalKindsNeedASubject: the store itself refuses what says not whose it is.
// What is known about the safety of a thing goes when the thing goes, with its key.
func TestLabelsGoWithTheirThing(t *testing.T) {
	store := newSafe(t).open(t)
	labels := archive.Labels[map[string]string]{Store: store}
	if _, err := labels.Load(t.Context(), "a-1"); !errors.Is(err, archive.ErrNone) {
		t.Fatal(err)
	}
	check(t, labels.Save(t.Context(), "a-1", map[string]string{"door": "23"}))
	check(t, labels.Save(t.Context(), "a-2", map[string]string{"door": "22"}))
	if got, err := labels.Load(t.Context(), "a-1"); err != nil || got["door"] != "23" {
		t.Fatal(got, err)
	}
	check(t, archive.Home{Store: store}.DropAccessory(t.Context(), "a-1"))
	if got, err := labels.Load(t.Context(), "a-1"); !errors.Is(err, archive.ErrNone) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := labels.Load(t.Context(), "a-2"); err != nil || got["door"] != "22" {
		t.Errorf("the other thing: %v, %v", got, err)
	}
}

func TestPersonalKindsNeedASubject(t *testing.T) {
	store := newSafe(t).open(t)
	for _, kind := range archive.Personal() {
		err := store.Put(t.Context(), records.Record{Kind: kind, ID: "x", At: time.Now()})
		if !errors.Is(err, records.ErrNoSubject) {
			t.Errorf("%s without a subject: %v", kind, err)
		}
	}
	if want := []string{"person", "reading", "alarm", "secrets", "label", "ledger-part", "security-part", "media-key", "segment"}; !slices.Equal(archive.Personal(), want) {
		t.Errorf("personal are %v", archive.Personal())
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
