package setracker_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/setracker"
)

// vectors is what another program makes of recorded frames.
type vectors struct {
	Messages []struct {
		N       int    `json:"n"`
		Hex     string `json:"frame_hex"`
		Traccar struct {
			Device  string   `json:"device_id"`
			Decoded decoded  `json:"decoded"`
			Replies []string `json:"replies_hex"`
		} `json:"traccar"`
	} `json:"messages"`
	Frames []struct {
		Input string `json:"input_hex"`
		First string `json:"first_frame_hex"`
	} `json:"frames"`
	Commands []struct {
		Hex string `json:"frame_hex"`
	} `json:"commands"`
}

type decoded struct {
	Time     time.Time `json:"time"`
	Valid    bool      `json:"valid"`
	Lat      *float64  `json:"lat"`
	Lon      float64   `json:"lon"`
	Altitude float64   `json:"altitude_m"`
	Knots    float64   `json:"speed_knots"`
	Course   float64   `json:"course"`
	More     struct {
		Alarm      string `json:"alarm"`
		Battery    *int   `json:"batteryLevel"`
		Satellites int    `json:"sat"`
		Steps      *int   `json:"steps"`
		Heart      int    `json:"heartRate"`
	} `json:"attributes"`
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	dir := os.Getenv("INGLE_VECTORS")
	if dir == "" {
		t.Skip("INGLE_VECTORS names no folder with watch.json")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "watch.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Messages) == 0 || len(v.Frames) == 0 || len(v.Commands) == 0 {
		t.Fatal("watch.json lacks messages, frames or commands")
	}
	return v
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPositionsAgreeWithVectors(t *testing.T) {
	compared := 0
	for _, m := range readVectors(t).Messages {
		want := m.Traccar.Decoded
		if want.Lat == nil {
			continue
		}
		fs := cut(unhex(t, m.Hex))
		if len(fs) != 1 || fs[0].ID != m.Traccar.Device {
			t.Errorf("n=%d: %d frames", m.N, len(fs))
			continue
		}
		p, err := setracker.ParsePosition(fs[0].Body)
		if err != nil {
			t.Errorf("n=%d: %v", m.N, err)
		}
		if p.Place.Fixed != want.Valid || !p.At.Equal(want.Time) || p.Satellites != want.More.Satellites ||
			p.Battery != *want.More.Battery || p.Steps != *want.More.Steps {
			t.Errorf("n=%d: %+v\nwant %+v", m.N, p, want)
		}
		for name, pair := range map[string][2]float64{"lat": {p.Place.Lat, *want.Lat}, "lon": {p.Place.Lon, want.Lon},
			"altitude": {p.Altitude, want.Altitude}, "course": {p.Course, want.Course}, "speed": {p.Speed, want.Knots * 1.852}} {
			if math.Abs(pair[0]-pair[1]) > 1e-5 {
				t.Errorf("n=%d: %s %v, want %v", m.N, name, pair[0], pair[1])
			}
		}
		compared++
	}
	if compared < 10 {
		t.Fatalf("only %d positions compared", compared)
	}
	t.Logf("%d positions agree", compared)
}

// Each message to a running session: what it reports, and what it answers.
func TestSessionsAgreeWithVectors(t *testing.T) {
	for _, m := range readVectors(t).Messages {
		synctest.Test(t, func(t *testing.T) {
			s, want := newStreet(t), m.Traccar.Decoded
			c := s.config(m.Traccar.Device)
			if !want.Time.IsZero() {
				c.Now = func() time.Time { return want.Time }
			}
			r := begin(t, setracker.New(), c)
			line := s.call("10.0.0.1")
			said := line.say(string(unhex(t, m.Hex)))
			after(2 * time.Second) // for a length that is too large
			said += line.heard()
			// The other program takes one frame at a time; some rows hold the parts of a whole recording.
			parts := len(cut(unhex(t, m.Hex)))
			should := answers(t, m.Hex, m.Traccar.Replies)
			if parts == 1 && said != should || parts > 1 && (!strings.HasPrefix(said, should) || strings.Count(said, "]") != parts) {
				t.Errorf("n=%d: answered %q, want %q", m.N, said, should)
			}
			got := r.reported()
			for _, part := range reportOf(want) {
				if !strings.Contains(got+" ", part) {
					t.Errorf("n=%d: reported %q, want %q", m.N, got, part)
				}
			}
			if want.More.Alarm == "" && strings.Contains(got, "=true") {
				t.Errorf("n=%d: reported %q of no alarm", m.N, got)
			}
			r.end(t)
		})
	}
}

// answers is what the other program answers, and what the maker's text asks for beyond that. Voice is
// not kept here, and the watch is told so.
func answers(t *testing.T, in string, replies []string) string {
	out := ""
	for _, x := range replies {
		out += string(unhex(t, x))
	}
	f := cut(unhex(t, in))[0]
	more := map[string]string{"oxygen": "oxygen,1", "btemp2": "btemp2", "TK": "TK,0"}
	if text := more[f.Type]; out == "" && text != "" {
		out = fmt.Sprintf("[%s*%s*%04x*%s]", f.Maker, f.ID, len(text), text)
	}
	return strings.Replace(out, "JXTKR,1", "JXTKR,0", 1)
}

// reportOf is what of the other program's result has a trait.
func reportOf(want decoded) (out []string) {
	alarm := map[string]string{"sos": "sos", "removing": "taken-off", "general": "alarm", "lowBattery": "alarm"}
	if want.More.Alarm != "" {
		out = append(out, alarm[want.More.Alarm]+"=true ")
	}
	if want.More.Heart > 0 {
		out = append(out, fmt.Sprintf("heart=%d ", want.More.Heart))
	}
	if want.Lat != nil && (*want.Lat != 0 || want.Lon != 0) {
		lat, _ := json.Marshal(*want.Lat)
		lon, _ := json.Marshal(want.Lon)
		out = append(out, fmt.Sprintf(`where={"lat":%s,"lon":%s,`, lat, lon))
	}
	return out
}

func TestFramesAgreeWithVectors(t *testing.T) {
	for i, f := range readVectors(t).Frames {
		in, first := unhex(t, f.Input), unhex(t, f.First)
		got := cut(in)
		if len(got) == 0 {
			t.Errorf("frame %d: none", i)
			continue
		}
		// Escapes stay as they came: only a body that holds a recording has any.
		plain := strings.NewReplacer("}\x01", "}", "}\x02", "[", "}\x03", "]", "}\x04", ",", "}\x05", "*")
		raw := got[0].Type
		if len(got[0].Body) > 0 {
			raw += "," + plain.Replace(string(got[0].Body))
		}
		if !bytes.HasSuffix(first, []byte("*"+raw+"]")) {
			t.Errorf("frame %d: %q, want %q", i, raw, first)
		}
	}
	for i, c := range readVectors(t).Commands {
		want := unhex(t, c.Hex)
		if got := cut(want); len(got) != 1 || !bytes.Equal(got[0].Encode(), want) {
			t.Errorf("command %d: %q does not encode again", i, want)
		}
	}
}
