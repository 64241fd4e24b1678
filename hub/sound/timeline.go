package sound

import "time"

// timeline says at which sample each packet begins. It follows the camera's clock: where sound is
// missing it leaves out whole packets, and where there is too much some is left out, so that it is
// never further from the clock than its tolerance.
type timeline struct {
	format  Format
	running bool
	start   int64 // of the packet that is being filled
	filled  int64 // samples in it
	moved   int64 // added to the camera's clock after that went back
}

const backwards = 2 * time.Second // a clock that goes back by more begins anew

// tolerance is how many samples sound may be from the camera's clock: half a packet, because steps are
// whole packets, or what a clock may tremble by.
func (l *timeline) tolerance() int64 {
	return int64(max(l.format.Samples()/2, samplesIn(20*time.Millisecond, l.format.Rate)))
}

// ahead is how many samples sound of a presentation time comes after the end of what there is; less
// than 0 when it overlaps.
func (l *timeline) ahead(pts time.Duration) int64 {
	at := l.format.At(pts)
	if !l.running {
		l.running, l.start, l.filled, l.moved = true, at, 0, 0
	}
	n := at + l.moved - l.start - l.filled
	if n < -l.format.At(backwards) {
		l.moved -= n
		return 0
	}
	return n
}

// late and early say that sound must be left out before or after what there is.
func (l *timeline) late(ahead int64) bool  { return ahead > l.tolerance() }
func (l *timeline) early(ahead int64) bool { return ahead < -l.tolerance() }

// jump leaves out the whole packets that come nearest to a gap. The packet at hand must be empty.
func (l *timeline) jump(gap int64) {
	step := int64(l.format.Samples())
	l.start += max(0, (gap+step/2)/step*step)
}

// close ends the packet at hand and gives its place.
func (l *timeline) close() int64 {
	at := l.start
	l.start, l.filled = at+int64(l.format.Samples()), 0
	return at
}
