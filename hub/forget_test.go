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

	setracker "github.com/ingle-home/ingle/accessories/setracker/sim"
	"github.com/ingle-home/ingle/hub/api/claim"
	"github.com/ingle-home/ingle/hub/api/client"
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
	n := newNest(t)
	for place, raw := range n.told() { // the control: it is there to be found
		if slices.Contains([]string{"API people", "API accessories", "API zones", "API apps", "events", "an export", "HomeKit"}, place) && len(found(raw, append(canaries(), canaryZone))) == 0 {
			t.Errorf("%s does not show what was planted", place)
		}
	}
	old := shortDir(t)
	n.hub.kill()
	copyFolder(t, n.dir, old)
	before := n.dump()
	n.hub, n.c = running(t, n.dir, "--watch-port", n.port)
	if err := n.c.Unlock(t.Context(), password); err != nil {
		t.Fatal(explain(err))
	}
	soon(t, "the watch calls", func() bool { return n.watch.State().(setracker.State).Connected })
	soon(t, "the toy is there", func() bool {
		return slices.ContainsFunc(must[[]wire.Accessory](t)(n.c.Accessories(t.Context())), func(a wire.Accessory) bool { return a.Name == canaryToy && a.Condition.State == "open" })
	})
	v := n.forget(wire.PrivacyScope{Person: canaryName})
	if !v.Done || v.Search.Found != 0 || v.Search.Words == 0 || v.Epochs[0] == v.Epochs[1] {
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
	after := n.clean(append(canaries(), canaryRoom, canaryZone, n.ids[canaryName]+"@"))
	for _, whose := range []string{"person/" + n.ids["Noor"], "accessory/" + n.ids["Band"]} {
		if !subset(before[whose], after[whose]) {
			t.Errorf("%s was changed:\n%q\n%q", whose, before[whose], after[whose])
		}
	}
	unreadable(t, old, n.dir)
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
	v := n.forget(wire.PrivacyScope{Device: canaryBand})
	due := must[wire.Cleanup](t)(n.phone.Cleanup(t.Context()))
	if v.Done || !slices.Equal(due.IDs, []string{v.ID}) {
		t.Errorf("the app is asked to drop %v; the receipt says %v", due, v.Places)
	}
	if err := n.phone.Cleaned(t.Context(), due); err != nil {
		t.Fatal(explain(err))
	}
	soon(t, "the receipt is complete", func() bool { return must[[]wire.PrivacyReceipt](t)(n.c.Receipts(t.Context()))[0].Done })
	if due = must[wire.Cleanup](t)(n.phone.Cleanup(t.Context())); len(due.IDs) > 0 {
		t.Errorf("the app is asked again: %v", due)
	}
	after := n.clean([]string{canaryBand, canaryWatch, n.ids[canaryBand]})
	if !slices.ContainsFunc(after["person/"+n.ids[canaryName]], func(row string) bool { return strings.Contains(row, canaryName) }) {
		t.Error("the person went too")
	}
}

// A category is forgotten, of one person: only that, only theirs.
func TestACategoryIsForgotten(t *testing.T) {
	t.Parallel()
	n := newNest(t)
	n.forget(wire.PrivacyScope{Person: canaryName, Category: string(privacy.Location)})
	for _, i := range must[[]wire.PrivacyItem](t)(n.c.PrivacyInventory(t.Context(), wire.PrivacyScope{}, "")) {
		if i.Kind == "location" && i.Person == n.ids[canaryName] {
			t.Errorf("there is %+v", i)
		}
	}
	if err := n.hub.stop(); err != nil {
		t.Error(err)
	}
	after := n.dump()
	of := func(who, what string) bool {
		return slices.ContainsFunc(after["person/"+n.ids[who]], func(row string) bool { return strings.Contains(row, what) })
	}
	if of(canaryName, `"where"`) || !of(canaryName, `"heart"`) || !of(canaryName, "alarm") || !of("Noor", `"where"`) {
		t.Errorf("left is %q", after["person/"+n.ids[canaryName]])
	}
}

