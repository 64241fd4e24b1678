package setracker_test

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/accessories/setracker"
)

func TestPositionsAgreeWithVectors(t *testing.T) {
	dir := os.Getenv("INGLE_VECTORS")
	if dir == "" {
		t.Skip("INGLE_VECTORS names no folder with watch.json")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "watch.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Messages []struct {
			N       int    `json:"n"`
			Hex     string `json:"frame_hex"`
			Traccar struct {
				Decoded json.RawMessage `json:"decoded"`
			} `json:"traccar"`
		} `json:"messages"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, m := range file.Messages {
		b, _ := hex.DecodeString(m.Hex)
		var want struct {
			Valid    bool
			Lat, Lon *float64
		}
		if json.Unmarshal(m.Traccar.Decoded, &want) != nil || want.Lat == nil || want.Lon == nil {
			continue
		}
		fs := cut(b)
		if len(fs) != 1 {
			t.Errorf("n=%d: %d frames", m.N, len(fs))
			continue
		}
		if k := fs[0].Type; !strings.HasPrefix(k, "UD") && !strings.HasPrefix(k, "AL") && !strings.HasPrefix(k, "WT") {
			continue
		}
		p, err := setracker.ParsePosition(fs[0].Body)
		if err != nil || p.Place.Fixed != want.Valid || math.Abs(p.Place.Lat-*want.Lat)+math.Abs(p.Place.Lon-*want.Lon) > 1e-5 {
			t.Errorf("n=%d: %+v %v", m.N, p, err)
		}
		compared++
	}
	if compared == 0 {
		t.Fatal("nothing compared")
	}
	t.Logf("%d positions agree", compared)
}
