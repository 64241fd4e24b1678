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
