package server_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
)

func TestTheStateComesFirstThenEveryChange(t *testing.T) {
	h := apitest.New(wire.Open)
	c := dial(t, h)
	var state wire.Snapshot
	n := 0
	enough := errors.New("enough")
	err := c.Events(t.Context(), func(e wire.Event) error {
		switch {
		case e.Snapshot != nil && n == 0:
			state = *e.Snapshot
			for i := range 100 {
				h.Report(apitest.Watch, trait.Battery.Of(i, time.Now()))
			}
		case e.Change != nil:
			state.Apply(*e.Change)
			if v, _ := wire.Read(e.Change.Value.Value, trait.Battery); v != n {
				return fmt.Errorf("battery %d came where %d should", v, n)
			}
			if n++; n == 100 {
				return enough
			}
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatal(err)
	}
	if len(state.Accessories) != 6 || len(state.People) != 2 || len(state.Zones) != 1 {
		t.Errorf("the state: %+v", state)
	}
}

func TestAStreamSurvivesTheHub(t *testing.T) {
	h, socket := apitest.New(wire.Open), apitest.Socket(t)
	stop := h.Serve(t, socket)
	c := client.Dial(socket)
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	events := make(chan wire.Event, 16)
	lost := make(chan error, 64)
	ended := make(chan error, 1)
	go func() {
		ended <- c.Follow(ctx, func(e wire.Event) error { events <- e; return nil }, func(err error) { lost <- err })
	}()
	if e := <-events; e.Snapshot == nil {
		t.Fatalf("first came %+v", e)
	}
	h.Report(apitest.Watch, trait.Battery.Of(50, time.Now()))
	<-events
	stop()
	<-lost
	h.Report(apitest.Watch, trait.Battery.Of(49, time.Now())) // missed, but still in the feed
	h.Serve(t, socket)
	e := <-events
	if e.Change == nil {
		t.Fatalf("after the gap came %+v, not the missed change", e)
	}
	if v, _ := wire.Read(e.Change.Value.Value, trait.Battery); v != 49 {
		t.Errorf("battery %d", v)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// first reads the first event after a Last-Event-ID.
func first(t *testing.T, h http.Handler, last string) (id, event, body string) {
	t.Helper()
	follow(t, h, last, func(i, e, b string) bool {
		id, event, body = i, e, b
		return false
	})
	return id, event, body
}

func TestAGapTooOldMeansANewSnapshot(t *testing.T) {
	h := apitest.New(wire.Open)
	start, event, _ := first(t, h.API(), "")
	if event != "snapshot" {
		t.Fatalf("first came %q", event)
	}
	h.Report(apitest.Watch, trait.Battery.Of(7, time.Now()))
	if _, event, _ := first(t, h.API(), start); event != "change" {
		t.Errorf("a short gap gave %q", event)
	}
	for range 600 {
		h.Report(apitest.Watch, trait.Battery.Of(8, time.Now()))
	}
	for _, last := range []string{start, "1", "99999999999999999", "nonsense", "-5"} {
		if _, event, _ := first(t, h.API(), last); event != "snapshot" {
			t.Errorf("resuming at %q gave %q", last, event)
		}
	}
}

func TestAMemberSeesNoCoordinates(t *testing.T) {
	h := apitest.New(wire.Open)
	caller := func(*http.Request) server.Access { return server.Member }
	api := server.New(server.Options{Hub: h, Feed: h.Feed, Caller: caller})
	_, _, body := first(t, api, "")
	for _, hidden := range []string{"52.52", "482-61-937", "X-HM"} {
		if strings.Contains(body, hidden) {
			t.Errorf("a member's snapshot has %q", hidden)
		}
	}
	said := changes(t, api, "", 1, func() {
		h.Report(apitest.Watch, trait.Where.Of(trait.Place{Lat: 52.53}, time.Now()))
		h.Report(apitest.Watch, trait.Battery.Of(33, time.Now()))
	})
	if v, ok := wire.Read(said[0].Value.Value, trait.Battery); !ok || v != 33 {
		t.Errorf("a member was sent %+v", said)
	}
}

// Of recordings hears who may see them.
func TestWhoHearsOfRecordings(t *testing.T) {
	h := apitest.New(wire.Open)
	for have, role := range roles()[1:] {
		said := changes(t, as(h, role), "", 1, func() {
			h.Feed.Publish(wire.Change{Filmed: &wire.Filmed{Camera: apitest.Camera}})
			h.Report(apitest.Camera, trait.Motion.Of(true, time.Now()))
		})
		if heard := said[0].Filmed != nil; heard != (have >= 2) {
			t.Errorf("a %s was sent %+v", role, said)
		}
	}
}

// reader follows a stream over a socket as the app does, as fast as it can.
type reader struct {
	snapshots, changes int
	last               int
	wrong              string
}

func (r *reader) take(e wire.Event) {
	switch {
	case e.Snapshot != nil:
		r.snapshots++
	case e.Change != nil && e.Change.Value != nil:
		n, ok := wire.Read(e.Change.Value.Value, trait.Steps)
		if !ok {
			return
		}
		if n <= r.last && n != 0 {
			r.wrong = fmt.Sprintf("%d came after %d", n, r.last)
		}
		r.last = n
		r.changes++
	}
}

// Thirty readers are told ten thousand changes, a minute's worth of a very busy home: each has the newest in
// the end, in order and none twice. A reader who takes nothing costs the others nothing.
func TestManyReadersOfABusyHome(t *testing.T) {
	h := apitest.New(wire.Open)
	c := dial(t, h)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const many, readers = 10_000, 30
	enough := errors.New("enough")
	var all sync.WaitGroup
	var ready sync.WaitGroup
	ready.Add(readers)
	for range readers {
		all.Go(func() {
			var r reader
			begun := false
			err := c.Events(ctx, func(e wire.Event) error {
				if !begun {
					begun = true
					ready.Done()
				}
				if r.take(e); r.last == many || r.wrong != "" {
					return enough
				}
				if e.Snapshot != nil && r.snapshots > 1 { // it was overrun: the snapshot has what it missed
					for _, a := range e.Snapshot.Accessories {
						if v, ok := a.Value("steps"); ok && a.ID == apitest.Watch {
							if n, ok := wire.Read(v, trait.Steps); ok && n == many {
								return enough
							}
						}
					}
				}
				return nil
			})
			if !errors.Is(err, enough) || r.wrong != "" {
				t.Errorf("a reader ended with %v at %d after %d changes and %d snapshots: %s", err, r.last, r.changes, r.snapshots, r.wrong)
			}
		})
	}
	idle := httptest.NewServer(h.API()) // a reader who takes nothing
	defer idle.Close()
	conn, err := net.Dial("tcp", idle.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = fmt.Fprint(conn, "GET /api/v1/events HTTP/1.1\r\nHost: hub\r\n\r\n")
	ready.Wait()
	began := time.Now()
	for i := range many {
		h.Report(apitest.Watch, trait.Steps.Of(i+1, time.Now()))
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("ten thousand changes took %v: a reader holds the home up", took)
	}
	all.Wait()
}
