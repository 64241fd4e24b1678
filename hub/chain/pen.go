package chain

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// kindEnd is of the second entry of what repeated or lasted: until when, and how often.
const kindEnd = "chain-end"

const (
	penTick    = 15 * time.Second
	longest    = 24 * time.Hour // one entry lasts at most
	maxStrokes = 512            // that are not finished
)

// PenOptions are what NewPen needs.
type PenOptions struct {
	Merge  time.Duration // what comes again within is the same
	Failed func(error)   // hears what the store said, and nil when it is well; nil: nobody
	Now    func() time.Time
}

// Pen writes drafts into a chain and keeps nobody waiting. What comes again under one key within Merge
// becomes one entry, and a second one at its end. Without a chain it keeps what it can.
type Pen struct {
	o    PenOptions
	wake chan struct{}

	writing sync.Mutex // one write at a time
	chain   *Chain     // under writing; nil until Attach

	mu     sync.Mutex
	open   map[string]*stroke // by key
	ended  []*stroke
	noted  uint64 // strokes so far
	missed int    // that there was no room for
}

// stroke is what became one entry.
type stroke struct {
	draft  Draft
	number uint64 // in the order in which they came
	seq    uint64 // 0: not written yet
	last   time.Time
	times  int
	active int // how many of it go on
	gone   bool
}

// ending is the note of an end.
type ending struct {
	Of    uint64    `json:"of"`
	Until time.Time `json:"until"`
	Times int       `json:"times"`
}

// NewPen gives one that has no chain yet.
func NewPen(o PenOptions) *Pen {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	return &Pen{o: o, wake: make(chan struct{}, 1), open: map[string]*stroke{}}
}

// Attach gives the pen its chain; nil takes it away.
func (p *Pen) Attach(c *Chain) {
	p.writing.Lock()
	defer p.writing.Unlock()
	p.chain = c
	p.nudge()
}

// Note takes a draft and returns at once. What lasts calls end when it is over, once. It says whether the draft was
// the first of its kind within Merge.
func (p *Pen) Note(key string, d Draft) (end func(), first bool) {
	now := p.o.Now().UTC()
	d.At = now
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.open[key]
	if s != nil && p.over(s, now) {
		p.finish(key)
		s = nil
	}
	if s == nil {
		if len(p.open)+len(p.ended) >= maxStrokes && !p.makeRoom() {
			p.missed++
			return func() {}, false
		}
		p.noted++
		s, first = &stroke{draft: d, number: p.noted}, true
		p.open[key] = s
		p.nudge()
	}
	s.last = now
	s.times++
	s.active++
	var once sync.Once
	return func() {
		once.Do(func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			s.active--
			s.last = p.o.Now().UTC()
		})
	}, first
}

// over says whether a stroke is finished: nothing of it goes on, and nothing came again for a while.
func (p *Pen) over(s *stroke, now time.Time) bool {
	return s.active <= 0 && now.Sub(s.last).Abs() >= p.o.Merge || now.Sub(s.draft.At).Abs() >= longest
}

func (p *Pen) finish(key string) {
	p.ended = append(p.ended, p.open[key])
	delete(p.open, key)
}

// makeRoom finishes the written stroke that has been quiet for the longest time.
func (p *Pen) makeRoom() bool {
	if len(p.ended) > maxStrokes/2 {
		return false
	}
	var oldest string
	for key, s := range p.open {
		if s.seq != 0 && s.active <= 0 && (oldest == "" || s.last.Before(p.open[oldest].last)) {
			oldest = key
		}
	}
	if oldest == "" {
		return false
	}
	p.finish(oldest)
	return true
}

func (p *Pen) nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Run writes what was noted until ctx ends; Close writes the rest.
func (p *Pen) Run(ctx context.Context) error {
	tick := time.NewTicker(penTick)
	defer tick.Stop()
	for {
		p.report(p.Write(ctx))
		select {
		case <-ctx.Done():
			return nil
		case <-p.wake:
		case <-tick.C:
		}
	}
}

// report tells what the store said. That somebody hung up, or the hub ends, is no fault of it.
func (p *Pen) report(err error) {
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		p.o.Failed(err)
	}
}

// Close finishes what still goes on, and writes it.
func (p *Pen) Close(ctx context.Context) error {
	p.mu.Lock()
	now := p.o.Now().UTC()
	for _, key := range slices.Sorted(maps.Keys(p.open)) {
		if s := p.open[key]; s.active > 0 {
			s.last = now
		}
		p.finish(key)
	}
	p.mu.Unlock()
	return p.Write(ctx)
}

// Write writes what was noted and what ended. After an error it is still to be written.
func (p *Pen) Write(ctx context.Context) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	return p.write(ctx)
}

