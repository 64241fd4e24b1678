package server_test

import (
	"context"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// slowHome takes its time to look at doors.
type slowHome struct{ *apitest.Home }

type labelsOf = server.Labels

type slowLabels struct{ labelsOf }

func (s slowHome) Labels() server.Labels { return slowLabels{s.Home.Labels()} }

func (s slowLabels) Check(ctx context.Context, id string, c wire.LabelCheck) (wire.Label, error) {
	timer := time.NewTimer(5500 * time.Millisecond) // the framework reads a request for five seconds
	defer timer.Stop()
	select {
	case <-timer.C:
		return s.labelsOf.Check(ctx, id, c)
	case <-ctx.Done():
		return wire.Label{}, ctx.Err()
	}
}

// TestLongWorkIsNotCut: what takes longer than reading a request may take is done all the same.
func TestLongWorkIsNotCut(t *testing.T) {
	t.Parallel()
	h := apitest.New(wire.Open)
	ctx, end := context.WithCancel(t.Context())
	socket := apitest.Socket(t)
	ready := make(chan struct{})
	over := make(chan error, 1)
	go func() {
		api := server.New(server.Options{Hub: slowHome{h}, Feed: h.Feed, Caller: server.Peer})
		over <- server.ServeUnix(ctx, socket, api, func() { close(ready) })
	}()
	<-ready
	c := client.Dial(socket)
	defer c.Close()
	if _, err := c.CheckLabel(t.Context(), apitest.Camera, wire.LabelCheck{Consent: true}); err != nil {
		t.Error(err)
	}
	end()
	if err := <-over; err != nil {
		t.Error(err)
	}
}
