package export_test

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/export"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vaulttest"
)

// marker is in everything that must not be in an archive.
const marker = "xyzzy-7f3a"

// house is a home with two watches, a camera, and a store.
type house struct {
	*export.Desk
	readings archive.Readings
	has      home.Contents
	dir, out string
	id       []byte
	at       time.Time
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{dir: t.TempDir(), out: t.TempDir(), at: time.Date(2026, 11, 1, 8, 30, 0, 0, time.UTC)}
	must(t, vaulttest.Give(h.dir))
	v, err := vaulttest.Open(h.dir)
	must(t, err)
	store, err := records.Open(h.dir, v, archive.Personal()...)
	h.id = v.ID()
	must(t, errors.Join(err, v.Close()))
	t.Cleanup(func() { must(t, store.Close()) })
	h.readings = archive.Readings{Store: store}
	h.has = home.Contents{
		People: []home.Person{{ID: "p-1", Name: "Mia", Role: home.Member}, {ID: "p-2", Name: "=Noor & Co", Role: home.Owner}},
		Zones:  []home.Zone{{ID: "z-1", Name: "Noors School", Lat: 52.5, Lon: 13.4, Radius: 100}},
		Accessories: []home.Accessory{
			{ID: "a-1", Name: "Mia's Watch", Driver: "setracker", Kind: "watch", Address: "3456789012", Person: "p-1", Room: "Attic"},
			{ID: "a-2", Name: "Noor's Watch", Driver: "setracker", Kind: "watch", Person: "p-2", Room: "Cellar"},
			{ID: "a-3", Name: "Porch", Driver: "rtsp", Kind: "camera", Room: "Entrance",
				Address: "rtsp://viewer:" + marker + "@192.168.1.20/live?token=" + marker, Fields: map[string]string{"note": marker}},
		},
	}
	kept := archive.Home{Store: store}
	for _, a := range h.has.Accessories {
		must(t, kept.SaveAccessory(t.Context(), a, map[string]string{"password": marker}))
	}
	must(t, archive.Document[string]{Store: store, Name: "bridge"}.Save(t.Context(), marker))
	h.live(t)
	inside := map[string]time.Time{home.PresenceID("p-2", "z-1"): h.at}
	h.Desk = export.New(export.Options{Dir: h.dir, ID: h.id, Home: func() home.Contents { return h.has }, Readings: h.readings,
		Presence: func(context.Context) (map[string]time.Time, error) { return inside, nil },
		Now:      func() time.Time { return h.at }})
	return h
}

// live is a morning of the household.
func (h *house) live(t *testing.T) {
	t.Helper()
	for i := range 3 {
		at := h.at.Add(time.Duration(i) * time.Minute)
		step := float64(i) / 100
		must(t, h.readings.Keep(t.Context(), h.has.Accessories[0], trait.Where.Of(trait.Place{Lat: 52.1 + step, Lon: -5.2, Accuracy: 12, Fixed: i > 0}, at)))
		must(t, h.readings.Keep(t.Context(), h.has.Accessories[1], trait.Where.Of(trait.Place{Lat: 48.7, Lon: 9.1, Fixed: true}, at)))
		must(t, h.readings.Keep(t.Context(), h.has.Accessories[0], trait.Heart.Of(70+i, at)))
		must(t, h.readings.Keep(t.Context(), h.has.Accessories[1], trait.Heart.Of(141, at)))
	}
	must(t, h.readings.Keep(t.Context(), h.has.Accessories[0], trait.SOS.Of(true, h.at)))
}

