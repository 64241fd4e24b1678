package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	buttplug "github.com/ingle-home/ingle/accessories/buttplug/sim"
	rtsp "github.com/ingle-home/ingle/accessories/rtsp/sim"
	setracker "github.com/ingle-home/ingle/accessories/setracker/sim"
	"github.com/ingle-home/ingle/hub/api/claim"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/privacy"
	"github.com/ingle-home/ingle/hub/privacy/receipt"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// What is planted of one person, and must not be found once that person is forgotten.
const (
	canaryName  = "Vexillina"
	canaryBand  = "Umbraculum" // what the watch is called
	canaryToy   = "Tintinnabulum"
	canaryRoom  = "Vexillinas Zimmer"
	canaryZone  = "Vexillinas Hof"
	canaryPhone = "Telephonium"
	canaryText  = "Syngraphus" // of a consent
	canaryWatch = "6172839405"
	canaryLat   = "46.8261735"
	canaryLon   = "7.9174628"
	otherWatch  = "5061728394"
)

// nest is a home in which one person is to be forgotten, and others are not.
type nest struct {
	t      *testing.T
	dir    string
	port   string
	hub    *process
	c      *client.Client
	watch  *setracker.Sim
	other  *setracker.Sim
	camera *rtsp.Sim
	toy    *buttplug.Sim
	ids    map[string]string // by name
	backup string
	creds  haptest.Credentials
	phone  *client.Client
}

func newNest(t *testing.T) *nest {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("the simulated camera needs ffmpeg")
	}
	n := &nest{t: t, dir: shortDir(t), ids: map[string]string{}}
	var address string
	n.port, address = door(t)
	n.hub, n.c = running(t, n.dir, "--watch-port", n.port)
	if _, err := n.c.Setup(t.Context(), password); err != nil {
		t.Fatal(explain(err))
	}
	n.watch = must[*setracker.Sim](t)(setracker.Start(setracker.Options{ID: canaryWatch, Hub: address, Repeat: 100 * time.Millisecond}))
	n.other = must[*setracker.Sim](t)(setracker.Start(setracker.Options{ID: otherWatch, Hub: address, Repeat: 100 * time.Millisecond}))
	n.camera = must[*rtsp.Sim](t)(rtsp.Start(rtsp.Options{User: "ingle", Password: markSecret}))
	n.toy = must[*buttplug.Sim](t)(buttplug.Start(buttplug.Options{}))
	for _, sim := range []io.Closer{n.watch, n.other, n.camera, n.toy} {
		t.Cleanup(func() { _ = sim.Close() })
	}
	n.furnish()
	n.live()
	return n
}

// furnish plants the canary in every field that takes a text.
func (n *nest) furnish() {
	t, ctx := n.t, n.t.Context()
	for _, p := range []wire.Person{{Name: canaryName}, {Name: "Noor", Role: "guardian"}} {
		n.ids[p.Name] = must[wire.Person](t)(n.c.AddPerson(ctx, p)).ID
	}
	lat, _ := strconv.ParseFloat(canaryLat, 64) // they are numbers
	lon, _ := strconv.ParseFloat(canaryLon, 64)
	for _, z := range []wire.Zone{{Name: canaryZone, Lat: lat, Lon: lon, Radius: 100}, {Name: "School", Lat: 52.11, Lon: 5.22, Radius: 150}} {
		n.ids[z.Name] = must[wire.Zone](t)(n.c.AddZone(ctx, z)).ID
	}
	for _, a := range []wire.AddRequest{
		{Name: canaryBand, Driver: "setracker", Address: canaryWatch, Person: canaryName, Room: canaryRoom},
		{Name: canaryToy, Driver: "buttplug", Address: n.toy.Address(), Person: canaryName},
		{Name: "Band", Driver: "setracker", Address: otherWatch, Person: "Noor", Room: "Office"},
		{Name: "Porch", Driver: "rtsp", Address: n.camera.Address(), Room: canaryRoom,
			Fields: map[string]string{"user": "ingle"}, Secret: map[string]string{"password": markSecret}},
	} {
		n.ids[a.Name] = must[wire.Accessory](t)(n.c.Add(ctx, a)).ID
	}
	must[wire.ClipRule](t)(n.c.SetClipRule(ctx, "Porch", wire.ClipRule{On: true, People: []string{canaryName, "Noor"}}))
	for _, who := range []string{canaryName, "Noor"} {
		if err := errors.Join(n.c.NoteConsent(ctx, wire.Consent{Person: who, What: canaryText, Version: "1", Given: true}),
			n.c.SetRetention(ctx, wire.RetentionRule{Category: "location", Person: who, Days: 5})); err != nil {
			t.Fatal(explain(err))
		}
	}
	code := must[wire.ClaimCode](t)(n.c.Invite(ctx, wire.Invitation{Person: canaryName}))
	app := newPhone(t)
	if _, err := client.Pair(ctx, app.vault, n.hub.ready.API, code.Code, claim.App{Name: canaryPhone, Platform: "android"}); err != nil {
		t.Fatal(explain(err))
	}
	n.phone = app.calls(n.hub)
	for _, h := range must[wire.Status](t)(n.c.Status(ctx)).HomeKit {
		if h.Kind == "bridge" {
			n.creds = must[haptest.Credentials](t)(haptest.Pair(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(h.Port)), h.SetupCode, haptest.Options{}))
		}
	}
}

