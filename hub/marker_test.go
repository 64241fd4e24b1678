package main

import (
	"bytes"
	"crypto/tls"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"io"
	"io/fs"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	_ "github.com/mattn/go-sqlite3" // the control: what an unsealed store shows

	rtsp "github.com/ingle-home/ingle/accessories/rtsp/sim"
	setracker "github.com/ingle-home/ingle/accessories/setracker/sim"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// What is planted in a home, to be searched for in every byte that the hub writes.
const (
	markSecret = "Zirkon-wharf-40817"
	markPerson = "Quirinalda"
	markZone   = "Xanthoburg"
	markWatch  = "7391846205"
	markLat    = 47.3917462 // of the zone
	markLon    = 8.5402913
	placeLat   = 46.8172635 // where the watch is
	placeLon   = 7.1739284
)

// shape is one way in which a planted value could lie in a file.
type shape struct {
	of   string
	form string
	raw  []byte
}

func shapes() []shape {
	list := []shape{}
	for _, m := range []string{markSecret, markPerson, markZone, markWatch} {
		list = append(list, textShapes(m)...)
	}
	for _, f := range []float64{markLat, markLon, placeLat, placeLon} {
		m := strconv.FormatFloat(f, 'f', -1, 64)
		list = append(list, textShapes(m)...)
		list = append(list,
			shape{m, "float", binary.BigEndian.AppendUint64(nil, math.Float64bits(f))},
			shape{m, "float", binary.LittleEndian.AppendUint64(nil, math.Float64bits(f))})
	}
	return list
}

func textShapes(m string) []shape {
	backwards := []byte(m)
	slices.Reverse(backwards)
	list := []shape{
		{m, "raw", []byte(m)}, {m, "backwards", backwards},
		{m, "hex", []byte(hex.EncodeToString([]byte(m)))},
		{m, "hex", []byte(strings.ToUpper(hex.EncodeToString([]byte(m))))},
	}
	var little, big []byte
	for _, u := range utf16.Encode([]rune(m)) {
		little, big = binary.LittleEndian.AppendUint16(little, u), binary.BigEndian.AppendUint16(big, u)
	}
	list = append(list, shape{m, "utf-16", little}, shape{m, "utf-16", big})
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			// What lies around the value changes the characters at both ends: these are cut off.
			code := e.EncodeToString(append(make([]byte, before), m...))
			code = code[(before*8+5)/6:]
			code = code[:len(code)-1]
			list = append(list, shape{m, "base64", []byte(code)})
		}
	}
	return list
}

// hits names every shape that lies in b.
func hits(b []byte) []string {
	var list []string
	for _, s := range shapes() {
		if bytes.Contains(b, s.raw) {
			list = append(list, s.of+" as "+s.form)
		}
	}
	return list
}

// searchFolder reports every shape in any file below dir, and how many bytes it read.
func searchFolder(t *testing.T, dir string) (found []string, size int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, f fs.DirEntry, err error) error {
		if err != nil || !f.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		size += len(raw)
		for _, h := range hits(append([]byte(f.Name()), raw...)) {
			found = append(found, f.Name()+": "+h)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found, size
}

// TestTheSearchFindsWhatIsNotSealed is the control: a plain database shows every shape that is put in.
func TestTheSearchFindsWhatIsNotSealed(t *testing.T) {
	dir := t.TempDir()
	db := must[*sql.DB](t)(sql.Open("sqlite3", filepath.Join(dir, "plain.db")))
	if _, err := db.Exec("CREATE TABLE plain (body, number REAL)"); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for i, s := range shapes() {
		body := slices.Concat([]byte("around "), s.raw, []byte(" it"))
		if _, err := db.Exec("INSERT INTO plain VALUES (?, ?)", body, float64(i)+0.5); err != nil {
			t.Fatal(err)
		}
		want[s.of+" as "+s.form] = true
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	found, _ := searchFolder(t, dir)
	for h := range want {
		if !slices.Contains(found, "plain.db: "+h) {
			t.Errorf("not found: %s", h)
		}
	}
	// And a value in the middle of a longer one, at each alignment.
	for before := range 3 {
		code := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + markSecret + "tail"))
		if len(hits([]byte(code))) == 0 {
			t.Errorf("not found in base64 after %d bytes", before)
		}
	}
}

