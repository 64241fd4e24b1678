package keeper_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/hub/keeper"
)

func TestDriversStayInTheHome(t *testing.T) {
	lan := keeper.NewLAN(nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, outside := range []string{"192.0.2.1:80", "[2001:db8::1]:80", "[::ffff:192.0.2.1]:80", "0.0.0.0:80", "255.255.255.255:80", "nonsense", "somebody.example.org:80", "nas:80", "127.0.0.1:http"} {
		if conn, err := lan.Dial(ctx, "tcp", outside); !errors.Is(err, device.ErrRefused) {
			t.Errorf("%s: %v, %v; want a refusal", outside, conn, err)
		}
	}
	for _, group := range []string{"192.168.1.255:3702", "8.8.8.8:53", "[ff02::c]:3702", "nonsense"} {
		if err := lan.Multicast(ctx, group, []byte("x"), func(string, []byte) {}); !errors.Is(err, device.ErrRefused) {
			t.Errorf("a multicast to %s: %v; want a refusal", group, err)
		}
	}
	if _, err := lan.Listen(ctx, "watch"); !errors.Is(err, device.ErrRefused) {
		t.Errorf("a door that nobody opened: %v", err)
	}
}

func TestADoorLetsDevicesIn(t *testing.T) {
	lan := keeper.NewLAN(map[string]string{"watch": "127.0.0.1:0"})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	ln, err := lan.Listen(ctx, "watch")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	addr, err := lan.Door(ctx, "watch")
	if err != nil || addr.String() != ln.Addr().String() {
		t.Fatalf("the door is at %v, %v", addr, err)
	}
	conn, err := lan.Dial(ctx, "tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}
