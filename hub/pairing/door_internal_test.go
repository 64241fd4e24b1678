package pairing

import (
	"strings"
	"testing"
)

// Whatever lies in the file, a hub starts, and takes nothing that it would not have written.
func FuzzDoor(f *testing.F) {
	key := `"key":"` + strings.Repeat("A", 43) + `="`
	f.Add(`{` + key + `}`)
	f.Add(`{` + key + `,"tries":{"wrong":3},"first":{"pin":"` + strings.Repeat("ab", 32) + `","until":"2026-11-25T18:00:00Z"}}`)
	f.Add(`{` + key + `,"apps":[{"pin":"` + strings.Repeat("cd", 32) + `","role":"owner"}]}`)
	f.Add(`{` + key + `,"apps":[{"pin":"short","role":"owner"}]}`)
	f.Add(`{"key":"AA=="}`)
	f.Add(``)
	f.Fuzz(func(t *testing.T, raw string) {
		d, err := parseDoor([]byte(raw))
		if err != nil {
			if d.written || len(d.Key) > 0 {
				t.Error("half of a door is taken")
			}
			return
		}
		if len(d.Key) != 32 || len(d.Apps) > maxApps || d.Tries.Wrong < 0 {
			t.Errorf("took %+v", d)
		}
		for _, a := range d.Apps {
			_ = idOf(a.Pin) // as long as it must be
		}
		if d.First.Pin != "" {
			_ = idOf(d.First.Pin)
		}
	})
}
