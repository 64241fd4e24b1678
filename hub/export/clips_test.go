package export_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/record"
	"github.com/ingle-home/ingle/hub/record/fmp4"
	"github.com/ingle-home/ingle/storage/blobs"
)

// What a camera of the household recorded is in the archive of all, as films, and in nobody's own.
func TestClipsAreInTheArchive(t *testing.T) {
	h := newHouse(t)
	store, err := blobs.Open(t.Context(), h.dir, h.readings.Store, blobs.Options{})
	must(t, err)
	defer store.Close()
	h.Clips = func() record.Clips { return record.Clips{Store: archive.Clips{Store: store}} }
	begin, err := fmp4.Begin(fmp4.Pictures{SPS: []byte{0x67, 1, 2, 3}, PPS: []byte{0x68}, Width: 16, Height: 16}, nil)
	must(t, err)
	film := append(begin, fmp4.Part(1, fmp4.Run{Track: fmp4.Picture, Samples: []fmp4.Sample{{Duration: 3000, Key: true, NALs: [][]byte{{0x65, 1}}}}})...)
	at := time.Date(2026, 11, 2, 7, 0, 0, 0, time.UTC)
	for range 2 { // within the same second
		f, err := h.Clips().Store.Begin(t.Context(), "a-3", at, nil)
		must(t, err)
		_, err = f.Write(film)
		must(t, err)
		must(t, f.Close(nil))
	}
	made, files := h.made(t, wire.ExportRequest{})
	if made.Clips != 2 || files["clips/Porch/20261102T070000Z.mp4"] != string(film) || !strings.Contains(files["README.txt"], "clips/*/*.mp4") {
		t.Errorf("%+v", made)
	}
	films := func() (n int) {
		for name, content := range files {
			if strings.HasPrefix(name, "clips/") && content == string(film) {
				n++
			}
		}
		return n
	}
	if films() != 2 {
		t.Errorf("%d films", films())
	}
	if made, files = h.made(t, wire.ExportRequest{Person: "Mia"}); made.Clips != 0 || films() != 0 {
		t.Errorf("Mia's: %+v", made)
	}
}
