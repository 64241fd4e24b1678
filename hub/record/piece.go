package record

import (
	"bytes"
	"slices"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/record/fmp4"
)

const (
	shortPiece = time.Second     // as long is a piece at least, if it is big enough
	bigPiece   = 512 << 10       // bytes
	longPiece  = 4 * time.Second // as long is a piece at most: a crash may take it
	hugePiece  = 8 << 20         // bytes, at most, whatever a camera's clock says
	gapTime    = time.Second     // pictures that are further apart have a gap between them
)

// frame is a picture with its times in ticks of fmp4.PictureScale.
type frame struct {
	unit     *media.Unit
	dts, pts int64
}

// piece is some seconds of a camera's pictures, in the order of decoding, and what was heard meanwhile.
type piece struct {
	track  *media.Track
	frames []frame
	sounds []*media.Unit
	size   int   // bytes
	end    int64 // when its last picture ends, in ticks
	gap    bool  // something is missing before it
}

func (p *piece) key() bool            { return p.frames[0].unit.Key }
func (p *piece) begin() int64         { return p.frames[0].dts }
func (p *piece) lasts() time.Duration { return span(p.end - p.begin()) }

func ticks(d time.Duration) int64 { return (int64(d)*9 + 50_000) / 100_000 }
func span(t int64) time.Duration  { return time.Duration(t * 100_000 / 9) }

// close says when the last picture of a piece ends, of which nobody knows: after as long a time as the
// one before it.
func (p *piece) close() {
	last := len(p.frames) - 1
	usual := int64(fmp4.PictureScale / 25)
	if last > 0 {
		usual = p.frames[last].dts - p.frames[last-1].dts
	}
	p.end = p.frames[last].dts + max(usual, 1)
}

// reel holds what came in lately: whole pieces, and the one that grows. The first piece begins with a key
// picture.
type reel struct {
	cover time.Duration // as much is always held
	limit int           // bytes

	pieces  []piece
	open    *piece
	order   order
	newest  *media.Unit
	lost    bool // the next picture has a gap before it
	waiting bool // no picture can be decoded before the next key picture
	size    int  // bytes, all pieces
}

// ready says whether a film can begin with what is held.
func (r *reel) ready() bool { return len(r.pieces) > 0 || r.open != nil && r.open.key() }

// wipe forgets all.
func (r *reel) wipe() { *r = reel{cover: r.cover, limit: r.limit} }

// hear takes a packet of sound.
func (r *reel) hear(u *media.Unit) {
	if r.open != nil && r.open.size < hugePiece {
		r.open.sounds = append(r.open.sounds, u)
		r.open.size += u.Weight()
	}
}

// add takes a picture, and gives the piece that ends before it, if one does. Fresh says that pictures are
// coded anew from here on, so that they need a film of their own.
func (r *reel) add(u *media.Unit, gap bool) (done *piece, fresh bool) {
	fresh = r.newest != nil && !sameCoding(r.newest.Track, u.Track)
	if r.newest != nil {
		apart := u.PTS - r.newest.PTS
		gap = gap || apart > gapTime || apart < -gapTime
	}
	if gap || fresh {
		done = r.cut(nil)
		r.order, r.lost, r.waiting = order{}, r.lost || gap, true
	}
	if fresh {
		r.pieces, r.size = nil, 0
	}
	r.newest = u
	if r.waiting && !u.Key {
		return done, fresh
	}
	f, err := r.order.place(u)
	if err != nil { // a picture that nobody can place in time
		if done == nil {
			done = r.cut(nil)
		}
		r.order, r.lost, r.waiting = order{}, true, true
		return done, fresh
	}
	r.waiting = false
	if r.open != nil && r.open.ends(f) {
		done = r.cut(&f)
	}
	if r.open == nil {
		r.open = &piece{track: u.Track, gap: r.lost}
		r.lost = false
	}
	r.open.frames = append(r.open.frames, f)
	r.open.size += u.Weight()
	r.trim()
	return done, fresh
}

func sameCoding(a, b *media.Track) bool {
	return a == b || bytes.Equal(a.SPS, b.SPS) && bytes.Equal(a.PPS, b.PPS)
}

// ends says whether a picture belongs into the next piece.
func (p *piece) ends(next frame) bool {
	long := span(next.dts - p.begin())
	if long >= longPiece || p.size >= hugePiece {
		return true
	}
	return next.unit.Key && long >= shortPiece && p.size >= bigPiece
}

// cut ends the open piece before a picture; nil where none follows without a gap.
func (r *reel) cut(next *frame) *piece {
	p := r.open
	if p == nil {
		return nil
	}
	r.open = nil
	if next != nil {
		p.end = next.dts
	} else {
		p.close()
	}
	if len(r.pieces) > 0 || p.key() {
		r.pieces, r.size = append(r.pieces, *p), r.size+p.size
	}
	return p
}

// rest is the open piece as it is now.
func (r *reel) rest() *piece {
	if r.open == nil {
		return nil
	}
	p := *r.open
	p.frames, p.sounds = slices.Clone(p.frames), slices.Clone(p.sounds)
	p.close()
	return &p
}

// trim drops the oldest pieces that are not needed to cover the time before, and those that are too many.
func (r *reel) trim() {
	newest := r.open.frames[len(r.open.frames)-1].dts
	for len(r.pieces) > 0 {
		n, from, known := r.second()
		enough := known && span(newest-from) >= r.cover
		if !enough && r.size+r.open.size <= r.limit {
			return
		}
		for _, p := range r.pieces[:n] {
			r.size -= p.size
		}
		r.pieces = slices.Clone(r.pieces[n:]) // the old ones must not stay in memory
	}
}

// second finds the second key picture at which a film could begin: how many pieces stand before it, and
// when it is.
func (r *reel) second() (pieces int, from int64, known bool) {
	for n := 1; n < len(r.pieces); n++ {
		if r.pieces[n].key() {
			return n, r.pieces[n].begin(), true
		}
	}
	return len(r.pieces), r.open.begin(), r.open.key()
}
