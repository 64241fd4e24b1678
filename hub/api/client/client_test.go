package client_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
)

func TestWithoutAHub(t *testing.T) {
	c := client.Dial(filepath.Join(t.TempDir(), "none.sock"))
	if _, err := c.Status(t.Context()); wire.Code(err) != wire.CodeNotRunning {
		t.Errorf("nobody listens: %v", err)
	}
	if err := c.Events(t.Context(), func(wire.Event) error { return nil }); wire.Code(err) != wire.CodeNotRunning {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestTheSocketIsFoundWhereTheHubPutsIt(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", "/somewhere")
	if got := client.DefaultSocket(); got != "/somewhere/ingle/hub.sock" {
		t.Error(got)
	}
	t.Setenv("XDG_DATA_HOME", "relative is not allowed")
	t.Setenv("HOME", "/home/of/sam")
	if got := client.DefaultSocket(); got != "/home/of/sam/.local/share/ingle/hub.sock" {
		t.Error(got)
	}
}

func TestAReceiverCanEndTheStream(t *testing.T) {
	h, socket := apitest.New(wire.Open), apitest.Socket(t)
	h.Serve(t, socket)
	c := client.Dial(socket)
	defer c.Close()
	seen := errors.New("seen")
	if err := c.Events(t.Context(), func(wire.Event) error { return seen }); !errors.Is(err, seen) {
		t.Errorf("ended with %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := c.Events(ctx, func(wire.Event) error { cancel(); return nil }); err != nil {
		t.Errorf("a stream that is no longer wanted: %v", err)
	}
}

func TestIDsCannotChangeTheRoute(t *testing.T) {
	h, socket := apitest.New(wire.Open), apitest.Socket(t)
	h.Serve(t, socket)
	c := client.Dial(socket)
	defer c.Close()
	if err := c.Remove(t.Context(), "x/../../people"); wire.Code(err) != wire.CodeUnknown {
		t.Errorf("an ID with slashes: %v", err)
	}
	if err := c.Remove(t.Context(), strings.Repeat("x", 100)); wire.Code(err) != wire.CodeInvalid {
		t.Errorf("a long ID: %v", err)
	}
}
