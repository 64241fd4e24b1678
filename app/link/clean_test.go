package link_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Whoever was forgotten while an app was away is dropped by it before it says so, with the first state after.
func TestAnAppDropsWhatWasForgotten(t *testing.T) {
	h, socket := apitest.New(wire.Open), apitest.Socket(t)
	h.Serve(t, socket)
	owner := client.Dial(socket)
	defer owner.Close()
	r := wire.ForgetRequest{PrivacyScope: wire.PrivacyScope{Person: "mia"}, Password: apitest.Password}
	if _, err := owner.Forget(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	c := client.Dial(socket)
	l := link.New(c, client.File(filepath.Join(t.TempDir(), "app.json")), false)
	dropped := make(chan int, 8)
	l.Drop = func(ctx context.Context, now link.State) bool {
		due, err := l.Cleanup(ctx)
		if err != nil || now.Phase != link.Open {
			return false
		}
		dropped <- len(due.IDs) // it is confirmed only afterwards
		return true
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.Run(ctx, func(link.State) {})
	}()
	t.Cleanup(func() { cancel(); <-done; c.Close() })
	if n := <-dropped; n != 1 {
		t.Errorf("%d forgettings were due when it dropped them", n)
	}
	confirmed(t, owner)
}

// confirmed waits until the hub has nothing left for the app to drop.
func confirmed(t *testing.T, c *client.Client) {
	t.Helper()
	for t.Context().Err() == nil {
		due, err := c.Cleanup(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(due.IDs) == 0 {
			return
		}
	}
}
