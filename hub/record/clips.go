package record

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/ingle-home/ingle/hub/record/fmp4"
)

// What can be wrong with a clip.
var (
	ErrNotFound = errors.New("record: no such clip") // deleted, or never there
	ErrDamaged  = errors.New("record: the clip is damaged")
	ErrNoStill  = errors.New("record: the clip has no picture of its own")
)

// Store keeps clips, sealed, each under the key of its camera. Its errors are ErrNotFound, ErrDamaged and
// what the disk answers.
type Store interface {
	// Begin starts a clip; it is listed, with its note, when Begin returns.
	Begin(ctx context.Context, camera string, at time.Time, note []byte) (Film, error)
	// List gives the clips of a camera, or all for "", oldest first.
	List(camera string) []Stored
	Open(ctx context.Context, id string) (Bytes, error)
	// Keep protects a clip from whatever makes room.
	Keep(ctx context.Context, id string, kept bool) error
	Delete(ctx context.Context, ids ...string) error
	// Forget destroys a camera's key, and with it all of its clips wherever copies of them lie.
	Forget(ctx context.Context, camera string) error
}

// Film is a clip that is being written.
type Film interface {
	io.Writer
	// Block is how many bytes the store seals at a time.
	Block() int64
	// Close ends the clip, durably, and replaces its note.
	Close(note []byte) error
}

// Bytes are a stored clip's; what they give is authentic.
type Bytes interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// State says how a clip ended.
type State string

// The states of a clip.
const (
	Running State = "recording"
	Whole   State = "whole"
	Cut     State = "cut" // by a crash: its end is missing
	Damaged State = "damaged"
)

// Stored is what the store knows about a clip.
type Stored struct {
	ID, Camera string
	At, End    time.Time
	Size       int64 // bytes of content
	Space      int64 // bytes on the disk
	Kept       bool
	State      State
	Note       []byte
}

// Dated says whether the clip's time can be true at now, a time that can be believed. A hub without a
// clock of its own starts in 1970 after a power cut; and a clock may have run ahead.
func (s Stored) Dated(now time.Time) bool {
	first := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC) // no clip is older than the program that makes them
	return s.At.After(first) && s.At.Before(now.Add(time.Hour))
}

// Clip is one recording.
type Clip struct {
	ID, Camera    string
	Why           Why
	At            time.Time     // of its first picture
	Lasts         time.Duration // roughly, unless its State is Whole
	Size          int64         // bytes of its film
	Width, Height int           // pixels
	Frames        int           // pictures; 0 = not known
	Gaps          int
	Sound, Kept   bool
	Still         bool // it has a picture of its own
	State         State
}

// Clips are the recordings of the home.
type Clips struct{ Store Store }

// List gives the clips of a camera, or all for "", newest first.
func (c Clips) List(camera string) []Clip {
	stored := c.Store.List(camera)
	list := make([]Clip, len(stored))
	for i, s := range stored {
		list[len(list)-1-i] = clipOf(s)
	}
	return list
}

// Find gives one clip, by its ID or by a beginning that no other has; ErrNotFound.
func (c Clips) Find(id string) (Clip, error) {
	s, err := c.find(id)
	if err != nil {
		return Clip{}, err
	}
	return clipOf(s), nil
}

const shortID = 6 // characters of an ID that a person may type

