package sound

import (
	"math"
	"testing"
)

// tone makes samples of a sine of some Hz, from a sample on.
func tone(hz, rate float64, from, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(math.Round(10_000 * math.Sin(2*math.Pi*hz*float64(from+i)/rate)))
	}
	return pcm
}

// purity is the energy of a tone of some Hz against all else, in dB: the tone is fitted by its sine and
// cosine, whatever its phase.
func purity(pcm []int16, hz, rate float64) float64 {
	var ss, cc, sc, xs, xc, all float64
	for i, x := range pcm {
		s, c := math.Sincos(2 * math.Pi * hz * float64(i) / rate)
		v := float64(x)
		ss, cc, sc, xs, xc, all = ss+s*s, cc+c*c, sc+s*c, xs+v*s, xc+v*c, all+v*v
	}
	det := ss*cc - sc*sc
	a, b := (xs*cc-xc*sc)/det, (xc*ss-xs*sc)/det
	fit := a*xs + b*xc
	return 10 * math.Log10(fit/max(1e-9, all-fit))
}

func TestG711(t *testing.T) {
	// ITU-T G.711, tables 1a and 2a: the ends of each law and the middle.
	for b, want := range map[byte]int16{0xff: 0, 0x7f: 0, 0x80: 32124, 0x00: -32124, 0xfe: 8, 0x7e: -8} {
		if got := fromULaw(b); got != want {
			t.Errorf("µ-law %#x is %d, want %d", b, got, want)
		}
	}
	for b, want := range map[byte]int16{0xd5: 8, 0x55: -8, 0xaa: 32256, 0x2a: -32256, 0xd4: 24} {
		if got := fromALaw(b); got != want {
			t.Errorf("A-law %#x is %d, want %d", b, got, want)
		}
	}
	for b := range 256 {
		if back := toULaw(fromULaw(byte(b))); back != byte(b) && fromULaw(byte(b)) != 0 {
			t.Errorf("µ-law %#x comes back as %#x", b, back)
		}
	}
	for _, s := range []int16{math.MinInt16, math.MaxInt16} {
		if got := fromULaw(toULaw(s)); math.Abs(float64(got)-float64(s)) > 700 {
			t.Errorf("%d comes back as %d", s, got)
		}
	}
	var pcm []int16
	for _, s := range tone(440, 8000, 0, 8000) {
		pcm = append(pcm, fromULaw(toULaw(s)))
	}
	if db := purity(pcm, 440, 8000); db < 35 {
		t.Errorf("µ-law leaves %.0f dB", db)
	}
}

func TestResampler(t *testing.T) {
	for _, c := range []struct{ from, to int }{{8000, 16000}, {8000, 24000}, {16000, 24000}, {16000, 16000}, {24000, 8000}, {48000, 16000}, {44100, 24000}} {
		for _, hz := range []float64{100, 1000, 3000} {
			r, err := newResampler(c.from, c.to)
			if err != nil {
				t.Fatal(err)
			}
			var out []int16
			for at := 0; at < c.from; at += 160 {
				out = append(out, r.resample(tone(hz, float64(c.from), at, min(160, c.from-at)))...)
			}
			if off := len(out) - c.to; off < -1 || off > 1 {
				t.Errorf("%d → %d: a second has %d samples", c.from, c.to, len(out))
			}
			settled := out[c.to/10:]
			if db := purity(settled, hz, float64(c.to)); db < 60 {
				t.Errorf("%d → %d, %v Hz: %.0f dB", c.from, c.to, hz, db)
			}
			var peak int16
			for _, s := range settled {
				peak = max(peak, s)
			}
			if peak < 9800 || peak > 10200 {
				t.Errorf("%d → %d, %v Hz: the peak of 10000 is %d", c.from, c.to, hz, peak)
			}
		}
	}
	// What a lower rate cannot carry must not come back as another tone.
	r, err := newResampler(24000, 8000)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.resample(tone(5000, 24000, 0, 24000))[800:] {
		if s > 10 || s < -10 {
			t.Fatalf("5 kHz at 8 kHz leaves %d", s)
		}
	}
	for _, c := range [][2]int{{0, 16000}, {8000, 0}, {96000, 16000}, {8000, 96000}} {
		if _, err := newResampler(c[0], c[1]); err == nil {
			t.Errorf("a way from %d to %d Hz", c[0], c[1])
		}
	}
}
