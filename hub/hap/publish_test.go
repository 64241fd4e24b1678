package hap_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
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

// named gives the lamp of an accessory a name that can be written (iid 30).
func named(t *testing.T, a *hap.Accessory) *hap.Characteristic {
	t.Helper()
	c := &hap.Characteristic{IID: 30, Type: "E3", Format: hap.FormatString, Perms: everything}
	if err := c.Set(hap.String("Lamp")); err != nil {
		t.Fatal(err)
	}
	a.Services[1].Characteristics = append(a.Services[1].Characteristics, c)
	return c
}

// TestConfigNumberCountsDatabases: one more for each that differs, and for
// nothing else; every session lives through all of it.
func TestConfigNumberCountsDatabases(t *testing.T) {
	t.Parallel()
	a, on, brightness := lamp(2, "Lamp")
	configured := named(t, a)
	b, _, _ := lamp(3, "Other")
	h, creds, c := paired(t, hap.Options{}, bridge(), a)
	put(t, c, 204, subscribe)
	h.drain()
	moved := 1
	step := func(what string, by int, do func()) {
		t.Helper()
		do()
		moved += by
		if got := h.Announcement().TXT["c#"]; got != strconv.Itoa(moved) {
			t.Errorf("%s: c# %s, want %d", what, got, moved)
		}
		if got := len(h.Changed()); got != by {
			t.Errorf("%s: announced %d times", what, got)
		}
		h.drain()
	}
	publish := func(accs ...*hap.Accessory) func() {
		return func() {
			if err := h.Publish(h.ctx, accs...); err != nil {
				t.Error(err)
			}
		}
	}
	step("values", 0, func() {
		on.Set(hap.Bool(true))
		put(t, c, 204, `{"aid":2,"iid":10,"value":5}`)
		publish(bridge(), a)()
	})
	step("reachability", 0, func() { brightness.SetStatus(hap.StatusUnreachable); publish(bridge(), a)() })
	step("add", 1, publish(bridge(), a, b))
	step("order", 0, publish(b, a, bridge()))
	step("remove", 1, publish(bridge(), a))
	step("the name of a service, by a controller", 1, func() { put(t, c, 204, `{"aid":2,"iid":30,"value":"Küche"}`) })
	step("the same once more", 0, func() { put(t, c, 204, `{"aid":2,"iid":30,"value":"Küche"}`) })
	step("and published", 0, publish(bridge(), a))
	step("refused", 0, func() { put(t, c, 207, `{"aid":2,"iid":30,"value":1}`) })
	configured.OnWrite = func(context.Context, *hap.Peer, hap.Value) (hap.Value, error) { return hap.Value{}, hap.StatusBusy }
	step("not done", 0, func() { put(t, c, 207, `{"aid":2,"iid":30,"value":"Bad"}`) })
	renamed, on, _ := lamp(2, "Lantern")
	named(t, renamed)
	step("rename", 1, publish(bridge(), renamed))
	for { // the last of what was owed is what the new one says
		on.Set(hap.Bool(false))
		on.Set(hap.Bool(true))
		if got := next(t, c); string(got[0].Value) == "true" {
			break
		}
	}
	h.stop()
	again := open(t, hap.Options{}, h.disk, renamed, bridge())
	if got := again.Announcement().TXT["c#"]; got != strconv.Itoa(moved) {
		t.Errorf("a restart moved c# to %s", got)
	}
	do(t, again.session(t, creds), 200, "GET", "/characteristics?id=2.9", "")
}

// TestIDsStay: whatever is added, removed, put in another order or offline, an
// aid and an iid name the same thing, also after a restart.
func TestIDsStay(t *testing.T) {
	t.Parallel()
	a, onA, _ := lamp(2, "Lamp A")
	b, onB, brightnessB := lamp(9, "Lamp B")
	h, creds, c := paired(t, hap.Options{}, bridge(), a, b)
	onA.Set(hap.Bool(false))
	onB.Set(hap.Bool(true))
	onB.SetStatus(hap.StatusUnreachable)
	brightnessB.SetStatus(hap.StatusUnreachable)
	there := func(c *haptest.Client, what string, iids ...string) {
		t.Helper()
		database := string(do(t, c, 200, "GET", "/accessories", ""))
		for _, want := range iids {
			if !strings.Contains(database, want) {
				t.Errorf("%s: no %s in the database", what, want)
			}
		}
	}
	both := []string{`{"aid":2,"services":[{"iid":1,`, `"value":"Lamp A"`, `{"aid":9,"services":[{"iid":1,`, `"value":"Lamp B"`}
	there(c, "at first", both...)
	if got := entries(t, do(t, c, 207, "GET", "/characteristics?id=2.9,9.9", "")); string(got[0].Value) != "false" || *got[1].Status != -70402 {
		t.Errorf("offline: %+v", got)
	}
	for _, accs := range [][]*hap.Accessory{{b, bridge(), a}, {bridge(), b}, {bridge(), b, a}} {
		if err := h.Publish(h.ctx, accs...); err != nil {
			t.Fatal(err)
		}
		there(c, "after another", both[2:]...)
	}
	there(c, "all back", both...)
	h.stop()
	h = open(t, hap.Options{}, h.disk, a, b, bridge())
	c = h.session(t, creds)
	there(c, "after a restart", both...)
	onB.Set(hap.Bool(true))
	if got := entries(t, do(t, c, 200, "GET", "/characteristics?id=9.9", "")); string(got[0].Value) != "true" {
		t.Errorf("back online: %+v", got)
	}
}

// TestPublishTellsWhatChanged: whoever subscribed hears of a value that came
// with a new database, and of button moments that were owed before it.
func TestPublishTellsWhatChanged(t *testing.T) {
	t.Parallel()
	press := func() (*hap.Accessory, *hap.Characteristic) {
		c := &hap.Characteristic{Type: "73", Format: hap.FormatUint8, Perms: hap.PermRead | hap.PermEvents}
		return sensor(3, "Button", c), c
	}
	a, on, brightness := lamp(2, "Lamp")
	button, pressed := press()
	on.Set(hap.Bool(false))
	entered, release := make(chan struct{}), make(chan struct{})
	brightness.OnRead = func(context.Context, *hap.Peer) (hap.Value, error) {
		close(entered)
		<-release
		return hap.Int(1), nil
	}
	h, _, c := paired(t, hap.Options{Limits: hap.Limits{DeviceRead: within}}, bridge(), a, button)
	put(t, c, 204, subscribe+`,{"aid":3,"iid":9,"ev":true}`)
	if err := c.Send(haptest.Request("GET", "/characteristics?id=2.10", nil)); err != nil {
		t.Fatal(err)
	}
	<-entered // a request is open: what is owed waits
	pressed.Set(hap.Int(1))
	pressed.Set(hap.Int(0))
	for range 2 {
		button, pressed = press()
		a, on, _ = lamp(2, "Lamp")
		on.Set(hap.Bool(true))
		if err := h.Publish(h.ctx, bridge(), a, button); err != nil {
			t.Fatal(err)
		}
	}
	pressed.Set(hap.Int(2))
	close(release)
	for _, want := range []string{"1", "0", "2"} {
		if got := next(t, c); len(got) != 1 || got[0].AID != 3 || string(got[0].Value) != want {
			t.Errorf("moment %s: %+v", want, got)
		}
	}
	if got := next(t, c); got[0].AID != 2 || string(got[0].Value) != "true" {
		t.Errorf("value: %+v", got)
	}
}
