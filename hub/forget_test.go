package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	onvif "github.com/ingle-home/ingle/accessories/onvif/sim"
	setracker "github.com/ingle-home/ingle/accessories/setracker/sim"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/privacy"
	"github.com/ingle-home/ingle/hub/privacy/receipt"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// A person is forgotten, and nothing of them is found; all others are as they were.
func TestAPersonIsForgotten(t *testing.T) {
	t.Parallel()
	disk := newVolume(t)
	n := newNestIn(t, disk.dir)
	for place, raw := range n.told() { // the control: it is there to be found
		if slices.Contains([]string{"API people", "API accessories", "API zones", "API apps", "events", "an export", "HomeKit"}, place) && len(found(raw, append(canaries(), canaryZone))) == 0 {
			t.Errorf("%s does not show what was planted", place)
		}
	}
	old := shortDir(t)
	before := n.reopened(old)
	v := n.forget(wire.PrivacyScope{Person: canaryName})
	if !v.Done || v.Search.Found != 0 || v.Search.Words == 0 || v.Epochs[0] == v.Epochs[1] || !v.Emptied {
		t.Errorf("the receipt says %+v", v.Receipt)
	}
	for _, c := range v.Counts {
		if c.After != 0 {
			t.Errorf("of %s there is %d", c.Kind, c.After)
		}
	}
	if n.watch.State().(setracker.State).Resets != 1 {
		t.Error("the watch was not reset")
	}
	if _, err := os.Stat(n.backup); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the backup is still there: %v", err)
	}
	words := append(canaries(), canaryRoom, canaryZone, n.ids[canaryName]+"@")
	n.unchanged(before, n.clean(words), "person/"+n.ids[canaryName], "accessory/"+n.ids[canaryBand], "accessory/"+n.ids[canaryToy], "accessory/"+n.ids[canaryLens])
	unreadable(t, old, n.dir)
	disk.clean(t, words)
}

// reopened ends a hub, copies its folder and what is in it, and starts it again. It waits for all devices.
func (n *nest) reopened(old string) (before map[string][]string) {
	t := n.t
	t.Helper()
	n.hub.kill()
	if old != "" {
		copyFolder(t, n.dir, old)
	}
	before = n.dump()
	n.hub, n.c = running(t, n.dir, "--watch-port", n.port)
	if err := n.c.Unlock(t.Context(), password); err != nil {
		t.Fatal(explain(err))
	}
	n.phone = n.app.calls(n.hub)
	soon(t, "the watch calls", func() bool { return n.watch.State().(setracker.State).Connected })
	soon(t, "all are there", func() bool {
		return !slices.ContainsFunc(must[[]wire.Accessory](t)(n.c.Accessories(t.Context())), func(a wire.Accessory) bool {
			return slices.Contains([]string{canaryBand, canaryToy, canaryLens}, a.Name) && a.Condition.State != "open"
		})
	})
	return before
}

// unchanged wants all that is not of those who went to be as it was. What was nobody's has the names of
// things and their numbers in it; it is searched, and not compared.
func (n *nest) unchanged(before, after map[string][]string, went ...string) {
	n.t.Helper()
	compared := 0
	for whose := range before {
		person, thing := strings.HasPrefix(whose, "person/"), strings.HasPrefix(whose, "accessory/")
		if slices.Contains(went, whose) || !person && !thing {
			continue
		}
		compared++
		if !subset(before[whose], after[whose]) {
			n.t.Errorf("%s was changed:\n%q\n%q", whose, before[whose], after[whose])
		}
	}
	if compared < 2 {
		n.t.Errorf("only %d were compared", compared)
	}
}

// subset says whether all rows are still there; a watch that calls adds some.
func subset(before, after []string) bool {
	return len(before) > 0 && !slices.ContainsFunc(before, func(row string) bool { return !slices.Contains(after, row) })
}

