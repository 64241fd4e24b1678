package record

import (
	"encoding/json"
	"fmt"
	"time"
)

// note is what a clip's row says beside its bytes; docs/FORMAT.md has it. The first one, which is there as
// soon as the clip is, has no film yet: after a crash the film itself says how far it got.
type note struct {
	Why    Why        `json:"why"`
	Start  time.Time  `json:"start"` // of the first picture
	Width  int        `json:"width"`
	Height int        `json:"height"`
	Sound  string     `json:"sound,omitempty"`  // the codec
	Film   int64      `json:"film,omitempty"`   // bytes; what comes behind is the still
	Still  int64      `json:"still,omitempty"`  // bytes
	Millis int64      `json:"millis,omitempty"` // how long the film lasts
	Frames int        `json:"frames,omitempty"` // pictures
	Marks  [][2]int64 `json:"marks,omitempty"`  // parts that can be played alone: milliseconds, offset
	Gaps   [][2]int64 `json:"gaps,omitempty"`   // what is missing: milliseconds from the start, and how many
}

func (n *note) mark(at time.Duration, offset int64, key bool, frames int) {
	n.Frames += frames
	if key {
		n.Marks = append(n.Marks, [2]int64{at.Milliseconds(), offset})
	}
}

func (n *note) gap(at, lasts time.Duration) {
	n.Gaps = append(n.Gaps, [2]int64{at.Milliseconds(), lasts.Milliseconds()})
}

func (n *note) bytes() []byte {
	b, err := json.Marshal(n)
	if err != nil {
		panic("record: a note of plain fields is refused: " + err.Error())
	}
	return b
}

// readNote reads what a row says, of size bytes of content. What cannot be is refused.
func readNote(b []byte, size int64) (note, error) {
	var n note
	if len(b) == 0 {
		return note{Why: Lost}, nil
	}
	if err := json.Unmarshal(b, &n); err != nil {
		return note{Why: Lost}, fmt.Errorf("%w: its note: %w", ErrDamaged, err)
	}
	if n.Film < 0 || n.Still < 0 || n.Film > size || n.Still > size-n.Film || n.Millis < 0 {
		return note{Why: Lost}, fmt.Errorf("%w: its note says %d and %d bytes of %d", ErrDamaged, n.Film, n.Still, size)
	}
	return n, nil
}