// live is a day: positions, steps, an alarm, a clip, a backup.
func (n *nest) live() {
	t, ctx := n.t, n.t.Context()
	for sim, place := range map[*setracker.Sim][2]string{n.watch: {canaryLat, canaryLon}, n.other: {"52.11", "5.22"}} {
		soon(t, "a watch calls", func() bool { return sim.State().(setracker.State).Connected })
		if err := errors.Join(sim.Do(ctx, "place", map[string][]string{"lat": {place[0]}, "lon": {place[1]}}),
			sim.Do(ctx, "heart", map[string][]string{"rate": {"71"}}), sim.Do(ctx, "sos", nil)); err != nil {
			t.Fatal(err)
		}
	}
	soon(t, "all is stored", func() bool {
		kinds := map[string]int{}
		for _, i := range must[[]wire.PrivacyItem](t)(n.c.PrivacyInventory(ctx, wire.PrivacyScope{}, "")) {
			if i.Person != "" {
				kinds[i.Kind+i.Person] += i.Count
			}
		}
		all := true
		for _, who := range []string{canaryName, "Noor"} {
			for _, kind := range []string{"location", "heart", "alarm"} {
				all = all && kinds[kind+n.ids[who]] > 0
			}
		}
		return all
	})
	soon(t, "a clip is made", func() bool {
		_ = n.c.Record(ctx, "Porch") // not before its pictures come
		list, err := n.c.Clips(ctx, "Porch")
		return err == nil && len(list) > 0
	})
	n.backup = filepath.Join(shortDir(t), "home.ingle-backup")
	must[wire.Backup](t)(n.c.Backup(ctx, wire.BackupRequest{Path: n.backup}))
}

// canaries are the words of the scope that must be gone.
func canaries() []string {
	return []string{canaryName, canaryBand, canaryToy, canaryPhone, canaryWatch, canaryLat, canaryLon}
}

// found names each word that lies in b, in any shape, also in a zip or gzip.
func found(b []byte, words []string) (list []string) {
	if z, err := zip.NewReader(bytes.NewReader(b), int64(len(b))); err == nil {
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				return []string{err.Error()}
			}
			inside, err := io.ReadAll(r)
			_ = r.Close()
			if err != nil {
				return []string{err.Error()}
			}
			list = append(list, found(append(inside, f.Name...), words)...)
		}
	}
	if z, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
		if inside, err := io.ReadAll(z); err == nil {
			list = append(list, found(inside, words)...)
		}
	}
	for _, w := range words {
		for _, s := range textShapes(w) {
			if bytes.Contains(b, s.raw) {
				list = append(list, w+" as "+s.form)
			}
		}
	}
	return list
}

// told is all that the hub tells the owner, and what is in the simulators' memory, by name.
func (n *nest) told() map[string][]byte {
	t, ctx := n.t, n.t.Context()
	all := map[string][]byte{}
	socket := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", n.hub.ready.Socket)
	}}}
	for _, path := range []string{"accessories", "people", "zones", "troubles", "apps", "tokens", "homekit", "clips", "backup", "privacy/inventory",
		"privacy/receipts", "privacy/retention", "privacy/consents", "privacy/paused", "privacy/cleanup", "snapshot"} {
		all["API "+path] = get(t, socket, "http://hub/api/v1/"+path, "")
	}
	all["events"] = get(t, socket, "http://hub/api/v1/events", "1")
	for name, sim := range map[string]interface{ State() any }{"watch": n.watch, "camera": n.camera, "toy": n.toy} {
		all["memory of "+name] = must[[]byte](t)(json.Marshal(sim.State()))
	}
	export := filepath.Join(t.TempDir(), "export.zip")
	must[wire.Export](t)(n.c.Export(ctx, wire.ExportRequest{Password: password, Path: export}))
	all["an export"] = must[[]byte](t)(os.ReadFile(export))
	for _, h := range must[wire.Status](t)(n.c.Status(ctx)).HomeKit {
		if h.Kind == "bridge" {
			k := must[*haptest.Client](t)(haptest.Open(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(h.Port)), n.creds))
			_, raw, err := k.Do("GET", "/accessories", nil)
			_ = k.Close()
			all["HomeKit"] = must[[]byte](t)(raw, err)
		}
	}
	return all
}

