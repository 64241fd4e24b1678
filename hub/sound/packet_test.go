package sound

import (
	"bytes"
	"slices"
	"testing"
	"time"
)

// sized makes frames of some lengths that differ in every byte.
func sized(lengths ...int) [][]byte {
	var frames [][]byte
	for i, n := range lengths {
		f := make([]byte, n)
		for k := range f {
			f[k] = byte(i*31 + k*7 + 1)
		}
		frames = append(frames, f)
	}
	return frames
}

func sameFrames(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

func TestLengthsAroundTwoBytes(t *testing.T) {
	for _, n := range []int{0, 1, 251, 252, 253, 254, 255, 256, 507, 508, 1023, 1274, 1275} {
		b := appendLength(nil, n)
		got, size := length(b)
		if got != n || size != len(b) || (n < 252) != (len(b) == 1) {
			t.Errorf("%d is % x and reads %d of %d bytes", n, b, got, size)
		}
		for _, count := range []int{2, 3, 6} {
			p := packet{toc: 0xe0, frames: sized(slices.Repeat([]int{n}, count)...)} // CELT, 2.5 ms
			again, err := parsePacket(p.bytes())
			if err != nil || again.toc != p.toc || !sameFrames(again.frames, p.frames) {
				t.Errorf("%d frames of %d bytes: %v", count, n, err)
			}
		}
	}
	// RFC 6716, 3.2.1, worked out by hand: 252 + 1 + 4 · 0, and 255 + 4 · 255.
	if got := appendLength(appendLength(nil, 253), 1275); !bytes.Equal(got, []byte{253, 0, 255, 255}) {
		t.Errorf("253 and 1275 are % x", got)
	}
}

func TestAllCodes(t *testing.T) {
	const toc = 0x48 // SILK wideband, 20 ms, mono
	a, b := sized(300, 300)[0], sized(300, 300)[1]
	both := slices.Concat(a, b)
	for name, c := range map[string]struct {
		raw  []byte
		want [][]byte
	}{
		"one":                    {append([]byte{toc}, a...), [][]byte{a}},
		"one that is empty":      {[]byte{toc}, [][]byte{{}}},
		"two of one size":        {append([]byte{toc | 1}, both...), [][]byte{a, b}},
		"two of two sizes":       {slices.Concat([]byte{toc | 2, 253, 0}, a[:253], b), [][]byte{a[:253], b}},
		"many of one size":       {append([]byte{toc | 3, 2}, both...), [][]byte{a, b}},
		"many of many sizes":     {slices.Concat([]byte{toc | 3, 0x83, 1, 252, 12}, a[:1], b[:300], a), [][]byte{a[:1], b, a}},
		"padded":                 {slices.Concat([]byte{toc | 3, 0x42, 3}, both, []byte{0, 0, 0}), [][]byte{a, b}},
		"padded much":            {slices.Concat([]byte{toc | 3, 0x42, 255, 2}, both, make([]byte, 256)), [][]byte{a, b}},
		"padded and variable":    {slices.Concat([]byte{toc | 3, 0xc2, 1, 5}, a[:5], b, []byte{0}), [][]byte{a[:5], b}},
		"many with an empty one": {slices.Concat([]byte{toc | 3, 0x82, 0}, b), [][]byte{{}, b}},
	} {
		p, err := parsePacket(c.raw)
		if err != nil || p.toc != toc || !sameFrames(p.frames, c.want) {
			t.Errorf("%s: %d frames, %v", name, len(p.frames), err)
		}
	}
}

func TestPacketsThatAreRefused(t *testing.T) {
	const toc = 0x48
	for name, raw := range map[string][]byte{
		"nothing":               {},
		"two in odd bytes":      {toc | 1, 1, 2, 3},
		"two without a length":  {toc | 2},
		"two with half of it":   {toc | 2, 252},
		"two that are too long": {toc | 2, 5, 1, 2},
		"no count":              {toc | 3},
		"no frames":             {toc | 3, 0},
		"more than 120 ms":      {toc | 3, 7, 1, 2, 3, 4, 5, 6, 7},
		"many in odd bytes":     {toc | 3, 2, 1, 2, 3},
		"many, lengths missing": {toc | 3, 0x83, 1},
		"many, frames missing":  {toc | 3, 0x82, 9, 1},
		"no padding length":     {toc | 3, 0x41},
		"too much padding":      {toc | 3, 0x41, 3, 0, 0},
		"a frame too large":     make([]byte, 1+maxFrame+1),
	} {
		if p, err := parsePacket(raw); err == nil {
			t.Errorf("%s: read %d frames", name, len(p.frames))
		}
	}
}

func TestFrameTimes(t *testing.T) {
	ms := time.Millisecond
	want := []time.Duration{10 * ms, 20 * ms, 40 * ms, 60 * ms, 10 * ms, 20 * ms, 40 * ms, 60 * ms, 10 * ms, 20 * ms, 40 * ms, 60 * ms, 10 * ms, 20 * ms, 10 * ms, 20 * ms}
	for range 4 {
		want = append(want, 2500*time.Microsecond, 5*ms, 10*ms, 20*ms)
	}
	for config, d := range want {
		if got := (packet{toc: byte(config) << 3}).frameTime(); got != d {
			t.Errorf("configuration %d has frames of %v, want %v", config, got, d)
		}
	}
}

// Whatever comes in, what is read can be written and reads the same again.
func FuzzParsePacket(f *testing.F) {
	f.Add([]byte{0x48, 1, 2})
	f.Add([]byte{0x4b, 0x83, 1, 2, 1, 2, 3, 4})
	f.Add([]byte{0x4b, 0xc2, 255, 3, 1, 9, 9})
	f.Add([]byte{0x4a, 253, 0, 1})
	f.Add(packet{toc: 0xe0, frames: sized(252, 1275, 0, 255)}.bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePacket(b)
		if err != nil {
			return
		}
		if p.duration() > maxDuration || len(p.frames) == 0 {
			t.Fatalf("%d frames of %v", len(p.frames), p.frameTime())
		}
		again, err := parsePacket(p.bytes())
		if err != nil || again.toc != p.toc || !sameFrames(p.frames, again.frames) {
			t.Fatalf("% x is written % x: %v", b, p.bytes(), err)
		}
	})
}
