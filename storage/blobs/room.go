package blobs

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ingle-home/ingle/storage"
)

// Limits say how much may be stored, and what is deleted for it.
type Limits struct {
	Bytes int64 // all files together; 0 for no limit
	Free  int64 // bytes of the disk that are left to others
	// Kinds may be deleted for room, the first before the second, the oldest of a
	// kind first. A kind that is not named never is, nor a segment that is Kept.
	Kinds []Limit
}

// Limit is how long a kind is kept.
type Limit struct {
	Kind string
	Age  time.Duration // Tidy deletes what began longer ago; 0 for never
}

// spare is how many bytes more than needed are deleted at a time, so that a
// full store does not commit a transaction for every chunk; of a small quota it
// is a part.
func (l Limits) spare() int64 {
	const most, part = 8 << 20, 32
	if l.Bytes > 0 {
		return min(most, l.Bytes/part)
	}
	return most
}

// SetLimits replaces the limits; the next Write, Create or Tidy goes by them.
func (s *Store) SetLimits(l Limits) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits = Limits{Bytes: l.Bytes, Free: l.Free, Kinds: slices.Clone(l.Kinds)}
}

// Tidy deletes what is too old at now, then what stands above the limits, and
// says what it deleted. It also finishes deletions that did not succeed before.
// A clock that cannot be believed must not get here: it would delete too much.
// storage.ErrFull if the limits cannot be met.
func (s *Store) Tidy(ctx context.Context, now time.Time) ([]Segment, error) {
	s.altering.Lock()
	old := s.pick(func(e *entry) bool { return e.gone.Load() || s.tooOld(e, now) })
	deleted := s.segments(old)
	err := s.remove(ctx, old)
	s.altering.Unlock()
	if err != nil {
		return nil, err
	}
	s.settleAll(ctx)
	more, err := s.shrink(ctx, func() int64 { return s.short(0) })
	return append(deleted, more...), err
}

// tooOld looks at an entry; Store.mu is held.
func (s *Store) tooOld(e *entry, now time.Time) bool {
	i := s.rank(e)
	return i >= 0 && s.limits.Kinds[i].Age > 0 && e.At.Add(s.limits.Kinds[i].Age).Before(now)
}

// rank is when an entry gives way, lowest first; -1 for never. Store.mu is held.
func (s *Store) rank(e *entry) int {
	if e.Kept || e.writer != nil {
		return -1
	}
	return slices.IndexFunc(s.limits.Kinds, func(l Limit) bool { return l.Kind == e.Kind })
}

func (s *Store) segments(es []*entry) []Segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Segment, 0, len(es))
	for _, e := range es {
		list = append(list, e.known())
	}
	return list
}

// short is how many bytes must go before need more may come.
func (s *Store) short(need int64) int64 {
	s.mu.Lock()
	limits, stored := s.limits, s.stored
	s.mu.Unlock()
	var most int64
	if limits.Bytes > 0 {
		most = stored + need - limits.Bytes
	}
	if limits.Free > 0 {
		// A file system that does not say how much is free has no floor.
		if free, err := s.disk.free(s.dir); err == nil {
			most = max(most, need+limits.Free-free)
		}
	}
	return most
}

// makeRoom sees to it that need bytes more keep the limits. Its only error is
// storage.ErrFull.
func (s *Store) makeRoom(ctx context.Context, need int64) error {
	if s.short(need) <= 0 {
		return nil
	}
	_, err := s.shrink(ctx, func() int64 { return s.short(need) })
	return err
}

// giveWay deletes at least need bytes. Its only error is storage.ErrFull.
func (s *Store) giveWay(ctx context.Context, need int64) error {
	_, err := s.shrink(ctx, func() int64 { return need })
	return err
}

// shrink deletes as much as short says, or nothing at all if that cannot be
// reached: what is deleted then would be lost in vain.
func (s *Store) shrink(ctx context.Context, short func() int64) ([]Segment, error) {
	s.altering.Lock()
	defer s.altering.Unlock()
	most := short()
	if most <= 0 {
		return nil, nil // somebody else was here first
	}
	victims, freed := s.victims(most)
	if freed < most {
		return nil, fmt.Errorf("blobs: %w: %d bytes short, and nothing more may be deleted", storage.ErrFull, most-freed)
	}
	list := s.segments(victims)
	if err := s.remove(ctx, victims); err != nil {
		return nil, fmt.Errorf("blobs: %w: nothing can be deleted: %w", storage.ErrFull, err)
	}
	return list, nil
}

// victims are those that give way for need bytes and some to spare, as far as
// there are so many, and how many bytes they have.
func (s *Store) victims(need int64) (victims []*entry, freed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	enough := need + s.limits.spare()
	ranks := make(map[*entry]int)
	var all []*entry
	for _, e := range s.entries {
		if i := s.rank(e); i >= 0 && !e.lost {
			ranks[e] = i
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b *entry) int {
		if ranks[a] != ranks[b] {
			return ranks[a] - ranks[b]
		}
		return older(a.Segment, b.Segment)
	})
	for _, e := range all {
		if freed >= enough {
			break
		}
		victims = append(victims, e)
		freed += e.Stored()
	}
	return victims, freed
}
