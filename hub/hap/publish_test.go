package hap_test

import (
	"errors"
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

// TestBadAccessoriesAreLeftOut, since one of them can spoil the whole server.
func TestBadAccessoriesAreLeftOut(t *testing.T) {
	t.Parallel()
	spoil := func(how func(a *hap.Accessory)) *hap.Accessory {
		a, _, _ := lamp(2, "Lamp")
		how(a)
		return a
	}
	set := func(at int, v string) func(a *hap.Accessory) {
		return func(a *hap.Accessory) { a.Services[0].Characteristics[at].Set(hap.String(v)) }
	}
	for name, bad := range map[string]*hap.Accessory{
		"taken aid":         spoil(func(a *hap.Accessory) { a.AID = 1 }),
		"no aid":            spoil(func(a *hap.Accessory) { a.AID = 0 }),
		"taken serial":      spoil(set(4, "serial Bridge")),
		"short model":       spoil(set(2, "M")),
		"firmware":          spoil(set(5, "v1")),
		"name":              spoil(set(3, "Lamp 💡")),
		"name at its end":   spoil(set(3, "Lamp.")),
		"taken iid":         spoil(func(a *hap.Accessory) { a.Services[1].Characteristics[1].IID = 9 }),
		"no information":    spoil(func(a *hap.Accessory) { a.Services = a.Services[1:] }),
		"empty service":     spoil(func(a *hap.Accessory) { a.Services[1].Characteristics = nil }),
		"type":              spoil(func(a *hap.Accessory) { a.Services[1].Type = "0000003E" }),
		"link":              spoil(func(a *hap.Accessory) { a.Services[1].Linked = []*hap.Service{bridge().Services[0]} }),
		"no format":         spoil(func(a *hap.Accessory) { a.Services[1].Characteristics[0].Format = 0 }),
		"no permissions":    spoil(func(a *hap.Accessory) { a.Services[1].Characteristics[0].Perms = 0 }),
		"limits":            spoil(func(a *hap.Accessory) { a.Services[1].Characteristics[1].Max = hap.Int(-1) }),
		"too many services": spoil(func(a *hap.Accessory) { a.Services = append(a.Services, make([]*hap.Service, 99)...) }),
	} {
		s, err := hap.New(t.Context(), hap.Options{Name: "Ingle", Model: "Hub", Memory: &disk{}})
		if err != nil {
			t.Fatal(err)
		}
		err = s.Publish(t.Context(), bridge(), bad)
		var fault *hap.AccessoryError
		if !errors.As(err, &fault) || fault.AID != bad.AID {
			t.Errorf("%s: %v", name, err)
		}
	}
}
