package chain

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

const (
	day        = 24 * time.Hour
	perEntry   = 400 // parts that one entry says are forgotten
	perRemoval = 1000
)

// Trim removes what has had its time by now, or is more than there may be, and says how many entries. An
// entry then says where the chain begins. It goes by whole days, so that there is one a day at most.
func (c *Chain) Trim(ctx context.Context, now time.Time) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.scan(ctx)
	if err != nil {
		return 0, err
	}
	before := now.Add(-c.o.Keep).Truncate(day).Add(day)
	first := c.head.First
	if c.o.Most > 0 && c.head.Last+1-first > uint64(c.o.Most) {
		first = c.head.Last + 1 - uint64(c.o.Most*9/10)
	}
	for first <= c.head.Last && s.links[first].At.Before(before) {
		first++
	}
	trimmed := int(first - c.head.First)
	if trimmed > 0 {
		anchor := c.head.Hash
		if l, ok := s.links[first-1]; ok {
			anchor = l.Hash
		}
		note, err := json.Marshal(mark{first - 1, anchor})
		if err != nil {
			return 0, fmt.Errorf("chain: %w", err)
		}
		begin := func(h *head) { h.First, h.Anchor = first, anchor }
		if err := c.append(ctx, begin, Draft{At: now.UTC(), Kind: kindCheckpoint, Note: note}); err != nil {
			return 0, err
		}
	}
	return trimmed, c.sweep(ctx, s)
}

// sweep removes what is older than the first entry, also what a power cut left of that.
func (c *Chain) sweep(ctx context.Context, s *scan) error {
	var links, parts []string
	for seq := range s.links {
		if seq < c.head.First {
			links = append(links, linkID(seq))
		}
	}
	for seq := range s.broken {
		if seq < c.head.First {
			links = append(links, linkID(seq))
		}
	}
	for id := range s.parts {
		if seq, _, ok := seqOf(id); ok && seq < c.head.First {
			parts = append(parts, id)
		}
	}
	if err := c.drop(ctx, c.partKind(), parts); err != nil {
		return err
	}
	return c.drop(ctx, c.o.Name, links)
}

func (c *Chain) drop(ctx context.Context, kind string, ids []string) error {
	for some := range slices.Chunk(ids, perRemoval) {
		if err := c.o.Store.Delete(ctx, kind, some...); err != nil {
			return fmt.Errorf("chain: %s: %w", c.o.Name, err)
		}
	}
	return nil
}

// Holding is how much there is of somebody.
type Holding struct {
	Parts  int
	Bytes  int64
	Oldest time.Time
}

// Find counts the parts that match.
func (c *Chain) Find(ctx context.Context, match func(Entry, Part) bool) (Holding, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var h Holding
	s, err := c.scan(ctx)
	if err != nil {
		return h, err
	}
	s.each(match, func(_ string, e Entry, p Part) {
		h.Parts++
		h.Bytes += int64(len(p.Body))
		if h.Oldest.IsZero() || e.At.Before(h.Oldest) {
			h.Oldest = e.At
		}
	})
	return h, nil
}

// Erase forgets the parts that match, and says how many. An entry says first which parts that are, by
// their numbers, so that the chain is whole without them. It must run before the subject's key goes: what
// is gone without a word counts as removed.
func (c *Chain) Erase(ctx context.Context, match func(Entry, Part) bool) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.scan(ctx)
	if err != nil {
		return 0, err
	}
	var ids []string
	s.each(match, func(id string, _ Entry, _ Part) { ids = append(ids, id) })
	slices.Sort(ids)
	for some := range slices.Chunk(ids, perEntry) {
		note, err := json.Marshal(some)
		if err != nil {
			return 0, fmt.Errorf("chain: %w", err)
		}
		if err := c.append(ctx, nil, Draft{At: c.o.Now().UTC(), Kind: kindForgotten, Note: note}); err != nil {
			return 0, err
		}
	}
	return len(ids), c.drop(ctx, c.partKind(), ids)
}

// each calls for every part that is there and matches.
func (s *scan) each(match func(Entry, Part) bool, call func(id string, e Entry, p Part)) {
	for _, l := range s.links {
		e := s.entry(l)
		for _, p := range e.Parts {
			if match(e, p) {
				call(partID(l.Seq, p.Name), e, p)
			}
		}
	}
}
