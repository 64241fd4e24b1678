package fmp4_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/ingle-home/ingle/hub/record/fmp4"
)

var (
	pictures = fmp4.Pictures{SPS: []byte{0x67, 0x4d, 0x40, 0x1e, 0xec}, PPS: []byte{0x68, 0xee}, Width: 640, Height: 360}
	key      = []byte{0x65, 1, 2, 3}
	other    = []byte{0x41, 4, 5}
)

// film has three parts of two pictures, each filled up to a block of 512 bytes, and sound in the second.
func film(t testing.TB) (b []byte, ends []int64) {
	t.Helper()
	b, err := fmp4.Begin(pictures, &fmp4.Sounds{Scale: 48000, Channels: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		runs := []fmp4.Run{{Track: fmp4.Picture, Begin: uint64(i) * 6000, Samples: []fmp4.Sample{
			{Duration: 3000, Key: i != 1, NALs: [][]byte{pictures.SPS, pictures.PPS, {9, 0xf0}, key}},
			{Duration: 3000, Offset: -10, NALs: [][]byte{other, other}},
		}}}
		if i == 1 {
			runs = append(runs, fmp4.Run{Track: fmp4.Sound, Begin: 3200, Samples: []fmp4.Sample{{Duration: 960, Packet: []byte{0xf8, 0xff, 0xfe}}}})
		}
		b = append(b, fmp4.Part(uint32(i+1), runs...)...)
		ends = append(ends, int64(len(b)))
		b = fmp4.Fill(b, int64(len(b)), 512)
		if len(b)%512 != 0 {
			t.Fatalf("filled up to %d bytes", len(b))
		}
	}
	return b, ends
}

func TestScanFindsThePartsOfAFilmThatIsCutAnywhere(t *testing.T) {
	b, ends := film(t)
	marks, end, err := fmp4.Scan(bytes.NewReader(b), int64(len(b)))
	if err != nil || len(marks) != 3 || end != int64(len(b)) {
		t.Fatalf("%+v, %d, %v", marks, end, err)
	}
	for i, m := range marks {
		if m.Begin != uint64(i)*6000 || m.Ticks != 6000 || m.Frames != 2 || m.Key != (i != 1) || string(b[m.Offset+4:m.Offset+8]) != "moof" {
			t.Errorf("part %d: %+v", i, m)
		}
	}
	for size := range int64(len(b)) {
		marks, end, err := fmp4.Scan(bytes.NewReader(b), size)
		whole := 0
		for _, e := range ends {
			if e <= size {
				whole++
			}
		}
		if err != nil || len(marks) != whole || end > size || whole > 0 && end < ends[whole-1] {
			t.Fatalf("%d of %d bytes: %d parts up to %d, %v", size, len(b), len(marks), end, err)
		}
	}
}

func TestOnlyThePictureGoesIntoASample(t *testing.T) {
	b := fmp4.Part(1, fmp4.Run{Track: fmp4.Picture, Samples: []fmp4.Sample{{Duration: 1, Key: true, NALs: [][]byte{pictures.SPS, pictures.PPS, {9}, nil, key}}}})
	if want := append([]byte{0, 0, 0, 4}, key...); !bytes.HasSuffix(b, append([]byte("mdat"), want...)) {
		t.Errorf("%q", b)
	}
}

func TestFill(t *testing.T) {
	for size, want := range map[int64]int64{0: 0, 1: 63, 57: 7 + 64, 56: 8, 64: 0} {
		if b := fmp4.Fill(nil, size, 64); int64(len(b)) != want {
			t.Errorf("%d bytes are filled with %d, want %d", size, len(b), want)
		}
	}
}

func TestOddTracksAreRefused(t *testing.T) {
	for name, p := range map[string]fmp4.Pictures{
		"no sets": {Width: 1, Height: 1}, "no size": {SPS: pictures.SPS, PPS: pictures.PPS},
		"too wide": {SPS: pictures.SPS, PPS: pictures.PPS, Width: 1 << 16, Height: 1}, "a huge set": {SPS: make([]byte, 1<<16), PPS: pictures.PPS, Width: 1, Height: 1},
	} {
		if _, err := fmp4.Begin(p, nil); !errors.Is(err, fmp4.ErrTrack) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, s := range map[string]fmp4.Sounds{"no channel": {Scale: 48000}, "no clock": {Channels: 1}, "a huge config": {Scale: 1, Channels: 1, AAC: make([]byte, 65)}} {
		if _, err := fmp4.Begin(pictures, &s); !errors.Is(err, fmp4.ErrTrack) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzScan(f *testing.F) {
	b, _ := film(f)
	f.Add(b)
	f.Add(b[:len(b)-700])
	f.Add([]byte("\x00\x00\x00\x08free\xff\xff\xff\xffmoof"))
	f.Fuzz(func(t *testing.T, b []byte) {
		marks, end, err := fmp4.Scan(bytes.NewReader(b), int64(len(b)))
		if err != nil && !errors.Is(err, fmp4.ErrBroken) {
			t.Fatal(err)
		}
		if end < 0 || end > int64(len(b)) {
			t.Fatalf("it ends at %d of %d", end, len(b))
		}
		last := int64(-1)
		for _, m := range marks {
			if m.Offset <= last || m.Offset >= end {
				t.Fatalf("%+v", marks)
			}
			last = m.Offset
		}
	})
}
