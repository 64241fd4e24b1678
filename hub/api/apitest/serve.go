package apitest

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/ingle-home/ingle/hub/api/server"
)

// API gives the hub's API as the socket serves it.
func (h *Home) API() http.Handler {
	return server.New(server.Options{Hub: h, Feed: h.Feed, Caller: server.Peer})
}

// Socket gives the path of a socket for a test; nobody listens yet.
func Socket(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ingle") // t.TempDir is too long for a socket's path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return filepath.Join(dir, "hub.sock")
}

// Serve serves the hub's API on the socket until the test or stop ends it.
func (h *Home) Serve(t testing.TB, socket string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- server.ServeUnix(ctx, socket, h.API(), func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		cancel()
		t.Fatal(err)
	}
	ended := false
	stop = func() {
		if ended {
			return
		}
		ended = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}