// A time is forgotten, of everybody: what was before and after stays.
func TestATimeIsForgotten(t *testing.T) {
	t.Parallel()
	n := newNest(t)
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
	kinds := map[string]bool{}
	for _, count := range must[receipt.Verified](t)(receipt.Verify([]byte(got.File))).Counts {
		if kinds[count.Kind] || count.Before == 0 {
			t.Errorf("%s stands twice, or for nothing", count.Kind)
		}
		if kinds[count.Kind] = true; count.Kind == "backup" && count.After != 0 {
			t.Error("the receipt says that the backup is still there")
		}
	}
	if _, err := os.Stat(n.backup); !errors.Is(err, fs.ErrNotExist) || !kinds["backup"] {
		t.Errorf("the backup: %v", err)
	}
	if s := must[wire.Status](t)(n.c.Status(t.Context())); s.State != wire.Unclaimed || len(s.HomeKit) > 0 {
		t.Errorf("the hub is %+v", s)
	}
	n.folder(append(canaries(), "Noor", "School", markSecret))
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

// Whoever has lost the password wipes a locked hub at the hub itself; an app cannot.
func TestALostPassword(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	hub, c := running(t, dir)
	must[wire.SetupAnswer](t)(c.Claim(t.Context(), wire.SetupRequest{Password: password, StartLocked: true}))
	must[wire.Person](t)(c.AddPerson(t.Context(), wire.Person{Name: canaryName}))
	hub.kill()
	_, c = running(t, dir)
	if _, err := c.Wipe(t.Context(), wire.WipeRequest{Word: "please"}); wire.Code(err) != wire.CodeForgetWord {
		t.Errorf("without the word: %s", explain(err))
	}
	must[wire.PrivacyReceipt](t)(c.Wipe(t.Context(), wire.WipeRequest{Word: wire.ForgetWord}))
	if s := must[wire.Status](t)(c.Status(t.Context())); s.State != wire.Unclaimed {
		t.Errorf("the hub is %s", s.State)
	}
	if _, err := os.Stat(filepath.Join(dir, "keys.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the keys are there: %v", err)
	}
}

// Somebody else's app that is called after who goes stays, and is called something else.
func TestAnAppThatBearsTheNameOfWhoGoes(t *testing.T) {
	t.Parallel()
	hub, c := running(t, shortDir(t))
	must[wire.SetupAnswer](t)(c.Setup(t.Context(), password))
	must[wire.Person](t)(c.AddPerson(t.Context(), wire.Person{Name: canaryName}))
	app := newPhone(t)
	code := must[wire.ClaimCode](t)(c.Invite(t.Context(), wire.Invitation{Role: wire.RoleMember}))
	if _, err := client.Pair(t.Context(), app.vault, hub.ready.API, code.Code, claim.App{Name: canaryName + "s Telefon", Platform: "android"}); err != nil {
		t.Fatal(explain(err))
	}
	must[wire.PrivacyReceipt](t)(c.Forget(t.Context(), wire.ForgetRequest{PrivacyScope: wire.PrivacyScope{Person: canaryName}, Password: password}))
	if list := must[[]wire.App](t)(c.Apps(t.Context())); len(list) != 1 || len(found([]byte(list[0].Name), canaries())) > 0 {
		t.Errorf("the apps are %+v", list)
	}
}

// Asked for several times at once, everything is forgotten once: the second must not reach a home that somebody
// began in between.
func TestEverythingOnce(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	_, c := running(t, dir)
	must[wire.SetupAnswer](t)(c.Setup(t.Context(), password))
	answers := make(chan error)
	for range 4 {
		go func() {
			_, err := c.Wipe(t.Context(), wire.WipeRequest{Word: wire.ForgetWord})
			answers <- err
		}()
	}
	done := 0
	for range 4 {
		if err := <-answers; err == nil {
			done++
		} else if wire.Code(err) != wire.CodeUnclaimed {
			t.Error(explain(err))
		}
	}
	if list := must[[]os.DirEntry](t)(os.ReadDir(filepath.Join(dir, "receipts"))); done != 1 || len(list) != 1 {
		t.Errorf("it was forgotten %d times, and there are %d receipts", done, len(list))
	}
}

// While somebody's recording rests, nothing is kept of where they are and what their body does; alarms are.
func TestARecordingThatRests(t *testing.T) {
	t.Parallel()
	n := newNest(t)
	kept := func(who, category string) (many int) {
		for _, i := range must[[]wire.PrivacyItem](t)(n.c.PrivacyInventory(t.Context(), wire.PrivacyScope{Person: who, Category: category}, "")) {
			if i.Kind != "presence" { // the newest only
				many += i.Count
			}
		}
		return many
	}
	rests := func(paused bool) {
		if err := n.c.PausePerson(t.Context(), wire.PausePerson{Person: "Noor", Paused: paused}); err != nil {
			t.Fatal(explain(err))
		}
	}
	goes := func(sim *setracker.Sim, lon string) {
		if err := errors.Join(sim.Do(t.Context(), "place", map[string][]string{"lat": {"52.12"}, "lon": {lon}}),
			sim.Do(t.Context(), "heart", map[string][]string{"rate": {"99"}})); err != nil {
			t.Fatal(err)
		}
	}
	rests(true)
	places, bodies, alarms, others := kept("Noor", "location"), kept("Noor", "health"), kept("Noor", "alarms"), kept(canaryName, "location")
	goes(n.other, "5.23")
	if err := n.other.Do(t.Context(), "fall", nil); err != nil {
		t.Fatal(err)
	}
	soon(t, "the fall is kept", func() bool { return kept("Noor", "alarms") > alarms })
	goes(n.watch, "5.24")
	soon(t, "what others report is kept", func() bool { return kept(canaryName, "location") > others })
	if kept("Noor", "location") != places || kept("Noor", "health") != bodies {
		t.Errorf("%d places and %d heart rates were kept, then %d and %d", places, bodies, kept("Noor", "location"), kept("Noor", "health"))
	}
	rests(false)
	goes(n.other, "5.25")
	soon(t, "places are kept again", func() bool { return kept("Noor", "location") > places })
}
