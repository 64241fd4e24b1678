package sound

import (
	"fmt"
	"time"
)

// coder makes packets of one packet time from samples at the viewer's rate.
type coder struct {
	line    *timeline
	encoder *opusEncoder
	frame   int // samples
	open    []int16
}

// newCoder opens libopus. 30 ms is no length of an Opus frame: such packets have three of 10 ms.
func newCoder(line *timeline) (*coder, error) {
	frame := line.format.PacketTime
	if frame == 30*time.Millisecond {
		frame = 10 * time.Millisecond
	}
	e, err := newOpusEncoder(line.format, frame)
	if err != nil {
		return nil, err
	}
	return &coder{line: line, encoder: e, frame: samplesIn(frame, line.format.Rate)}, nil
}

// add takes samples that begin at a presentation time and gives the packets that are full. Before a gap
// a packet is filled up with silence.
func (c *coder) add(pts time.Duration, pcm []int16) ([]Packet, error) {
	var list []Packet
	ahead := c.line.ahead(pts)
	if c.line.early(ahead) {
		return nil, nil
	}
	if c.line.late(ahead) {
		full := c.line.format.Samples()
		if len(c.open) > 0 {
			silence := full - len(c.open)
			p, err := c.encode(append(c.open, make([]int16, silence)...))
			if err != nil {
				return nil, err
			}
			list, ahead, c.open = append(list, p), ahead-int64(silence), c.open[:0]
		}
		c.line.jump(ahead)
	}
	c.open = append(c.open, pcm...)
	rest := c.open
	for len(rest) >= c.line.format.Samples() {
		p, err := c.encode(rest[:c.line.format.Samples()])
		if err != nil {
			return list, err
		}
		list, rest = append(list, p), rest[c.line.format.Samples():]
	}
	c.open = append(c.open[:0], rest...)
	c.line.filled = int64(len(c.open))
	return list, nil
}

// encode makes the packet at hand.
func (c *coder) encode(pcm []int16) (Packet, error) {
	var whole packet
	for len(pcm) > 0 {
		b, err := c.encoder.encode(pcm[:c.frame])
		if err != nil {
			return Packet{}, err
		}
		pcm = pcm[c.frame:]
		if len(pcm) == 0 && whole.frames == nil {
			return Packet{append([]byte(nil), b...), c.line.close()}, nil
		}
		p, err := parsePacket(append([]byte(nil), b...))
		if err != nil {
			return Packet{}, err
		}
		if whole.frames != nil && p.toc != whole.toc {
			return Packet{}, fmt.Errorf("sound: libopus changed from %#x to %#x within a packet", whole.toc, p.toc)
		}
		whole.toc, whole.frames = p.toc, append(whole.frames, p.frames...)
	}
	return Packet{whole.bytes(), c.line.close()}, nil
}

// drop forgets the packet that is begun.
func (c *coder) drop() { c.open, c.line.filled = c.open[:0], 0 }

func (c *coder) close() { c.encoder.close() }
