package client_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/apitest/door"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// A hub moves to another port and another address, and another hub takes its old place: the key decides.
func TestAHubIsKnownByItsKeyWhereverItIs(t *testing.T) {
	d := door.Open(t, apitest.New(wire.Open), "127.0.0.1:0")
	vault := client.File(filepath.Join(t.TempDir(), "app.json"))
	self, err := client.Pair(t.Context(), vault, d.Address(), d.Code(t), client.App{Name: "Noor's phone"})
	if err != nil {
		t.Fatal(err)
	}
	old := d.Address()
	d.Move(t, "127.0.0.2:0")
	thief := door.Open(t, apitest.New(wire.Open), old)
	announced := []string{old, "127.0.0.1:1", thief.Address(), d.Address()}
	var moved []string
	c, err := client.DialPaired(self, client.Remote{
		Elsewhere: func(context.Context) []string { return announced },
		Moved:     func(address string) { moved = append(moved, address) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if apps, err := c.Accessories(t.Context()); err != nil || len(apps) == 0 {
		t.Fatalf("after the move: %v, %v", apps, err)
	}
	if len(moved) != 1 || moved[0] != d.Address() {
		t.Errorf("moved to %q, not to %s", moved, d.Address())
	}
	c.Close()
	d.Shut()
	if _, err := c.Status(t.Context()); wire.Code(err) == "" {
		t.Errorf("another hub was taken for it: %v", err)
	}
	alone, err := client.DialPaired(self, client.Remote{})
	if err != nil {
		t.Fatal(err)
	}
	defer alone.Close()
	if _, err := alone.Status(t.Context()); wire.Code(err) != wire.CodeImpostor {
		t.Errorf("who took its place is %v", err)
	}
}

// An address is what people type.
func TestAnAddressAsPeopleTypeIt(t *testing.T) {
	d := door.Open(t, apitest.New(wire.Unclaimed), "127.0.0.1:0")
	for _, typed := range []string{d.Address(), " https://" + d.Address() + "/ ", "http://" + d.Address() + "/api/v1"} {
		if s, err := client.Peek(t.Context(), typed); err != nil || s.Product != "Ingle" || s.State != wire.Unclaimed || s.Version != "" {
			t.Errorf("%q: %+v, %v", typed, s, err)
		}
	}
}

// Ten wrong codes: each is told what is left, and the last how long to wait.
func TestWrongCodesAreCounted(t *testing.T) {
	d := door.Open(t, apitest.New(wire.Unclaimed), "127.0.0.1:0")
	right := d.Code(t)
	vault := client.File(filepath.Join(t.TempDir(), "app.json"))
	try := func(code string) *wire.Problem {
		_, err := client.Pair(t.Context(), vault, d.Address(), code, client.App{})
		var p *wire.Problem
		if !errors.As(err, &p) {
			t.Fatalf("a code was taken: %v", err)
		}
		return p
	}
	for left := 9; left >= 0; left-- {
		if p := try("00000-00000"); p.Code != wire.CodeClaimCode || p.Args["left"] != string(rune('0'+left)) {
			t.Fatalf("with %d left: %+v", left, p)
		}
	}
	if p := try(right); p.Code != wire.CodeClaimWait || p.Args["seconds"] == "" || p.Args["seconds"] == "0" {
		t.Errorf("a code that is void: %+v", p)
	}
}
