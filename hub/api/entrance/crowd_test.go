package entrance_test

import (
	"bufio"
	"io"
	"net/http"
	"testing"

	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/entrance"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// One app that holds many connections pushes out its own oldest, and nobody else's.
func TestAnAppHoldsOnlySoMany(t *testing.T) {
	h, _ := opened(t)
	greedy, _ := h.pair(t, wire.RoleGuest)
	other, _ := h.pair(t, wire.RoleGuest)
	stream := func(c caller) *http.Response {
		c.http.Timeout = 0
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.root+"/api/v1/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.http.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
		return resp
	}
	quiet := stream(h.caller(t, other.Key, ""))
	c := h.caller(t, greedy.Key, "")
	first := stream(c)
	for range entrance.MostOfOne {
		stream(c)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, first.Body)
	}()
	wait(t, ended)
	h.home.Publish(wire.Change{Condition: &wire.Standing{Accessory: apitest.Toy, Condition: wire.Condition{State: "waiting"}}})
	lines := bufio.NewScanner(quiet.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if lines.Text() == "event: change" {
			return
		}
	}
	t.Errorf("the other app was pushed out: %v", lines.Err())
}
