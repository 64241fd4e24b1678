package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

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

// Forget drops the changes so far, in which somebody may be named who was forgotten: every reader starts
// again from a snapshot.
func (f *Feed) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.ring[:])
	f.next += 2 // no reader can have seen this
	f.first = f.next
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

const (
	writeTime = 10 * time.Second // after which a reader who takes nothing is let go
	heartbeat = 15 * time.Second
)

func (a *api) events() {
	type resume struct {
		LastEventID string `header:"Last-Event-ID" maxLength:"32"`
	}
	r := route{"events", "GET", "/events", Guest, nil, 0, "Server-sent events: a snapshot, then changes; resumes after Last-Event-ID"}
	add(a, r, func(ctx context.Context, in *resume) (*huma.StreamResponse, error) {
		last, _ := strconv.ParseInt(in.LastEventID, 10, 64)
		s := stream{api: a, caller: callerOf(ctx), at: last + 1, films: func(camera string) bool { return a.maySee(ctx, camera) }}
		first, err := s.begin(ctx) // here a refusal can still be told
		if err != nil {
			return nil, err
		}
		return &huma.StreamResponse{Body: func(ctx huma.Context) {
			_, s.w = humago.Unwrap(ctx)
			s.control = http.NewResponseController(s.w)
			if err := s.run(ctx.Context(), first); err != nil {
				a.Log.Debug("a stream of events ended", "err", err)
			}
		}}, nil
	})
	doc := a.huma.OpenAPI()
	either := &huma.Schema{OneOf: []*huma.Schema{schemaOf[wire.Snapshot](doc), schemaOf[wire.Change](doc)}}
	doc.Paths[prefix+r.path].Get.Responses["200"].Content = map[string]*huma.MediaType{"text/event-stream": {Schema: either}}
}

type stream struct {
	*api
	w       http.ResponseWriter
	control *http.ResponseController
	caller  Access
	films   func(camera string) bool // whether the caller may see a camera's recordings
	shown   map[string]bool          // accessories that the caller was told of, by ID; nil before the snapshot
	at      int64                    // the next change to send
}

// begin gives the snapshot that the reader needs; nil when the feed still has all that was missed. Who is not
// told everything cannot resume: nobody knows any more what was private when it changed.
func (s *stream) begin(ctx context.Context) (*wire.Snapshot, error) {
	if _, _, known := s.Feed.from(s.at); known && (s.caller >= Owner || s.shown != nil) {
		return nil, nil
	}
	// The place in the feed is marked before the state is read: a change in between comes twice,
	// which does no harm, and none is lost.
	s.at = s.Feed.here()
	snap, err := s.Hub.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	s.shown = shownOf(s.caller, snap.Accessories)
	snap = snapshotFor(s.caller, snap.Clone())
	return &snap, nil
}

// run sends the snapshot, if there is one, and then every change until ctx ends.
func (s *stream) run(ctx context.Context, first *wire.Snapshot) error {
	s.w.Header().Set("Content-Type", "text/event-stream")
	s.w.Header().Set("Cache-Control", "no-store")
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		more, err := s.catchUp(ctx, first)
		if err != nil {
			return err
		}
		first = nil
		select {
		case <-ctx.Done():
			return nil
		case <-beat.C:
			if err := s.put(":\n\n"); err != nil {
				return err
			}
		case <-more:
		}
	}
}

func (s *stream) catchUp(ctx context.Context, snap *wire.Snapshot) (<-chan struct{}, error) {
	if snap == nil {
		var err error
		if snap, err = s.begin(ctx); err != nil {
			return nil, err
		}
	}
	if snap != nil {
		if err := s.send(s.at-1, "snapshot", snap); err != nil {
			return nil, err
		}
	}
	list, more, known := s.Feed.from(s.at)
	if !known { // overrun again while the snapshot was written
		now := make(chan struct{})
		close(now)
		return now, nil
	}
	for _, c := range list {
		if err := s.change(c); err != nil {
			return nil, err
		}
		s.at++
	}
	return more, nil
}

func (s *stream) change(c wire.Change) error {
	c, ok := s.visible(c)
	if !ok {
		return nil
	}
	return s.send(s.at, "change", c)
}

// visible is what the caller may know of a change.
func (s *stream) visible(c wire.Change) (wire.Change, bool) {
	switch {
	case c.Value != nil:
		return c, s.knows(c.Value.Accessory) && s.caller.sees(c.Value.Value)
	case c.Condition != nil:
		return c, s.knows(c.Condition.Accessory)
	case c.Accessory != nil:
		return s.accessory(*c.Accessory)
	case c.Removed != "":
		known := s.knows(c.Removed)
		delete(s.shown, c.Removed)
		return c, known
	case c.Person != nil:
		return c, s.caller >= Member
	case c.Zone != nil:
		return c, s.caller >= Guardian
	case c.Status != nil:
		return c, s.caller >= Owner
	case c.Filmed != nil:
		return c, s.films(c.Filmed.Camera)
	case c.Troubles != nil && s.caller >= Member:
		list := troublesFor(s.caller, s.shown, *c.Troubles)
		return wire.Change{Troubles: &list}, true
	}
	return c, false
}

// knows says whether the caller was told of an accessory. What it reports before that, or after it has gone,
// may be of one that is private.
func (s *stream) knows(id string) bool { return s.caller >= Owner || s.shown[id] }

// accessory has a thing disappear that became private, for those who may not know of it.
func (s *stream) accessory(a wire.Accessory) (wire.Change, bool) {
	if hides(s.caller, a) {
		return s.visible(wire.Change{Removed: a.ID})
	}
	if s.shown != nil {
		s.shown[a.ID] = true
	}
	a.Traits = traitsFor(s.caller, a.Traits)
	return wire.Change{Accessory: &a}, true
}

func (s *stream) send(id int64, event string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("server: event: %w", err)
	}
	return s.put(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", id, event, body))
}

func (s *stream) put(text string) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return fmt.Errorf("server: events: %w", err)
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("server: events: %w", err)
	}
	return s.control.Flush()
}
