package main

import (
	"net"
	"strconv"
	"testing"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/homekit"
)

// After a hundred wrong setup codes, from anybody in the network, nobody can pair any more. The owner's
// password is the way back.
func TestThePasswordForgivesWrongSetupCodes(t *testing.T) {
	h := opened(t)
	state := archive.Document[hap.State]{Store: h.store, Name: "homekit/" + homekit.MainServer}
	main := h.bridges.status()[0]
	wrong := "123-45-679"
	if main.SetupCode == wrong {
		wrong = "123-45-670"
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(main.Port))
	if _, err := haptest.Pair(t.Context(), address, wrong, haptest.Options{}); err == nil {
		t.Fatal("a wrong code pairs")
	}
	if s, err := state.Load(t.Context()); err != nil || s.Tries != 1 {
		t.Fatalf("%d tries, %v; want 1", s.Tries, err)
	}
	if err := h.Unlock(t.Context(), wire.UnlockRequest{Password: password}); err != nil {
		t.Fatal(err)
	}
	if s, err := state.Load(t.Context()); err != nil || s.Tries != 0 {
		t.Errorf("%d tries after the password, %v; want 0", s.Tries, err)
	}
	if err := h.close(); err != nil {
		t.Error(err)
	}
}

// What the owner asks for holds for controllers at once: an old code pairs nobody, and whoever is
// forgotten is out, and may come back with the code that there is.
func TestTheOwnersWordHoldsForControllers(t *testing.T) {
	h, ctx := opened(t), t.Context()
	main := h.bridges.status()[0]
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(main.Port))
	fresh, err := h.NewCode(ctx, main.ID)
	if err != nil || fresh.SetupCode == main.SetupCode || fresh.SetupURI == main.SetupURI || fresh.DeviceID != main.DeviceID {
		t.Fatalf("the new code: %+v, %v", fresh, err)
	}
	if _, err := haptest.Pair(ctx, address, main.SetupCode, haptest.Options{}); err == nil {
		t.Fatal("the old code pairs")
	}
	for range 2 {
		if _, err := haptest.Pair(ctx, address, fresh.SetupCode, haptest.Options{}); err != nil {
			t.Fatal(err)
		}
		list, err := h.HomeKit(ctx)
		if err != nil || !list[0].Paired || list[0].Controllers != 1 {
			t.Fatalf("paired: %+v, %v", list, err)
		}
		if err := h.Unpair(ctx, main.ID); err != nil {
			t.Fatal(err)
		}
		if list, err = h.HomeKit(ctx); err != nil || list[0].Paired || list[0].Controllers != 0 || list[0].SetupCode != fresh.SetupCode {
			t.Fatalf("unpaired: %+v, %v", list, err)
		}
	}
	if _, err := h.NewCode(ctx, "nobody"); wire.Code(err) != wire.CodeNoServer {
		t.Errorf("a new code for nobody: %v", err)
	}
	if err := h.Unpair(ctx, "nobody"); wire.Code(err) != wire.CodeNoServer {
		t.Errorf("nobody is unpaired: %v", err)
	}
	if err := h.close(); err != nil {
		t.Error(err)
	}
}