// made makes an export and unpacks it.
func (h *house) made(t *testing.T, r wire.ExportRequest) (wire.Export, map[string]string) {
	t.Helper()
	r.Path = h.out
	if r.Person != "" {
		r.Path = filepath.Join(h.out, "one.zip")
	}
	e, err := h.Make(t.Context(), r)
	must(t, err)
	z, err := zip.OpenReader(e.Path)
	must(t, err)
	defer z.Close()
	files := map[string]string{}
	for _, f := range z.File {
		in, err := f.Open()
		must(t, err)
		raw, err := io.ReadAll(in)
		must(t, errors.Join(err, in.Close()))
		files[f.Name] = string(raw)
	}
	return e, files
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func names(files map[string]string) (list []string) {
	for name := range files {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// All that is kept is in it, in each of the forms, and nothing that opens the home.
func TestAll(t *testing.T) {
	h := newHouse(t)
	e, files := h.made(t, wire.ExportRequest{Language: "de"})
	if e.Readings != 13 || e.Size == 0 || filepath.Dir(e.Path) != h.out {
		t.Errorf("made: %+v", e)
	}
	if info, err := os.Stat(e.Path); err != nil || info.Mode().Perm() != 0o600 || info.Size() != e.Size {
		t.Errorf("the file: %v, %v", info.Mode(), err)
	}
	want := []string{"README.txt", "home.json", "ingle.sqlite", "positions/Mia.gpx", "positions/Noor---Co.gpx",
		"readings.jsonl", "readings/heart.csv", "readings/sos.csv", "readings/where.csv"}
	if got := names(files); !slices.Equal(got, want) {
		t.Errorf("in it there is %v", got)
	}
	for name, text := range files {
		if strings.Contains(text, marker) {
			t.Errorf("a secret is in %s", name)
		}
	}
	if !strings.Contains(files["README.txt"], "nicht verschlüsselt") {
		t.Errorf("the page: %s", files["README.txt"])
	}
	var about struct {
		People, Zones []struct{ Name string }
		Rooms         []string
		Accessories   []struct{ Name, Address string }
		Presence      []struct{ Person, Zone string }
	}
	must(t, json.Unmarshal([]byte(files["home.json"]), &about))
	if len(about.People) != 2 || len(about.Zones) != 1 || len(about.Rooms) != 3 || about.Accessories[2].Address != "rtsp://192.168.1.20/live" ||
		len(about.Presence) != 1 || about.Presence[0].Person != "p-2" || about.Presence[0].Zone != "Noors School" {
		t.Errorf("the home: %+v", about)
	}
	if left, err := os.ReadDir(h.out); err != nil || len(left) != 1 {
		t.Errorf("there lie %v, %v", left, err)
	}
}

func TestTables(t *testing.T) {
	h := newHouse(t)
	_, files := h.made(t, wire.ExportRequest{})
	heart, err := csv.NewReader(strings.NewReader(files["readings/heart.csv"])).ReadAll()
	must(t, err)
	if len(heart) != 7 || !slices.Equal(heart[1], []string{"2026-11-01T08:30:00.000Z", "a-1", "Mia's Watch", "Mia", "70"}) || heart[2][3] != "'=Noor & Co" {
		t.Errorf("hearts: %q", heart)
	}
	where, err := csv.NewReader(strings.NewReader(files["readings/where.csv"])).ReadAll()
	must(t, err)
	if len(where) != 7 || !slices.Equal(where[1][4:], []string{"52.1", "-5.2", "12", "false"}) {
		t.Errorf("places: %q", where)
	}
	lines, last := 0, ""
	for in := bufio.NewScanner(strings.NewReader(files["readings.jsonl"])); in.Scan(); lines++ {
		var r struct {
			Time         time.Time
			Trait, Value any
		}
		must(t, json.Unmarshal(in.Bytes(), &r))
		at := r.Time.Format(time.RFC3339)
		if at < last || r.Trait == "sos" && r.Value != true {
			t.Errorf("the line %s", in.Text())
		}
		last = at
	}
	if lines != 13 {
		t.Errorf("%d lines", lines)
	}
}

func TestTrack(t *testing.T) {
	h := newHouse(t)
	_, files := h.made(t, wire.ExportRequest{})
	var gpx struct {
		XMLName xml.Name `xml:"http://www.topografix.com/GPX/1/1 gpx"`
		Version string   `xml:"version,attr"`
		Creator string   `xml:"creator,attr"`
		Track   struct {
			Name   string `xml:"name"`
			Points []struct {
				Lat  float64   `xml:"lat,attr"`
				Lon  float64   `xml:"lon,attr"`
				Time time.Time `xml:"time"`
				Fix  string    `xml:"fix"`
			} `xml:"trkseg>trkpt"`
		} `xml:"trk"`
	}
	must(t, xml.Unmarshal([]byte(files["positions/Mia.gpx"]), &gpx))
	p := gpx.Track.Points
	if gpx.Version != "1.1" || gpx.Creator == "" || gpx.Track.Name != "Mia" || len(p) != 3 {
		t.Fatalf("the track: %+v", gpx)
	}
	if p[0].Lat != 52.1 || p[0].Lon != -5.2 || p[0].Fix != "none" || p[1].Fix != "" || !p[2].Time.Equal(h.at.Add(2*time.Minute)) {
		t.Errorf("the points: %+v", p)
	}
	must(t, xml.Unmarshal([]byte(files["positions/Noor---Co.gpx"]), &gpx))
	if gpx.Track.Name != "=Noor & Co" {
		t.Errorf("the other track is of %q", gpx.Track.Name)
	}
}

// The tools that a household finds anywhere open it.
func TestTools(t *testing.T) {
	unzip, err := exec.LookPath("unzip")
	sqlite, errSQLite := exec.LookPath("sqlite3")
	if err := errors.Join(err, errSQLite); err != nil {
		t.Skip(err)
	}
	h := newHouse(t)
	e, _ := h.made(t, wire.ExportRequest{})
	to := t.TempDir()
	if out, err := exec.Command(unzip, e.Path, "-d", to).CombinedOutput(); err != nil {
		t.Fatalf("unzip: %v\n%s", err, out)
	}
	ask := `SELECT p.name, max(r.value) FROM reading r JOIN person p ON p.id=r.person WHERE trait='heart' GROUP BY 1 ORDER BY 1;
		SELECT count(*), sum(fixed) FROM position; PRAGMA integrity_check`
	out, err := exec.Command(sqlite, filepath.Join(to, "ingle.sqlite"), ask).CombinedOutput()
	if err != nil || string(out) != "=Noor & Co|141\nMia|72\n6|5\nok\n" {
		t.Errorf("sqlite3: %v\n%s", err, out)
	}
}

// What is about one person has nothing in it about another.
func TestOnePerson(t *testing.T) {
	h := newHouse(t)
	e, files := h.made(t, wire.ExportRequest{Person: "mia"})
	if e.Readings != 7 {
		t.Errorf("%d readings", e.Readings)
	}
	if !strings.Contains(files["home.json"], "Mia's Watch") || !strings.Contains(files["README.txt"], "Mia") {
		t.Errorf("the home: %s", files["home.json"])
	}
	if files["positions/Mia.gpx"] == "" {
		t.Errorf("in it there is %v", names(files))
	}
	for name, text := range files {
		for _, other := range []string{"Noor", "p-2", "a-2", "141", "48.7", "Cellar", "School", "Porch", "a-3", "Entrance", marker} {
			if strings.Contains(name+text, other) {
				t.Errorf("%q is in %s", other, name)
			}
		}
	}
}

// What cannot be is refused with a code that has a text, and leaves what is there.
func TestRefused(t *testing.T) {
	h := newHouse(t)
	taken := filepath.Join(h.out, "taken")
	must(t, os.WriteFile(taken, []byte("mine"), 0o600))
	link := filepath.Join(h.out, "link")
	must(t, os.Symlink(h.dir, link))
	for _, c := range []struct{ path, person, want string }{
		{"relative", "", "backup.path"}, {taken, "", "export.exists"}, {filepath.Join(h.out, "missing", "x"), "", "export.folder"},
		{h.dir, "", "export.inside"}, {link, "", "export.inside"}, {filepath.Join(h.dir, "x"), "", "export.inside"},
		{h.out, "nobody", "export.person"},
	} {
		_, err := h.Make(t.Context(), wire.ExportRequest{Path: c.path, Person: c.person})
		if got := wire.Code(err); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.path, c.person, got, c.want)
		}
	}
	if raw, err := os.ReadFile(taken); err != nil || string(raw) != "mine" {
		t.Errorf("the file that was there: %q, %v", raw, err)
	}
}

// Somebody hangs up in the middle: nothing is left, and the next export removes what a power cut left.
func TestEnded(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(h.out, "x.zip")
	if _, err := h.Make(ctx, wire.ExportRequest{Path: path}); err == nil {
		t.Error("an export that was given up was made")
	}
	if left, err := os.ReadDir(h.out); err != nil || len(left) > 0 {
		t.Errorf("there lie %v, %v", left, err)
	}
	own := "." + hex.EncodeToString(h.id[:4])
	mine := []string{own + ".ingle-export.part", own + ".ingle-tables.part"}
	others := []string{".00000000.ingle-export.part", ".x.zip.ingle-export.part", own + ".part"}
	for _, name := range slices.Concat(mine, others) {
		must(t, os.WriteFile(filepath.Join(h.out, name), []byte("x"), 0o600))
	}
	_, err := h.Make(t.Context(), wire.ExportRequest{Path: path})
	must(t, err)
	left, err := os.ReadDir(h.out)
	must(t, err)
	var names []string
	for _, e := range left {
		names = append(names, e.Name())
	}
	if want := append(others, "x.zip"); !slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(want))) {
		t.Errorf("there lie %v, want %v", names, want)
	}
}