func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	_ = os.Remove(filepath.Join(from, "hub.sock"))
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// unreadable wants an old copy of a folder not to open with the keys of now.
func unreadable(t *testing.T, old, now string) {
	t.Helper()
	for _, name := range []string{"keys.json", "keys.twin.json"} {
		raw := must[[]byte](t)(os.ReadFile(filepath.Join(now, name)))
		if err := os.WriteFile(filepath.Join(old, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	v := must[*vault.Vault](t)(vault.Open(old, password))
	defer v.Close()
	for _, open := range []func(string, *vault.Vault, ...string) (*records.Store, error){records.Open, records.OpenDamaged} {
		s, err := open(old, v, archive.Personal()...)
		if err != nil {
			continue
		}
		if people, err := s.List(t.Context(), "person"); err == nil && len(people) > 0 {
			t.Errorf("the old copy tells of %d people", len(people))
		}
		_ = s.Close()
	}
	// The epoch in the names is no lock: with it corrected, the pages are still under a key that is nowhere.
	for _, role := range []string{"core", "telemetry"} {
		files := must[[]string](t)(filepath.Glob(filepath.Join(old, role+"-*.db*")))
		for _, f := range files {
			_, rest, _ := strings.Cut(filepath.Base(f), ".db")
			if err := os.Rename(f, filepath.Join(old, fmt.Sprintf("%s-%d.db%s", role, v.Epoch(), rest))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if s, err := records.Open(old, v, archive.Personal()...); err == nil {
		_ = s.Close()
		t.Error("the old copy opens under the new key")
	}
}

// A device that is off waits, and is erased when it is back; then the receipt is complete, and still one.
func TestADeviceThatIsOffWaits(t *testing.T) {
	t.Parallel()
	n := newNest(t)
	if err := n.watch.Do(t.Context(), "silent", nil); err != nil {
		t.Fatal(err)
	}
	soon(t, "the watch is away", func() bool { return !n.watch.State().(setracker.State).Connected })
	v := n.forget(wire.PrivacyScope{Person: canaryName})
	if v.Done || n.watch.State().(setracker.State).Resets != 0 {
		t.Fatalf("it is done: %+v", v.Places)
	}
	for _, a := range must[[]wire.Accessory](t)(n.c.Accessories(t.Context())) {
		if len(found([]byte(a.Name+a.Room), append(canaries(), canaryName))) > 0 || a.Person == n.ids[canaryName] {
			t.Errorf("there is %+v", a)
		}
	}
	n.hub.kill()
	n.hub, n.c = running(t, n.dir, "--watch-port", n.port)
	if err := n.c.Unlock(t.Context(), password); err != nil {
		t.Fatal(explain(err))
	}
	if err := n.watch.Do(t.Context(), "hub", map[string][]string{"address": {net.JoinHostPort("127.0.0.1", n.port)}}); err != nil {
		t.Fatal(err)
	}
	soon(t, "the watch is erased", func() bool { return n.watch.State().(setracker.State).Resets == 1 })
	var list []wire.PrivacyReceipt
	soon(t, "the receipt is complete", func() bool {
		list = must[[]wire.PrivacyReceipt](t)(n.c.Receipts(t.Context()))
		return len(list) == 1 && list[0].Done && list[0].ID == v.ID
	})
	n.clean(append(canaries(), canaryRoom, canaryZone))
}

// A device is forgotten, and the person whose it is stays, with all that other devices said.
func TestADeviceIsForgotten(t *testing.T) {
	t.Parallel()
	n := newNest(t)
	before := n.reopened("")
	n.forget(wire.PrivacyScope{Device: canaryLens})
	if got := n.camera.State().(onvif.State).Factory; !slices.Equal(got, []string{"Hard"}) {
		t.Errorf("the camera was reset %q", got)
	}
	v := n.forget(wire.PrivacyScope{Device: canaryBand})
	due := must[wire.Cleanup](t)(n.phone.Cleanup(t.Context()))
	if v.Done || !slices.Contains(due.IDs, v.ID) {
		t.Errorf("the app is asked to drop %v; the receipt says %v", due, v.Places)
	}
	if err := n.phone.Cleaned(t.Context(), due); err != nil {
		t.Fatal(explain(err))
	}
	soon(t, "the receipts are complete", func() bool {
		return !slices.ContainsFunc(must[[]wire.PrivacyReceipt](t)(n.c.Receipts(t.Context())), func(r wire.PrivacyReceipt) bool { return !r.Done })
	})
	if due = must[wire.Cleanup](t)(n.phone.Cleanup(t.Context())); len(due.IDs) > 0 {
		t.Errorf("the app is asked again: %v", due)
	}
	after := n.clean([]string{canaryBand, canaryWatch, n.ids[canaryBand], canaryLens, markSecret, n.ids[canaryLens], n.film})
	n.unchanged(before, after, "person/"+n.ids[canaryName], "accessory/"+n.ids[canaryBand], "accessory/"+n.ids[canaryLens])
	if !slices.ContainsFunc(after["person/"+n.ids[canaryName]], func(row string) bool { return strings.Contains(row, canaryName) }) {
		t.Error("the person went too")
	}
}

// A category is forgotten, of one person or one device: only that, only theirs. What the device has in its
// own memory stays there.
func TestACategoryIsForgotten(t *testing.T) {
	t.Parallel()
	n := newNest(t)
	before := n.reopened("")
	n.shows() // the newest is shown until another comes
	clips := n.recordings()
	for _, s := range []wire.PrivacyScope{
		{Person: canaryName, Category: string(privacy.Location)}, {Device: canaryLens, Category: string(privacy.Recordings)}} {
		if v := n.forget(s); !v.Emptied || v.Epochs[0] == v.Epochs[1] {
			t.Errorf("the receipt says %+v", v.Receipt)
		}
	}
	for _, i := range must[[]wire.PrivacyItem](t)(n.c.PrivacyInventory(t.Context(), wire.PrivacyScope{}, "")) {
		if i.Kind == "location" && i.Person == n.ids[canaryName] || i.Kind == "clip" {
			t.Errorf("there is %+v", i)
		}
	}
	n.noneOf(clips)
	n.devices = false
	after := n.clean([]string{canaryLat, canaryLon, n.film})
	n.unchanged(before, after, "person/"+n.ids[canaryName], "accessory/"+n.ids[canaryLens])
	of := func(who, what string) bool {
		return slices.ContainsFunc(after["person/"+n.ids[who]], func(row string) bool { return strings.Contains(row, what) })
	}
	if of(canaryName, `"where"`) || !of(canaryName, `"heart"`) || !of(canaryName, "alarm") || !of("Noor", `"where"`) {
		t.Errorf("left is %q", after["person/"+n.ids[canaryName]])
	}
}

// shows has the watch say again where it is, and waits until the hub shows it.
func (n *nest) shows() {
	t := n.t
	t.Helper()
	if err := n.watch.Do(t.Context(), "place", map[string][]string{"lat": {canaryLat}, "lon": {canaryLon}}); err != nil {
		t.Fatal(err)
	}
	soon(t, "it is shown", func() bool {
		return slices.ContainsFunc(must[[]wire.Accessory](t)(n.c.Accessories(t.Context())), func(a wire.Accessory) bool {
			v, _ := a.Value("where")
			return strings.Contains(string(v.Value), canaryLat)
		})
	})
}

// recordings are the files of recordings that are there.
func (n *nest) recordings() []os.DirEntry {
	n.t.Helper()
	return slices.DeleteFunc(must[[]os.DirEntry](n.t)(os.ReadDir(filepath.Join(n.dir, "media"))), func(f os.DirEntry) bool { return f.Name() == "mark" }) // of the folder itself
}

// noneOf wants no file of recordings to be there that was.
func (n *nest) noneOf(was []os.DirEntry) {
	n.t.Helper()
	if len(was) == 0 {
		n.t.Error("there was no recording")
	}
	for _, f := range was {
		if _, err := os.Stat(filepath.Join(n.dir, "media", f.Name())); !errors.Is(err, fs.ErrNotExist) {
			n.t.Errorf("%s is still there: %v", f.Name(), err)
		}
	}
}

// A time is forgotten, of everybody: what was before and after stays.
func TestATimeIsForgotten(t *testing.T) {
	t.Parallel()
	n := newNest(t)
	before := n.reopened("")
	n.shows()
	clips := n.recordings()
	now := time.Now().UTC()
	late := now.Add(time.Hour)
	n.forget(wire.PrivacyScope{Since: &now, Until: &late})
	soon(t, "what came since is there", func() bool {
		_ = n.other.Do(t.Context(), "heart", map[string][]string{"rate": {"72"}})
		return slices.ContainsFunc(must[[]wire.PrivacyItem](t)(n.c.PrivacyInventory(t.Context(), wire.PrivacyScope{Person: "Noor"}, "")), func(i wire.PrivacyItem) bool { return i.Kind == "heart" })
	})
	early := now.Add(-time.Hour)
	n.forget(wire.PrivacyScope{Since: &early, Until: &late})
	for _, i := range must[[]wire.PrivacyItem](t)(n.c.PrivacyInventory(t.Context(), wire.PrivacyScope{}, "")) {
		if slices.Contains([]string{"location", "heart", "clip"}, i.Kind) && i.Oldest != nil && i.Oldest.Before(now) {
			t.Errorf("there is %+v", i)
		}
	}
	if len(must[[]wire.Person](t)(n.c.People(t.Context()))) != 2 {
		t.Error("people went too")
	}
	n.noneOf(clips)
	n.devices = false
	for whose, rows := range before { // what has no time is not meant
		before[whose] = slices.DeleteFunc(rows, func(row string) bool {
			return slices.ContainsFunc([]string{"reading ", "alarm ", "segment "}, func(kind string) bool { return strings.HasPrefix(row, kind) })
		})
	}
	n.unchanged(before, n.clean([]string{canaryLat, canaryLon, n.film}))
}

// Everything is forgotten: the hub belongs to nobody, is another one, and can be claimed anew.
func TestEverythingIsForgotten(t *testing.T) {
	t.Parallel()
	n := newNest(t)
	was := n.hub.ready
	code := must[wire.Status](t)(n.c.Status(t.Context())).HomeKit[0]
	before := must[wire.Security](t)(n.c.Security(t.Context()))
	if len(before.Alerts) == 0 {
		t.Error("nothing has happened to the hub's security")
	}
	q := wire.ForgetRequest{PrivacyScope: wire.PrivacyScope{Everything: true}, Password: password}
	if _, err := n.c.Forget(t.Context(), q); wire.Code(err) != wire.CodeForgetWord {
		t.Fatalf("without the word: %s", explain(err))
	}
	q.Word = wire.ForgetWord
	got := must[wire.PrivacyReceipt](t)(n.c.Forget(t.Context(), q))
	v := must[receipt.Verified](t)(receipt.Verify([]byte(got.File)))
	n.counted(v)
	if _, err := os.Stat(n.backup); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the backup: %v", err)
	}
	if s := must[wire.Status](t)(n.c.Status(t.Context())); s.State != wire.Unclaimed || len(s.HomeKit) > 0 {
		t.Errorf("the hub is %+v", s)
	}
	if got.Done && n.camera.State().(onvif.State).Factory == nil || n.watch.State().(setracker.State).Resets != 1 {
		t.Error("the devices were not reset")
	}
	n.folder(append(canaries(), "Noor", "School", canaryLens, markSecret, n.film))
	n.devices = false
	for _, e := range must[[]os.DirEntry](t)(os.ReadDir(n.dir)) {
		if !slices.Contains([]string{"door.json", "hub.sock", "lock", "receipts"}, e.Name()) {
			t.Errorf("there is %s", e.Name())
		}
	}
	answer := must[wire.SetupAnswer](t)(n.c.Setup(t.Context(), password))
	if fresh := answer.HomeKit[0]; fresh.SetupCode == code.SetupCode || fresh.DeviceID == code.DeviceID || was.Socket != n.hub.ready.Socket {
		t.Errorf("the hub is the same: %+v", fresh)
	}
	if list := must[[]wire.Person](t)(n.c.People(t.Context())); len(list) > 0 {
		t.Errorf("there is %+v", list)
	}
	after := must[wire.Security](t)(n.c.Security(t.Context()))
	for _, old := range before.Alerts {
		if slices.ContainsFunc(after.Alerts, func(a wire.SecurityAlert) bool { return a.ID == old.ID || a.Subject != "" && a.Subject == old.Subject }) {
			t.Errorf("the new hub tells of what happened to the old one: %+v", old)
		}
	}
	for _, e := range after.Events {
		if slices.ContainsFunc(before.Events, func(old wire.SecurityEvent) bool { return e.At.Equal(old.At) }) {
			t.Errorf("the new hub has it in its log: %+v", e)
		}
	}
}

// counted judges what the receipt of everything says.
func (n *nest) counted(v receipt.Verified) {
	n.t.Helper()
	if !v.Emptied || v.Search.Words < 6 || v.Search.Found > 0 {
		n.t.Errorf("the receipt says %+v", v.Receipt)
	}
	kinds := map[string]bool{}
	for _, c := range v.Counts {
		if beyond := slices.Contains([]string{"app-cache", "apple-home"}, c.Kind); kinds[c.Kind] || c.Before == 0 || c.After > 0 && !beyond {
			n.t.Errorf("counted is %+v", c)
		}
		kinds[c.Kind] = true
	}
	for _, kind := range []string{"person", "location", "clip", "on-device", "backup"} {
		if !kinds[kind] {
			n.t.Errorf("of %s nothing was counted", kind)
		}
	}
	for _, p := range v.Places {
		if p.Outcome != receipt.Gone && (p.Holder == "devices" || p.Holder == "backups") {
			n.t.Errorf("%+v", p)
		}
	}
}
