package blobs

import (
	"encoding/binary"
	"math/bits"

	"golang.org/x/crypto/chacha20"
)

// Bytes that somebody added behind the last chunk look like a chunk that a crash
// tore, until one finds where the last chunk ended. Opening every beginning of
// the torn piece would take seconds; but Poly1305, which makes the tags, is a
// polynomial that can be evaluated as the piece grows (RFC 8439, sections 2.5
// and 2.8). This is the only place that looks inside the AEAD. It accepts
// nothing: what it finds is refused.

// endsWithin says whether a beginning of piece is the last chunk, number n, of a
// segment with this segment key, to whose header bytes bound it is bound.
func endsWithin(key, bound, piece []byte, n int64) bool {
	var once [32]byte
	stream, err := chacha20.NewUnauthenticatedCipher(key, nonce(n, true))
	if err != nil {
		panic("blobs: a key of the right size is refused: " + err.Error())
	}
	stream.XORKeyStream(once[:], once[:])
	p := newPolynomial(once[:])
	var grown value
	for ; len(bound) > 0; bound = bound[16:] {
		grown = p.absorb(grown, [16]byte(bound))
	}
	for k := 0; k < chunkSize && k+tagSize <= len(piece); k++ {
		if k > 0 && k%16 == 0 {
			grown = p.absorb(grown, [16]byte(piece[k-16:]))
		}
		sum := grown
		if k%16 > 0 { // the AEAD fills up with zeros
			var b [16]byte
			copy(b[:], piece[k-k%16:k])
			sum = p.absorb(sum, b)
		}
		var lengths [16]byte
		binary.LittleEndian.PutUint64(lengths[:], boundSize)
		binary.LittleEndian.PutUint64(lengths[8:], uint64(k))
		if p.tag(p.absorb(sum, lengths)) == [16]byte(piece[k:]) {
			return true
		}
	}
	return false
}

// value is a number below 2^131, in limbs of 44, 44 and 42 bits, lowest first.
type value [3]uint64

const (
	low44 = 1<<44 - 1
	low42 = 1<<42 - 1
)

// polynomial is Poly1305 under one key: r is the point, s is added at the end.
type polynomial struct {
	r value
	s [2]uint64
}

func newPolynomial(key []byte) polynomial {
	t0 := binary.LittleEndian.Uint64(key) & 0x0FFFFFFC0FFFFFFF
	t1 := binary.LittleEndian.Uint64(key[8:]) & 0x0FFFFFFC0FFFFFFC
	return polynomial{limbs(t0, t1), [2]uint64{binary.LittleEndian.Uint64(key[16:]), binary.LittleEndian.Uint64(key[24:])}}
}

func limbs(t0, t1 uint64) value {
	return value{t0 & low44, (t0>>44 | t1<<20) & low44, t1 >> 24}
}

// absorb gives (h + b + 2^128) × r modulo 2^130 − 5, not fully reduced.
func (p polynomial) absorb(h value, b [16]byte) value {
	m := limbs(binary.LittleEndian.Uint64(b[:]), binary.LittleEndian.Uint64(b[8:]))
	h[0], h[1], h[2] = h[0]+m[0], h[1]+m[1], h[2]+m[2]+1<<40
	// What stands 2^132 and higher comes back at the bottom, times 5 × 2^2.
	s1, s2 := p.r[1]*20, p.r[2]*20
	lo0, hi0 := dot(h, p.r[0], s2, s1)
	lo1, hi1 := dot(h, p.r[1], p.r[0], s2)
	lo2, hi2 := dot(h, p.r[2], p.r[1], p.r[0])
	var carry uint64
	lo1, carry = bits.Add64(lo1, hi0<<20|lo0>>44, 0)
	hi1 += carry
	lo2, carry = bits.Add64(lo2, hi1<<20|lo1>>44, 0)
	hi2 += carry
	out := value{lo0&low44 + (hi2<<22|lo2>>42)*5, lo1 & low44, lo2 & low42}
	out[1] += out[0] >> 44
	out[0] &= low44
	return out
}

// dot is h[0]×a + h[1]×b + h[2]×c in 128 bits.
func dot(h value, a, b, c uint64) (lo, hi uint64) {
	hi, lo = bits.Mul64(h[0], a)
	for i, f := range [2]uint64{b, c} {
		high, low := bits.Mul64(h[i+1], f)
		var carry uint64
		lo, carry = bits.Add64(lo, low, 0)
		hi += high + carry
	}
	return lo, hi
}

// tag reduces h fully and adds s modulo 2^128.
func (p polynomial) tag(h value) (tag [16]byte) {
	for range 2 {
		h[2] += h[1] >> 44
		h[1] &= low44
		h[0] += h[2] >> 42 * 5
		h[2] &= low42
		h[1] += h[0] >> 44
		h[0] &= low44
	}
	h[2] += h[1] >> 44
	h[1] &= low44
	// h − (2^130 − 5), if that is not negative.
	g := value{h[0] + 5, h[1], h[2]}
	g[1] += g[0] >> 44
	g[2] += g[1] >> 44
	if g[2]>>42 > 0 {
		h = value{g[0] & low44, g[1] & low44, g[2] & low42}
	}
	lo, carry := bits.Add64(h[0]|h[1]<<44, p.s[0], 0)
	hi, _ := bits.Add64(h[1]>>20|h[2]<<24, p.s[1], carry)
	binary.LittleEndian.PutUint64(tag[:], lo)
	binary.LittleEndian.PutUint64(tag[8:], hi)
	return tag
}
