package sound

import "math/bits"

// The two laws of ITU-T G.711, between 8 bits and 16-bit linear samples.

const (
	lawBias = 0x84 // puts the first segment of µ-law at a power of two
	lawMost = 32635
)

func fromULaw(b byte) int16 {
	b = ^b
	t := (int(b&0x0f)<<3+lawBias)<<(b>>4&7) - lawBias
	if b&0x80 != 0 {
		t = -t
	}
	return int16(t)
}

func toULaw(s int16) byte {
	sign, n := byte(0), int(s)
	if n < 0 {
		sign, n = 0x80, -n
	}
	n = min(n, lawMost) + lawBias
	segment := bits.Len(uint(n>>7)) - 1
	return ^(sign | byte(segment)<<4 | byte(n>>(segment+3))&0x0f)
}

func fromALaw(b byte) int16 {
	b ^= 0x55
	t, segment := int(b&0x0f)<<4+8, b>>4&7
	if segment > 0 {
		t = (t + 0x100) << (segment - 1)
	}
	if b&0x80 == 0 {
		t = -t
	}
	return int16(t)
}