func TestNothingLiesInTheClear(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("the simulated camera needs ffmpeg")
	}
	t.Parallel()
	dir := shortDir(t)
	port, address := door(t)
	hub, c := running(t, dir, "--watch-port", port)
	if _, err := c.Setup(t.Context(), password); err != nil {
		t.Fatal(explain(err))
	}
	plant(t, c, address)
	before := telemetry(t, dir)
	soon(t, "the position is on the disk", func() bool { return !bytes.Equal(before, telemetry(t, dir)) })

	clean := func(when string) {
		t.Helper()
		found, size := searchFolder(t, dir)
		if size < 50_000 {
			t.Errorf("%s: only %d bytes were searched", when, size)
		}
		if len(found) > 0 {
			t.Errorf("%s the folder shows %q", when, found)
		}
	}
	clean("while it runs")
	strangers(t, hub)
	hub.kill()
	clean("after kill -9")

	again, c := running(t, dir, "--watch-port", port)
	strangers(t, again)
	if err := c.Unlock(t.Context(), password); err != nil {
		t.Fatal(explain(err))
	}
	people := must[[]wire.Person](t)(c.People(t.Context()))
	zones := must[[]wire.Zone](t)(c.Zones(t.Context()))
	if len(people) != 1 || people[0].Name != markPerson || len(zones) != 1 || zones[0].Lat != markLat {
		t.Errorf("what was planted is not there: %v %v", people, zones)
	}
	if err := again.stop(); err != nil {
		t.Error(err)
	}
	clean("after it was stopped")
	for _, p := range []*process{hub, again} {
		if found := hits([]byte(p.log.String())); len(found) > 0 {
			t.Errorf("the log shows %q", found)
		}
	}
}

// plant puts every marker into the home.
func plant(t *testing.T, c *client.Client, address string) {
	t.Helper()
	camera := must[*rtsp.Sim](t)(rtsp.Start(rtsp.Options{User: "ingle", Password: markSecret}))
	t.Cleanup(func() { _ = camera.Close() })
	watch := must[*setracker.Sim](t)(setracker.Start(setracker.Options{ID: markWatch, Hub: address, Repeat: 100 * time.Millisecond}))
	t.Cleanup(func() { _ = watch.Close() })
	must[wire.Person](t)(c.AddPerson(t.Context(), wire.Person{Name: markPerson}))
	must[wire.Zone](t)(c.AddZone(t.Context(), wire.Zone{Name: markZone, Lat: markLat, Lon: markLon, Radius: 100}))
	must[wire.Accessory](t)(c.Add(t.Context(), wire.AddRequest{Name: "Band", Driver: "setracker", Address: markWatch, Person: markPerson}))
	must[wire.Accessory](t)(c.Add(t.Context(), wire.AddRequest{Name: "Porch", Driver: "rtsp", Address: camera.Address(),
		Fields: map[string]string{"user": "ingle"}, Secret: map[string]string{"password": markSecret}}))
	wrong := wire.AddRequest{Name: "Yard", Driver: "rtsp", Address: camera.Address(),
		Fields: map[string]string{"user": "ingle"}, Secret: map[string]string{"password": markSecret + "x"}}
	if _, err := c.Add(t.Context(), wrong); wire.Code(err) != "hub.login" || len(hits([]byte(explain(err)))) > 0 {
		t.Errorf("a wrong password: %s", explain(err))
	}
	soon(t, "the watch calls", func() bool { return watch.State().(setracker.State).Connected })
	place := url.Values{"lat": {strconv.FormatFloat(placeLat, 'f', -1, 64)}, "lon": {strconv.FormatFloat(placeLon, 'f', -1, 64)}}
	if err := watch.Do(t.Context(), "place", place); err != nil {
		t.Fatal(err)
	}
	if err := watch.Do(t.Context(), "sos", nil); err != nil {
		t.Fatal(err)
	}
	soon(t, "the hub knows where the watch is", func() bool {
		things := must[[]wire.Accessory](t)(c.Accessories(t.Context()))
		where, _ := things[0].Value("where")
		return strings.Contains(string(where.Value), strconv.FormatFloat(placeLat, 'f', -1, 64))
	})
	if err := camera.Do(t.Context(), "drop", nil); err != nil {
		t.Fatal(err)
	}
}

// telemetry is what the database of readings has on disk.
func telemetry(t *testing.T, dir string) []byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "telemetry-*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no telemetry: %v", err)
	}
	var all []byte
	for _, f := range files {
		all = append(all, must[[]byte](t)(os.ReadFile(f))...)
	}
	return all
}

// strangers asks, without any right, everything that could be asked.
func strangers(t *testing.T, p *process) {
	t.Helper()
	insecure := &http.Client{Timeout: patience, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	var places []string
	for _, path := range []string{"/", "/.well-known/security.txt", "/api/v1/status", "/api/v1/accessories", "/api/v1/people",
		"/api/v1/zones", "/api/v1/troubles", "/api/v1/events", "/api/v1/snapshot", "/openapi.json", "/docs"} {
		places = append(places, p.ready.API+path)
	}
	c := client.Dial(p.ready.Socket)
	defer c.Close()
	s := must[wire.Status](t)(c.Status(t.Context()))
	for _, h := range s.HomeKit {
		at := "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(h.Port))
		places = append(places, at+"/accessories", at+"/characteristics?id=1.2", at+"/pairings", at+"/resource")
	}
	for _, place := range places {
		resp, err := insecure.Get(place)
		if err != nil {
			t.Errorf("%s: %v", place, err)
			continue
		}
		body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		_ = resp.Body.Close()
		found := hits(append(body, []byte(resp.Header.Get("Link"))...))
		if err != nil || len(found) > 0 {
			t.Errorf("%s tells a stranger %q (%v)", place, found, err)
		}
	}
}
