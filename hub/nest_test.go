package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	buttplug "github.com/ingle-home/ingle/accessories/buttplug/sim"
	onvif "github.com/ingle-home/ingle/accessories/onvif/sim"
	setracker "github.com/ingle-home/ingle/accessories/setracker/sim"
	"github.com/ingle-home/ingle/hub/api/claim"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/hap/haptest"
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
	canaryLens  = "Specularium" // a camera
	canaryPhone = "Telephonium"
	canaryText  = "Syngraphus" // of a consent
	canaryWatch = "6172839405"
	canaryLat   = "46.8261735"
	canaryLon   = "7.9174628"
	zoneLat     = "46.8261841" // of a zone whose name names the person; the watch is in it
	zoneLon     = "7.9174319"
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
	camera *onvif.Sim
	toy    *buttplug.Sim
	ids    map[string]string // by name
	backup string
	film   string // some bytes of the clip
	creds  haptest.Credentials
	app    *phone
	phone  *client.Client

	devices bool // their memories are searched
}

func newNest(t *testing.T) *nest {
	t.Helper()
	return newNestIn(t, shortDir(t))
}

func newNestIn(t *testing.T, dir string) *nest {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("the simulated camera needs ffmpeg")
	}
	n := &nest{t: t, dir: dir, devices: true, ids: map[string]string{}}
	var address string
	n.port, address = door(t)
	n.hub, n.c = running(t, n.dir, "--watch-port", n.port)
	if _, err := n.c.Setup(t.Context(), password); err != nil {
		t.Fatal(explain(err))
	}
	n.watch = must[*setracker.Sim](t)(setracker.Start(setracker.Options{ID: canaryWatch, Hub: address, Repeat: 100 * time.Millisecond}))
	n.other = must[*setracker.Sim](t)(setracker.Start(setracker.Options{ID: otherWatch, Hub: address, Repeat: 100 * time.Millisecond}))
	n.camera = must[*onvif.Sim](t)(onvif.Start(onvif.Options{User: "ingle", Password: markSecret, Recordings: 2, Dir: os.TempDir()}))
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
	lat, _ := strconv.ParseFloat(zoneLat, 64) // they are numbers
	lon, _ := strconv.ParseFloat(zoneLon, 64)
	for _, z := range []wire.Zone{{Name: canaryZone, Lat: lat, Lon: lon, Radius: 100}, {Name: "School", Lat: 52.11, Lon: 5.22, Radius: 150}} {
		n.ids[z.Name] = must[wire.Zone](t)(n.c.AddZone(ctx, z)).ID
	}
	for _, a := range []wire.AddRequest{
		{Name: canaryBand, Driver: "setracker", Address: canaryWatch, Person: canaryName, Room: canaryRoom},
		{Name: canaryToy, Driver: "buttplug", Address: n.toy.Address(), Person: canaryName},
		{Name: "Band", Driver: "setracker", Address: otherWatch, Person: "Noor", Room: "Office"},
		{Name: canaryLens, Driver: "onvif", Address: n.camera.Address(), Room: canaryRoom,
			Fields: map[string]string{"user": "ingle"}, Secret: map[string]string{"password": markSecret}},
	} {
		n.ids[a.Name] = must[wire.Accessory](t)(n.c.Add(ctx, a)).ID
	}
	must[wire.ClipRule](t)(n.c.SetClipRule(ctx, canaryLens, wire.ClipRule{On: true, People: []string{canaryName, "Noor"}}))
	for _, who := range []string{canaryName, "Noor"} {
		if err := errors.Join(n.c.NoteConsent(ctx, wire.Consent{Person: who, What: canaryText, Version: "1", Given: true}),
			n.c.SetRetention(ctx, wire.RetentionRule{Category: "location", Person: who, Days: 5})); err != nil {
			t.Fatal(explain(err))
		}
	}
	code := must[wire.ClaimCode](t)(n.c.Invite(ctx, wire.Invitation{Person: canaryName}))
	n.app = newPhone(t)
	if _, err := client.Pair(ctx, n.app.vault, n.hub.ready.API, code.Code, claim.App{Name: canaryPhone, Platform: "android"}); err != nil {
		t.Fatal(explain(err))
	}
	n.phone = n.app.calls(n.hub)
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
		_ = n.c.Record(ctx, canaryLens) // not before its pictures come
		list, err := n.c.Clips(ctx, canaryLens)
		return err == nil && len(list) > 0
	})
	soon(t, "it is looked at", func() bool {
		_, err := n.c.Still(ctx, n.ids[canaryLens], 320, 180)
		return err == nil
	})
	n.film = n.some(must[[]wire.Clip](t)(n.c.Clips(ctx, canaryLens))[0].ID)
	n.backup = filepath.Join(shortDir(t), "home.ingle-backup")
	must[wire.Backup](t)(n.c.Backup(ctx, wire.BackupRequest{Path: n.backup}))
}

