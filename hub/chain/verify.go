package chain

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// What can be wrong with an entry.
const (
	FlawChanged    = "changed"     // it, or a part of it, is not what was written
	FlawRemoved    = "removed"     // it, or a part of it, is not there and was not forgotten
	FlawMoved      = "moved"       // it stands in the place of another
	FlawAdded      = "added"       // the chain does not know it
	FlawForked     = "forked"      // what follows was written after another entry
	FlawRolledBack = "rolled-back" // it and newer ones were there: the store is an older one
	FlawHead       = "head"        // the head is not that of this chain
)

// maxFlaws bounds what is told; the first are the ones that help.
const maxFlaws = 100

// Flaw is where a chain is not as it was written.
type Flaw struct {
	Entry uint64 `json:"entry"`
	What  string `json:"what"`
}

// Report is what Verify found. Entries are those from First to Last; older ones had their time.
type Report struct {
	First, Last uint64
	Since       time.Time // of the first
	Forgotten   int       // parts
	Flaws       []Flaw    // by entry
}

// Whole says that nothing is wrong.
func (r Report) Whole() bool { return len(r.Flaws) == 0 }

// check is one look at a whole chain.
type check struct {
	*Chain
	*scan
	report    Report
	forgotten map[string]bool // IDs of parts that an entry says were forgotten
	anchored  bool            // an entry says where the chain begins
}

// Verify looks at every entry. Its error is of a store that cannot be read, which is a flaw of its own.
func (c *Chain) Verify(ctx context.Context) (Report, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.scan(ctx)
	if err != nil {
		return Report{}, err
	}
	v := &check{Chain: c, scan: s, report: Report{First: c.head.First, Last: c.head.Last}, forgotten: map[string]bool{}}
	if c.head.Last == 0 {
		if len(s.links)+len(s.parts)+len(s.broken) > 0 {
			v.flaw(0, FlawHead)
		}
		return v.report, nil
	}
	flaw, err := c.compare(ctx)
	if err != nil {
		return Report{}, err
	}
	if flaw != nil {
		v.flaw(flaw.Entry, flaw.What)
	}
	v.chain()
	v.bodies()
	v.strangers()
	slices.SortStableFunc(v.report.Flaws, func(a, b Flaw) int { return int(int64(a.Entry) - int64(b.Entry)) })
	v.report.Flaws = slices.Compact(v.report.Flaws)
	return v.report, nil
}

func (v *check) flaw(entry uint64, what string) {
	if len(v.report.Flaws) < maxFlaws {
		v.report.Flaws = append(v.report.Flaws, Flaw{entry, what})
	}
}

// chain walks along the links.
func (v *check) chain() {
	prev := v.head.Anchor
	for seq := v.head.First; seq <= v.head.Last && len(v.report.Flaws) < maxFlaws; seq++ {
		l, ok := v.links[seq]
		switch {
		case v.broken[seq]:
			v.flaw(seq, FlawChanged)
		case !ok:
			v.flaw(seq, FlawRemoved)
		case l.Seq != seq:
			v.flaw(seq, FlawMoved)
		case !bytes.Equal(l.sum(v.o.Name), l.Hash):
			v.flaw(seq, FlawChanged)
		case prev != nil && !bytes.Equal(l.Prev, prev):
			v.flaw(seq, FlawForked)
		}
		prev = nil // of an entry that is wrong there is nothing to go by
		if ok && l.Seq == seq && bytes.Equal(l.sum(v.o.Name), l.Hash) {
			prev = l.Hash
			v.learn(l)
		}
	}
	if prev != nil && !bytes.Equal(prev, v.head.Hash) {
		v.flaw(v.head.Last, FlawHead)
	}
	if v.head.First > 1 && !v.anchored {
		v.flaw(v.head.First, FlawHead)
	}
}

// learn takes what the chain's own entries say.
func (v *check) learn(l link) {
	if v.report.Since.IsZero() {
		v.report.Since = l.At
	}
	switch l.Kind {
	case kindCheckpoint:
		var m mark
		if json.Unmarshal(l.Note, &m) == nil && m.Last == v.head.First-1 && bytes.Equal(m.Hash, v.head.Anchor) {
			v.anchored = true
		}
	case kindForgotten:
		var ids []string
		_ = json.Unmarshal(l.Note, &ids) // the hash says that it is what was written
		for _, id := range ids {
			v.forgotten[id] = true
		}
	case kindLost:
		var f Flaw
		_ = json.Unmarshal(l.Note, &f)
		v.flaw(f.Entry, f.What)
	}
}

// bodies compares the parts with their commitments.
func (v *check) bodies() {
	for _, l := range v.order(v.head.First, v.head.Last) {
		seq := l.Seq
		for _, p := range l.Parts {
			id := partID(seq, p.Name)
			r, ok := v.parts[id]
			switch {
			case !ok && v.forgotten[id]:
				v.report.Forgotten++
			case !ok:
				v.flaw(seq, FlawRemoved)
			case !bytes.Equal(commitment(v.o.Name, seq, p.Name, r.Subject, r.Body), p.Hash):
				v.flaw(seq, FlawChanged)
			}
		}
	}
}

// strangers finds what no link knows. What is older than the first is on its way out.
func (v *check) strangers() {
	for range v.stray {
		v.flaw(0, FlawAdded)
	}
	for seq := range v.links {
		if seq > v.head.Last {
			v.flaw(seq, FlawAdded)
		}
	}
	for id := range v.parts {
		seq, name, ok := seqOf(id)
		known := slices.ContainsFunc(v.links[seq].Parts, func(s seal) bool { return s.Name == name })
		if !ok || strings.Contains(name, "/") || !known && seq >= v.head.First && v.links[seq].Seq == seq || seq > v.head.Last {
			v.flaw(seq, FlawAdded)
		}
	}
}