func (p *Pen) write(ctx context.Context) error {
	if p.chain == nil {
		return nil
	}
	for _, step := range []func() ([]*stroke, []Draft){p.begun, p.overDrafts, p.missedSome} {
		strokes, drafts := step()
		if len(drafts) == 0 {
			continue
		}
		seqs, err := p.chain.Append(ctx, drafts...)
		p.mu.Lock()
		for i, s := range strokes {
			if err == nil && s.seq == 0 {
				s.seq = seqs[i]
			} else if err == nil {
				s.gone = true
			}
		}
		p.ended = slices.DeleteFunc(p.ended, func(s *stroke) bool { return s.gone })
		p.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// begun are the strokes that are not written yet.
func (p *Pen) begun() (strokes []*stroke, drafts []Draft) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range append(slices.Clone(p.ended), slices.Collect(maps.Values(p.open))...) {
		if s.seq == 0 {
			strokes = append(strokes, s)
		}
	}
	slices.SortFunc(strokes, func(a, b *stroke) int { return cmp.Compare(a.number, b.number) })
	for _, s := range strokes {
		drafts = append(drafts, s.draft)
	}
	return strokes, drafts
}

// overDrafts are the ends of strokes that are over; what happened once needs none.
func (p *Pen) overDrafts() (strokes []*stroke, drafts []Draft) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.o.Now().UTC()
	for _, key := range slices.Sorted(maps.Keys(p.open)) {
		if s := p.open[key]; s.seq != 0 && p.over(s, now) {
			p.finish(key)
		}
	}
	p.ended = slices.DeleteFunc(p.ended, func(s *stroke) bool { return s.seq != 0 && s.times == 1 && s.last.Sub(s.draft.At) < time.Second })
	for _, s := range p.ended {
		if s.seq == 0 {
			continue
		}
		note, err := json.Marshal(ending{s.seq, s.last, s.times})
		if err != nil {
			continue
		}
		strokes, drafts = append(strokes, s), append(drafts, Draft{At: now, Kind: kindEnd, Note: note})
	}
	return strokes, drafts
}

// missedSome says what there was no room for.
func (p *Pen) missedSome() ([]*stroke, []Draft) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.missed == 0 {
		return nil, nil
	}
	now := p.o.Now().UTC()
	note := fmt.Appendf(nil, `{"missed":%d}`, p.missed)
	p.missed = 0
	return nil, []Draft{{At: now, Kind: KindMissed, Note: note}}
}

// KindMissed is of an entry that says how many could not be written, because too much came at once or
// the disk was full for long: Note is {"missed":N}.
const KindMissed = "missed"

// Folded is an entry with its end. Going says that it is not over; Until is zero where nobody knows when
// it was, because the hub went first.
type Folded struct {
	Entry
	Until time.Time
	Times int
	Going bool
}

// Folded writes what was noted, and gives the entries from a time with their ends, the oldest first.
func (p *Pen) Folded(ctx context.Context, since time.Time) ([]Folded, error) {
	p.writing.Lock()
	defer p.writing.Unlock()
	if p.chain == nil {
		return nil, nil
	}
	p.report(p.write(ctx)) // what was written before can be read all the same
	entries, ends, err := p.chain.folded(ctx, since)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	going := map[uint64]*stroke{}
	for _, s := range p.open {
		going[s.seq] = s
	}
	list := make([]Folded, 0, len(entries))
	for _, e := range entries {
		f := Folded{Entry: e, Times: 1}
		if end, ok := ends[e.Seq]; ok {
			f.Until, f.Times = end.Until, end.Times
		} else if s := going[e.Seq]; s != nil {
			f.Until, f.Times, f.Going = s.last, s.times, s.active > 0
		}
		list = append(list, f)
	}
	return list, nil
}

// folded is Entries, with the ends by the number of their entry.
func (c *Chain) folded(ctx context.Context, since time.Time) ([]Entry, map[uint64]ending, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.scan(ctx)
	if err != nil {
		return nil, nil, err
	}
	var list []Entry
	ends := map[uint64]ending{}
	for _, l := range s.order(c.head.First, c.head.Last) {
		switch {
		case l.Kind == kindEnd:
			var e ending
			if json.Unmarshal(l.Note, &e) == nil {
				ends[e.Of] = e
			}
		case !own(l.Kind):
			list = append(list, s.entry(l))
		}
	}
	return slices.DeleteFunc(list, func(e Entry) bool { // one that lasted into the time counts
		end, ended := ends[e.Seq]
		return e.At.Before(since) && (!ended || end.Until.Before(since))
	}), ends, nil
}

// Erase forgets parts, also of what is not written yet.
func (p *Pen) Erase(ctx context.Context, match func(Entry, Part) bool) (int, error) {
	p.writing.Lock()
	defer p.writing.Unlock()
	matches := func(s *stroke) bool {
		return slices.ContainsFunc(s.draft.Parts, func(part Part) bool { return match(Entry{Draft: s.draft}, part) })
	}
	p.mu.Lock()
	maps.DeleteFunc(p.open, func(_ string, s *stroke) bool { return matches(s) })
	p.ended = slices.DeleteFunc(p.ended, matches)
	p.mu.Unlock()
	if p.chain == nil {
		return 0, nil
	}
	return p.chain.Erase(ctx, match)
}
