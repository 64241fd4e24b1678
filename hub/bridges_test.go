package main

import (
	"fmt"
	"maps"
	"testing"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/homekit"
)

// 158 toys and the two switches need two bridges; which holds what outlives a restart of the real store.
func TestAHundredAndSixtyAccessories(t *testing.T) {
	t.Parallel()
	h := opened(t)
	for i := range 158 {
		must[home.Accessory](t)(h.home.AddAccessory(t.Context(), home.Accessory{Name: fmt.Sprintf("Toy %d", i), Driver: "gone", Kind: "toy"}, nil))
	}
	h.show()
	before, bridges := servedBy(t, h)
	if len(bridges) != 2 || bridges[0].Name != "Ingle" || bridges[1].Name != "Ingle 2" || bridges[0].SetupCode == bridges[1].SetupCode {
		t.Fatalf("they are on %+v", bridges)
	}
	crowd := map[int]int{}
	for _, n := range before {
		crowd[n.Bridge]++
	}
	if crowd[1] != 149 || crowd[2] != 11 {
		t.Errorf("the bridges hold %v", crowd)
	}
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	d := must[*daemon](t)(newDaemon(h.settings, "https://127.0.0.1:0"))
	if err := d.Unlock(t.Context(), wire.UnlockRequest{Password: password}); err != nil {
		t.Fatal(explain(err))
	}
	after, again := servedBy(t, d.inside())
	same := func(a, b homekit.Numbers) bool { return a.AID == b.AID && a.Bridge == b.Bridge }
	if len(again) != 2 || again[1].DeviceID != bridges[1].DeviceID || again[1].SetupCode != bridges[1].SetupCode || !maps.EqualFunc(before, after, same) {
		t.Errorf("after a restart they are on %+v", again)
	}
	if err := d.inside().close(); err != nil {
		t.Error(err)
	}
}

// servedBy is the register without what belongs to the servers themselves, and the servers.
func servedBy(t *testing.T, h *house) (map[string]homekit.Numbers, []wire.HomeKit) {
	t.Helper()
	r := must[homekit.Register](t)(archive.Document[homekit.Register]{Store: h.store, Name: "homekit/numbers"}.Load(t.Context()))
	maps.DeleteFunc(r.Accessories, func(_ string, n homekit.Numbers) bool { return n.Bridge == 0 })
	return r.Accessories, h.bridges.status()
}