// get reads an answer, of a stream what comes within a moment.
func get(t *testing.T, c *http.Client, address, last string) []byte {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req := must[*http.Request](t)(http.NewRequestWithContext(ctx, "GET", address, nil))
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
		time.AfterFunc(500*time.Millisecond, cancel)
	}
	resp := must[*http.Response](t)(c.Do(req))
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil && last == "" {
		t.Fatal(err)
	}
	return raw
}

// dump opens the store of a hub that has ended, and gives what is in it, in the clear: by whose it is.
func (n *nest) dump() map[string][]string {
	t, ctx := n.t, n.t.Context()
	v := must[*vault.Vault](t)(vault.Open(n.dir, password))
	defer v.Close()
	s := must[*records.Store](t)(records.Open(n.dir, v, archive.Personal()...))
	defer s.Close()
	all := map[string][]string{}
	add := func(r records.Record) error {
		all[r.Subject] = append(all[r.Subject], fmt.Sprintf("%s %s %s %s", r.Kind, r.ID, r.At.Format(time.RFC3339Nano), r.Body))
		return nil
	}
	for _, kind := range []string{"person", "zone", "accessory", "secrets", "alarm", "document", "segment", "media-key"} {
		for _, r := range must[[]records.Record](t)(s.List(ctx, kind)) {
			_ = add(r)
		}
	}
	if err := s.Walk(ctx, "", nil, add); err != nil {
		t.Fatal(err)
	}
	return all
}

// forget has something forgotten, and judges the receipt.
func (n *nest) forget(s wire.PrivacyScope) receipt.Verified {
	t := n.t
	t.Helper()
	q := wire.ForgetRequest{PrivacyScope: s, Password: "not the password at all"}
	if _, err := n.c.Forget(t.Context(), q); wire.Code(err) != wire.CodePassword {
		t.Fatalf("with a wrong password: %s", explain(err))
	}
	q.Password = password
	got := must[wire.PrivacyReceipt](t)(n.c.Forget(t.Context(), q))
	v := must[receipt.Verified](t)(receipt.Verify([]byte(got.File)))
	if hits := found([]byte(got.File), append(canaries(), "Noor", n.ids[canaryName], n.ids[canaryBand])); len(hits) > 0 {
		t.Errorf("the receipt tells %q", hits)
	}
	return v
}

// clean wants none of the words anywhere, while the hub runs and after it has ended.
func (n *nest) clean(words []string) (left map[string][]string) {
	t := n.t
	t.Helper()
	for place, raw := range n.told() {
		if hits := found(raw, words); len(hits) > 0 {
			t.Errorf("%s has %q", place, hits)
		}
	}
	if err := n.hub.stop(); err != nil {
		t.Error(err)
	}
	n.folder(words)
	left = n.dump()
	for subject, rows := range left {
		if hits := found([]byte(strings.Join(rows, "\n")), words); len(hits) > 0 {
			t.Errorf("%s still has %q", subject, hits)
		}
	}
	return left
}

// folder searches the hub's folder and its log.
func (n *nest) folder(words []string) {
	n.t.Helper()
	if hits := found([]byte(n.hub.log.String()), words); len(hits) > 0 {
		n.t.Errorf("the log has %q", hits)
	}
	err := filepath.WalkDir(n.dir, func(path string, f fs.DirEntry, err error) error {
		if err != nil || !f.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if hits := found(append(raw, f.Name()...), words); len(hits) > 0 {
			n.t.Errorf("%s has %q", f.Name(), hits)
		}
		return err
	})
	if err != nil {
		n.t.Fatal(err)
	}
}

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
	q := wire.ForgetRequest{PrivacyScope: wire.PrivacyScope{Everything: true}, Password: password}
	if _, err := n.c.Forget(t.Context(), q); wire.Code(err) != wire.CodeForgetWord {
		t.Fatalf("without the word: %s", explain(err))
	}
	q.Word = wire.ForgetWord
	got := must[wire.PrivacyReceipt](t)(n.c.Forget(t.Context(), q))
	must[receipt.Verified](t)(receipt.Verify([]byte(got.File)))
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