// some gives bytes from the middle of a clip's picture, which nothing else has.
func (n *nest) some(clip string) (film string) {
	soon(n.t, "a clip has a picture", func() bool {
		raw, err := n.c.ClipStill(n.t.Context(), clip)
		if err != nil || len(raw) < 1024 {
			return false
		}
		film = string(raw[len(raw)/2:][:32])
		return true
	})
	return film
}

// canaries are the words of the scope that must be gone.
func canaries() []string {
	return []string{canaryName, canaryBand, canaryToy, canaryPhone, canaryWatch, canaryLat, canaryLon, zoneLat, zoneLon}
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
		for _, s := range append(textShapes(w), numberShapes(w)...) {
			if bytes.Contains(b, s.raw) {
				list = append(list, w+" as "+s.form)
			}
		}
	}
	return list
}

// numberShapes are those of a word that is a position.
func numberShapes(w string) []shape {
	f, err := strconv.ParseFloat(w, 64)
	if err != nil || !strings.Contains(w, ".") {
		return nil
	}
	bits := math.Float64bits(f)
	return []shape{{w, "float", binary.BigEndian.AppendUint64(nil, bits)}, {w, "float", binary.LittleEndian.AppendUint64(nil, bits)}}
}

// told is all that the hub tells the owner, and what is in the simulators' memory, by name.
func (n *nest) told() map[string][]byte {
	t, ctx := n.t, n.t.Context()
	all := map[string][]byte{}
	socket := socketOf(n.hub)
	for _, path := range []string{"accessories", "people", "zones", "troubles", "apps", "tokens", "homekit", "clips", "backup", "privacy/inventory",
		"privacy/receipts", "privacy/retention", "privacy/consents", "privacy/paused", "privacy/cleanup", "snapshot", "holdings", "labels", "ledger", "security"} {
		all["API "+path] = get(t, socket, "http://hub/api/v1/"+path, "")
	}
	for _, a := range must[[]wire.Accessory](t)(n.c.Accessories(ctx)) {
		all["history of "+a.ID] = get(t, socket, "http://hub/api/v1/accessories/"+a.ID+"/history?trait=where", "")
	}
	all["events"] = get(t, socket, "http://hub/api/v1/events", "1")
	for name, sim := range map[string]interface{ State() any }{"watch": n.watch, "camera": n.camera, "toy": n.toy} {
		if n.devices {
			all["memory of "+name] = must[[]byte](t)(json.Marshal(sim.State()))
		}
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

// socketOf asks a hub as somebody who sits at it.
func socketOf(hub *process) *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", hub.ready.Socket)
	}}}
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
	searched(n.t, n.dir, n.hub, words)
}

// searched wants none of the words in a hub's folder and its log.
func searched(t *testing.T, dir string, hub *process, words []string) {
	t.Helper()
	if hits := found([]byte(hub.log.String()), words); len(hits) > 0 {
		t.Errorf("the log has %q", hits)
	}
	err := filepath.WalkDir(dir, func(path string, f fs.DirEntry, err error) error {
		if err != nil || !f.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if hits := found(append(raw, f.Name()...), words); len(hits) > 0 {
			t.Errorf("%s has %q", f.Name(), hits)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
