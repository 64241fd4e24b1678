package stream

import (
	"time"

	"github.com/ingle-home/ingle/accessories/media"
)

// film is what the source remembers of the pictures: the newest key unit and all that followed it, the
// sound as well.
type film struct {
	track  *media.Track
	key    *media.Unit
	gop    []*media.Unit // from the newest key unit on; nil when it grew beyond the limit
	size   int           // bytes in gop
	offset time.Duration // added to the PTS of this connection, so that viewers see time go on
	newest *media.Unit
}

// reconnect forgets the pictures of the old line, but not its clock.
func (f *film) reconnect() {
	f.key, f.gop, f.size = nil, nil, 0
}

// stale says that the newest key unit is so old that showing what followed it would take long.
func (f *film) stale() bool {
	return f.key != nil && (f.gop == nil || f.newest.PTS-f.key.PTS > longGOP)
}

// longGOP is how much is caught up with, rather than ask for a new key unit.
const longGOP = 3 * time.Second

// add puts a unit into the film and gives it back with the source's own PTS; nil for a unit that
// nobody can decode because no key unit came before it, and for sound without a picture.
func (f *film) add(u *media.Unit, limit int) *media.Unit {
	if u.Sound != nil && u.Key {
		still := *u // units are shared and never changed
		still.Key = false
		u = &still
	}
	if f.key == nil {
		if !u.Key {
			return nil
		}
		f.offset = 0
		if f.newest != nil {
			f.offset = f.newest.PTS + max(u.At.Sub(f.newest.At), time.Millisecond) - u.PTS
		}
	}
	if f.offset != 0 {
		moved := *u
		moved.PTS += f.offset
		u = &moved
	}
	f.newest = u
	if u.Sound == nil {
		f.track = u.Track
	}
	switch {
	case u.Key:
		// A new slice, because viewers that joined read the old one.
		f.key, f.gop, f.size = u, []*media.Unit{u}, u.Weight()
	case f.gop != nil:
		if f.size += u.Weight(); f.size > limit {
			f.gop = nil // newcomers wait for the next key unit
			break
		}
		f.gop = append(f.gop, u)
	}
	return u
}
