package hap_test

import (
	"strings"
	"testing"

	"github.com/ingle-home/ingle/hub/hap"
)

// TestPublishWhileServing: sessions and subscriptions stay, c# moves by one
// exactly on a change of structure or names.
func TestPublishWhileServing(t *testing.T) {
	t.Parallel()
	a, on, _ := lamp(2, "Lamp")
	b, _, _ := lamp(3, "Other")
	h, _, c := paired(t, hap.Options{}, bridge(), a)
	number := func(want string) {
		t.Helper()
		if got := h.Announcement().TXT["c#"]; got != want {
			t.Errorf("c# %s, want %s", got, want)
		}
	}
	publish := func(accs ...*hap.Accessory) {
		t.Helper()
		if err := h.Publish(h.ctx, accs...); err != nil {
			t.Fatal(err)
		}
	}
	put(t, c, 204, subscribe)
	on.Set(hap.Bool(true))
	next(t, c)
	on.SetStatus(hap.StatusUnreachable)
	h.drain()
	publish(a, bridge())
	number("1")
	select {
	case <-h.Changed():
		t.Error("announced without a change")
	default:
	}
	publish(bridge(), a, b)
	number("2")
	<-h.Changed()
	if h.disk.state().ConfigNumber != 2 {
		t.Error("announced but not saved")
	}
	do(t, c, 200, "GET", "/characteristics?id=3.9", "")

	again, on, _ := lamp(2, "Lamp") // the same accessory, made anew
	publish(bridge(), again, b)
	number("2")
	on.Set(hap.Bool(true))
	if got := next(t, c); got[0].AID != 2 || got[0].IID != 9 {
		t.Errorf("carried over: %+v", got)
	}
	renamed, _, _ := lamp(2, "Lantern")
	publish(bridge(), renamed, b)
	number("3")
	publish(bridge(), renamed)
	number("4")
	if got := do(t, c, 207, "GET", "/characteristics?id=3.9", ""); !strings.Contains(string(got), "-70409") {
		t.Errorf("a removed accessory: %s", got)
	}
}

func TestConfigNumberWraps(t *testing.T) {
	t.Parallel()
	state, err := hap.NewState()
	if err != nil {
		t.Fatal(err)
	}
	state.ConfigNumber, state.DatabaseDigest = 65535, []byte{1}
	h := open(t, hap.Options{}, &disk{saved: &state}, bridge())
	if got := h.Announcement().TXT["c#"]; got != "1" {
		t.Errorf("c# %s", got)
	}
}
