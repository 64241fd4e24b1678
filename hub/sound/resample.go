package sound

import (
	"fmt"
	"math"
)

// taps is how many input samples a resampled one is made of: between 8 and 16 kHz telephone sound
// stays whole up to 3.3 kHz, and its mirror images above 4.2 kHz are 80 dB down.
const taps = 48

// resampler changes the sample rate by a fraction, with a polyphase filter: a sinc in a Kaiser window.
type resampler struct {
	up, down int         // output and input rate without their common divisor
	phases   [][]float32 // up filters of as many taps
	history  []float32   // input from the oldest sample that is still needed
	phase    int         // of the next output sample
}

// newResampler makes one from one rate to another, both from 8 to 48 kHz.
func newResampler(from, to int) (*resampler, error) {
	const least, most = 8000, 48000
	if from < least || from > most || to < least || to > most {
		return nil, fmt.Errorf("sound: no way from %d to %d Hz", from, to)
	}
	g := divisor(from, to)
	r := &resampler{up: to / g, down: from / g}
	// Towards a lower rate the filter is as much longer as it is lower.
	slope := min(1, float64(to)/float64(from))
	n := int(math.Ceil(taps / slope))
	r.phases = make([][]float32, r.up)
	for p := range r.phases {
		r.phases[p] = lowPass(n, 0.94*slope, float64(p)/float64(r.up))
	}
	r.history = make([]float32, n-1, 4*n)
	return r, nil
}

// lowPass is a filter of n taps that passes a share of the band and delays by a share of a sample less.
func lowPass(n int, share, ahead float64) []float32 {
	const beta = 8
	filter, sum := make([]float64, n), 0.0
	for i := range filter {
		x := float64(i) - float64(n)/2 + ahead
		inside := 1 - math.Pow(2*x/float64(n), 2)
		if inside < 0 {
			continue
		}
		filter[i] = share * sinc(share*x) * bessel(beta*math.Sqrt(inside)) / bessel(beta)
		sum += filter[i]
	}
	taps := make([]float32, n)
	for i, f := range filter {
		taps[n-1-i] = float32(f / sum) // the newest sample is the last
	}
	return taps
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// bessel is the modified Bessel function of the first kind and order 0.
func bessel(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= x / 2 / k * x / 2 / k
		sum += term
	}
	return sum
}

func divisor(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// resample gives the samples that can be made after some more of the input.
func (r *resampler) resample(in []int16) []int16 {
	for _, s := range in {
		r.history = append(r.history, float32(s))
	}
	n := len(r.phases[0])
	out := make([]int16, 0, len(in)*r.up/r.down+1)
	at := 0
	for at+n <= len(r.history) {
		out = append(out, r.sample(r.history[at:at+n]))
		r.phase += r.down
		at, r.phase = at+r.phase/r.up, r.phase%r.up
	}
	r.history = append(r.history[:0], r.history[at:]...)
	return out
}

func (r *resampler) sample(in []float32) int16 {
	var sum float32
	for i, tap := range r.phases[r.phase] {
		sum += tap * in[i]
	}
	return int16(math.Round(float64(max(math.MinInt16, min(math.MaxInt16, sum)))))
}
