package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
)

const (
	writeTime = 10 * time.Second // after which a reader who takes nothing is let go
	heartbeat = 15 * time.Second
)

func (a *api) events() {
	type resume struct {
		LastEventID string `header:"Last-Event-ID" maxLength:"32"`
	}
	r := route{"events", "GET", "/events", Member, nil, 0, "Server-sent events: a snapshot, then changes; resumes after Last-Event-ID"}
	add(a, r, func(ctx context.Context, in *resume) (*huma.StreamResponse, error) {
		last, _ := strconv.ParseInt(in.LastEventID, 10, 64)
		s := stream{api: a, caller: callerOf(ctx), at: last + 1}
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
	at      int64 // the next change to send
}

// begin gives the snapshot that the reader needs; nil when the feed still has all that was missed.
func (s *stream) begin(ctx context.Context) (*wire.Snapshot, error) {
	if _, _, known := s.Feed.from(s.at); known {
		return nil, nil
	}
	// The place in the feed is marked before the state is read: a change in between comes twice,
	// which does no harm, and none is lost.
	s.at = s.Feed.here()
	snap, err := s.Hub.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	snap = s.seen(snap.Clone())
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
	if c.Value != nil && !s.cleared(c.Value.Value) {
		return nil
	}
	if c.Accessory != nil {
		one := s.filter(*c.Accessory)
		c.Accessory = &one
	}
	if s.caller < Owner && (c.Status != nil || c.Zone != nil) {
		return nil
	}
	return s.send(s.at, "change", c)
}

// seen takes out what only the owner may see.
func (s *stream) seen(snap wire.Snapshot) wire.Snapshot {
	for i, a := range snap.Accessories {
		snap.Accessories[i] = s.filter(a)
	}
	if s.caller < Owner {
		snap.Status = wire.Status{State: snap.Status.State, Version: snap.Status.Version}
		snap.Zones = nil
	}
	snap.Accessories, snap.People = full(snap.Accessories), full(snap.People)
	snap.Zones, snap.Troubles = full(snap.Zones), full(snap.Troubles)
	return snap
}

func (s *stream) filter(a wire.Accessory) wire.Accessory {
	kept := make([]wire.Value, 0, len(a.Traits))
	for _, v := range a.Traits {
		if s.cleared(v) {
			kept = append(kept, v)
		}
	}
	a.Traits = kept
	return a
}

// cleared says whether the caller may receive the value. Below the owner it is household facts only,
// until the hub knows which person a caller is.
func (s *stream) cleared(v wire.Value) bool {
	t, known := trait.Lookup(v.Trait)
	return known && (s.caller >= Owner || t.Class() == trait.Household)
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
