package server

import (
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// backlog is how many changes a reader may be behind before it is given a new snapshot instead.
const backlog = 512

// Feed carries changes to all open streams. It holds the newest changes in a ring, and each stream
// reads at its own pace: a slow one costs nobody anything and starts again from a snapshot.
type Feed struct {
	mu      sync.Mutex
	first   int64 // ID of the first change after this feed began
	next    int64
	ring    [backlog]wire.Change
	changed chan struct{}
}

// NewFeed gives an empty feed. IDs start at the time in microseconds, so that a reader who resumes
// with an ID of an earlier run is noticed.
func NewFeed() *Feed {
	start := time.Now().UnixMicro()
	return &Feed{first: start, next: start, changed: make(chan struct{})}
}

// Publish passes a change on. It never blocks.
func (f *Feed) Publish(c wire.Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ring[f.next%backlog] = c
	f.next++
	close(f.changed)
	f.changed = make(chan struct{})
}

// here is the ID that the next change will have.
func (f *Feed) here() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.next
}

// from gives the changes from ID at on and a channel that closes when there are more. False when
// they are not all known: the reader needs a snapshot.
func (f *Feed) from(at int64) ([]wire.Change, <-chan struct{}, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at < f.first || at > f.next || f.next-at > backlog {
		return nil, nil, false
	}
	var list []wire.Change
	for ; at < f.next; at++ {
		list = append(list, f.ring[at%backlog])
	}
	return list, f.changed, true
}