func (c Clips) find(id string) (Stored, error) {
	var found []Stored
	for _, s := range c.Store.List("") {
		if s.ID == id {
			return s, nil
		}
		if len(id) >= shortID && strings.HasPrefix(s.ID, id) {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		return Stored{}, ErrNotFound
	}
	return found[0], nil
}

func clipOf(s Stored) Clip {
	n, err := readNote(s.Note, s.Size)
	c := Clip{
		ID: s.ID, Camera: s.Camera, Why: n.Why, At: s.At, Lasts: time.Duration(n.Millis) * time.Millisecond,
		Size: cmp.Or(n.Film, s.Size), Width: n.Width, Height: n.Height, Frames: n.Frames, Gaps: len(n.Gaps),
		Sound: n.Sound != "", Kept: s.Kept, Still: n.Still > 0, State: s.State,
	}
	if err != nil {
		c.State = Damaged
	}
	if n.Film == 0 && s.End.After(s.At) {
		c.Lasts = s.End.Sub(s.At)
	}
	return c
}

// Reel is an open clip: its film, readable from any place. It is for one reader at a time.
type Reel struct {
	*io.SectionReader
	Clip  Clip
	bytes Bytes
	marks [][2]int64 // milliseconds, offset
}

// Close gives the clip up.
func (r *Reel) Close() error { return r.bytes.Close() }

// At finds where to read on for a time: the offset of the last part that can be played alone and begins
// no later, and when that is. What stands before the first part, Head bytes, must be read first.
func (r *Reel) At(t time.Duration) (offset int64, at time.Duration) {
	i := sort.Search(len(r.marks), func(i int) bool { return r.marks[i][0] > t.Milliseconds() }) - 1
	if i < 0 {
		return r.Head(), 0
	}
	return r.marks[i][1], time.Duration(r.marks[i][0]) * time.Millisecond
}

// Head is how many bytes stand before the first part.
func (r *Reel) Head() int64 {
	if len(r.marks) == 0 {
		return r.Size()
	}
	return r.marks[0][1]
}

// Open opens a clip. One that is being written, or that a crash cut, goes up to its last whole part.
func (c Clips) Open(ctx context.Context, id string) (*Reel, error) {
	s, err := c.find(id)
	if err != nil {
		return nil, err
	}
	n, err := readNote(s.Note, s.Size)
	if err != nil {
		return nil, err
	}
	b, err := c.Store.Open(ctx, s.ID)
	if err != nil {
		return nil, fmt.Errorf("record: open: %w", err)
	}
	r := &Reel{Clip: clipOf(s), bytes: b, marks: n.Marks}
	if n.Film == 0 {
		if err := r.scan(); err != nil {
			return nil, errors.Join(err, b.Close())
		}
	}
	r.SectionReader = io.NewSectionReader(b, 0, r.Clip.Size)
	return r, nil
}

// scan finds out how far a film got.
func (r *Reel) scan() error {
	marks, end, err := fmp4.Scan(r.bytes, r.bytes.Size())
	if errors.Is(err, fmp4.ErrBroken) && len(marks) == 0 {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	} else if err != nil && !errors.Is(err, fmp4.ErrBroken) {
		return fmt.Errorf("record: open: %w", err)
	}
	r.Clip.Size, r.Clip.Lasts = end, 0
	for _, m := range marks {
		r.Clip.Frames += m.Frames
		r.Clip.Lasts = span(int64(m.Begin + m.Ticks))
		if m.Key {
			r.marks = append(r.marks, [2]int64{span(int64(m.Begin)).Milliseconds(), m.Offset})
		}
	}
	return nil
}

const maxStill = 4 << 20 // bytes

// Still gives a clip's own picture, a JPEG; ErrNoStill.
func (c Clips) Still(ctx context.Context, id string) (jpeg []byte, err error) {
	s, err := c.find(id)
	if err != nil {
		return nil, err
	}
	n, err := readNote(s.Note, s.Size)
	if err != nil {
		return nil, err
	}
	if n.Still == 0 || n.Still > maxStill {
		return nil, ErrNoStill
	}
	b, err := c.Store.Open(ctx, s.ID)
	if err != nil {
		return nil, fmt.Errorf("record: still: %w", err)
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	jpeg = make([]byte, n.Still)
	if _, err := b.ReadAt(jpeg, n.Film); err != nil {
		return nil, fmt.Errorf("record: still: %w", err)
	}
	return jpeg, nil
}

// Keep protects a clip from whatever makes room, or gives it up to that.
func (c Clips) Keep(ctx context.Context, id string, kept bool) (Clip, error) {
	s, err := c.find(id)
	if err != nil {
		return Clip{}, err
	}
	if err := c.Store.Keep(ctx, s.ID, kept); err != nil {
		return Clip{}, fmt.Errorf("record: keep: %w", err)
	}
	return c.Find(s.ID)
}

// Delete removes a clip, also one that is kept.
func (c Clips) Delete(ctx context.Context, id string) error {
	s, err := c.find(id)
	if err != nil {
		return err
	}
	return c.Store.Delete(ctx, s.ID)
}

// Tidy deletes what is too old at now, and what is more than a camera may have, the oldest first; what is
// kept does not count. Without a rule the usual limits hold: clips outlast the recording being switched
// off. A zero now deletes nothing for its age: that of a clock that is hard to believe; nor does a clip go
// for its age whose own time cannot be true.
func (c Clips) Tidy(ctx context.Context, now time.Time, s Settings) (deleted int, err error) {
	sums := map[string]int64{}
	var gone []string
	stored := c.Store.List("")
	slices.Reverse(stored) // newest first
	for _, clip := range stored {
		if clip.Kept || clip.State == Running {
			continue
		}
		rule := s.Rule(clip.Camera)
		sums[clip.Camera] += clip.Space
		old := !now.IsZero() && clip.Dated(now) && now.Sub(clip.At) > rule.Age()
		if old || sums[clip.Camera] > rule.Bytes {
			gone = append(gone, clip.ID)
		}
	}
	if len(gone) == 0 {
		return 0, nil
	}
	if err := c.Store.Delete(ctx, gone...); err != nil {
		return 0, fmt.Errorf("record: tidy: %w", err)
	}
	return len(gone), nil
}
