package client_test

import (
	"context"
	"errors"
	"fmt"
	"os"
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

func TestAClientBecomesOneOfAnotherHub(t *testing.T) {
	locked, open := apitest.Socket(t), apitest.Socket(t)
	apitest.New(wire.Locked).Serve(t, locked)
	apitest.New(wire.Open).Serve(t, open)
	c := client.Dial(locked)
	defer c.Close()
	if s, err := c.Status(t.Context()); err != nil || s.State != wire.Locked {
		t.Fatal(s, err)
	}
	c.Become(client.Dial(open))
	if s, err := c.Status(t.Context()); err != nil || s.State != wire.Open {
		t.Error(s, err)
	}
}

func TestTheKeyIsInAFileOfItsOwner(t *testing.T) {
	file := client.File(filepath.Join(t.TempDir(), "deep", "app.json"))
	if s, err := file.Load(); err != nil || s.Paired() {
		t.Fatal(s.Hub, err)
	}
	want := client.Self{Key: []byte("thirty-two bytes of a secret key"), Hub: "pin", Address: "127.0.0.1:1"}
	if err := file.Save(want); err != nil {
		t.Fatal(err)
	}
	if got, err := file.Load(); err != nil || string(got.Key) != string(want.Key) || !got.Paired() {
		t.Errorf("kept %v, %v", got.Hub, err)
	}
	if info, err := os.Stat(string(file)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}
	if err := os.Chmod(string(file), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Load(); err == nil {
		t.Error("a key that others can read is used")
	}
	if s := fmt.Sprintf("%v %+v", want, want); strings.Contains(s, "secret") || strings.Contains(s, "116 104") {
		t.Errorf("a log would show the key: %s", s)
	}
}
