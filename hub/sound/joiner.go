package sound

import "time"

// joiner puts a camera's own Opus frames into packets of one packet time, untouched.
type joiner struct {
	line *timeline
	open packet
}

// fits reports whether a packet's frames can fill whole packets of the viewer's.
func (j *joiner) fits(p packet) bool {
	if j.line.format.PacketTime%p.frameTime() != 0 {
		return false
	}
	most := 0
	for _, f := range p.frames {
		most = max(most, len(f))
	}
	each := int(j.line.format.PacketTime / p.frameTime())
	return each*(most+lengthSize)+headSize <= j.line.format.limit()
}

// add takes a packet's frames and gives the packets that are full. What is begun and cannot be filled,
// because there is a gap or the frames are of another kind now, is left out.
func (j *joiner) add(pts time.Duration, p packet) []Packet {
	ahead := j.line.ahead(pts)
	if j.line.early(ahead) {
		return nil
	}
	if j.line.late(ahead) || len(j.open.frames) > 0 && j.open.toc != p.toc {
		ahead += j.line.filled
		j.drop()
		if j.line.late(ahead) {
			j.line.jump(ahead)
		}
	}
	samples := int64(samplesIn(p.frameTime(), j.line.format.Rate))
	var list []Packet
	for _, f := range p.frames {
		j.open.toc, j.open.frames = p.toc, append(j.open.frames, f)
		if j.line.filled += samples; j.line.filled >= int64(j.line.format.Samples()) {
			list = append(list, Packet{j.open.bytes(), j.line.close()})
			j.open = packet{}
		}
	}
	return list
}

// drop forgets the packet that is begun.
func (j *joiner) drop() { j.open, j.line.filled = packet{}, 0 }
