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
	for _, outside := range []string{"192.0.2.1:80", "[2001:db8::1]:80", "[::ffff:192.0.2.1]:80", "0.0.0.0:80", "255.255.255.255:80", "nonsense"} {
		if conn, err := lan.Dial(ctx, "tcp", outside); !errors.Is(err, device.ErrRefused) {
			t.Errorf("%s: %v, %v; want a refusal", outside, conn, err)
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
