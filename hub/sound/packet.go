package sound

import (
	"errors"
	"fmt"
	"time"
)

// Limits of an Opus packet (RFC 6716, 3.2 and 3.4).
const (
	maxFrame    = 1275 // bytes
	maxDuration = 120 * time.Millisecond
	twoBytes    = 252 // lengths from here on take two bytes
	headSize    = 2   // bytes of a code 3 packet before the lengths
	lengthSize  = 2   // bytes of a length at most
)

var errPacket = errors.New("sound: not an Opus packet")

// packet is an Opus packet taken apart (RFC 6716, 3). The frames point into what was parsed. An empty
// frame is one that was not sent, because there was silence or it was lost.
type packet struct {
	toc    byte // its low two bits, the number of frames, are 0
	frames [][]byte
}

// parsePacket takes a packet apart and checks all that RFC 6716, 3.4 asks for.
func parsePacket(b []byte) (packet, error) {
	if len(b) == 0 {
		return packet{}, fmt.Errorf("%w: empty", errPacket)
	}
	p := packet{toc: b[0] &^ 3}
	var err error
	switch rest := b[1:]; b[0] & 3 {
	case 0:
		p.frames = [][]byte{rest}
	case 1:
		if len(rest)%2 != 0 {
			return packet{}, fmt.Errorf("%w: two frames of one size in %d bytes", errPacket, len(rest))
		}
		p.frames = [][]byte{rest[:len(rest)/2], rest[len(rest)/2:]}
	case 2:
		p.frames, err = cut(rest, 2)
	case 3:
		p.frames, err = parseMany(rest, p.frameTime())
	}
	if err != nil {
		return packet{}, err
	}
	for _, f := range p.frames {
		if len(f) > maxFrame {
			return packet{}, fmt.Errorf("%w: a frame of %d bytes", errPacket, len(f))
		}
	}
	return p, nil
}

// parseMany reads a code 3 packet behind its first byte (RFC 6716, 3.2.5).
func parseMany(b []byte, each time.Duration) ([][]byte, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: no frame count", errPacket)
	}
	count, variable, padded := int(b[0]&0x3f), b[0]&0x80 != 0, b[0]&0x40 != 0
	if count == 0 || time.Duration(count)*each > maxDuration {
		return nil, fmt.Errorf("%w: %d frames of %v", errPacket, count, each)
	}
	b = b[1:]
	if padded {
		var err error
		if b, err = unpad(b); err != nil {
			return nil, err
		}
	}
	if variable {
		return cut(b, count)
	}
	if len(b)%count != 0 {
		return nil, fmt.Errorf("%w: %d frames of one size in %d bytes", errPacket, count, len(b))
	}
	size := len(b) / count
	frames := make([][]byte, count)
	for i := range frames {
		frames[i] = b[i*size : (i+1)*size]
	}
	return frames, nil
}

// unpad takes the length of the padding from the front and the padding from the end.
func unpad(b []byte) ([]byte, error) {
	padding := 0
	for more := true; more; {
		if len(b) == 0 {
			return nil, fmt.Errorf("%w: padding without a length", errPacket)
		}
		n := int(b[0])
		if more = n == 255; more {
			n = 254
		}
		padding, b = padding+n, b[1:]
	}
	if padding > len(b) {
		return nil, fmt.Errorf("%w: %d bytes of padding in %d", errPacket, padding, len(b))
	}
	return b[:len(b)-padding], nil
}

// cut reads the lengths of all frames but the last, which takes what is left, and then the frames.
func cut(b []byte, count int) ([][]byte, error) {
	lengths := make([]int, 0, count)
	for range count - 1 {
		n, size := length(b)
		if size == 0 {
			return nil, fmt.Errorf("%w: a length is missing", errPacket)
		}
		lengths, b = append(lengths, n), b[size:]
	}
	frames := make([][]byte, 0, count)
	for _, n := range lengths {
		if n > len(b) {
			return nil, fmt.Errorf("%w: a frame of %d bytes in %d", errPacket, n, len(b))
		}
		frames, b = append(frames, b[:n]), b[n:]
	}
	return append(frames, b), nil
}

// length reads a frame's length (RFC 6716, 3.2.1); size is how many bytes it took, 0 where it is cut.
func length(b []byte) (n, size int) {
	switch {
	case len(b) == 0:
		return 0, 0
	case b[0] < twoBytes:
		return int(b[0]), 1
	case len(b) == 1:
		return 0, 0
	}
	return int(b[0]) + 4*int(b[1]), 2
}

func appendLength(b []byte, n int) []byte {
	if n < twoBytes {
		return append(b, byte(n))
	}
	first := twoBytes + n&3
	return append(b, byte(first), byte((n-first)/4))
}

// bytes puts a packet together: one frame as code 0, more as code 3 with a length for each.
func (p packet) bytes() []byte {
	if len(p.frames) == 1 {
		return append([]byte{p.toc}, p.frames[0]...)
	}
	b := []byte{p.toc | 3, 0x80 | byte(len(p.frames))}
	last := len(p.frames) - 1
	for _, f := range p.frames[:last] {
		b = appendLength(b, len(f))
	}
	for _, f := range p.frames {
		b = append(b, f...)
	}
	return b
}

// frameTime is how long each frame sounds (RFC 6716, table 2).
func (p packet) frameTime() time.Duration {
	const silk, hybrid = 12, 16 // the first configurations beyond them
	switch config := p.toc >> 3; {
	case config < silk:
		return [...]time.Duration{10, 20, 40, 60}[config&3] * time.Millisecond
	case config < hybrid:
		return [...]time.Duration{10, 20}[config&1] * time.Millisecond
	default:
		return 2500 * time.Microsecond << (config & 3)
	}
}

// duration is how long the packet sounds.
func (p packet) duration() time.Duration { return time.Duration(len(p.frames)) * p.frameTime() }
