package hap_test

import (
	"context"
	"errors"
	"testing"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// outlet is a Memory whose power goes at one save: from then on nothing reaches
// the disk, and no save returns before the process is gone.
type outlet struct {
	*disk
	last    int // the save, from 1, at which the power goes
	written bool
	dark    chan struct{} // closed when it has gone
	gone    chan struct{} // closed when the process has
}

func (o *outlet) Save(_ context.Context, s hap.State) error {
	o.mu.Lock()
	o.saves++
	now := o.saves
	if now < o.last || now == o.last && o.written {
		o.saved = &s
	}
	o.mu.Unlock()
	if now < o.last {
		return nil
	}
	if now == o.last {
		close(o.dark)
	}
	<-o.gone
	return errors.New("no power")
}

// cut runs act on a server whose power goes at a save. Dark is false when act
// makes fewer saves than that; told is what act returns: whether it was answered.
func cut(t *testing.T, left hap.State, last int, written bool, act func(h *home) bool) (after *disk, told, dark bool) {
	t.Helper()
	o := &outlet{disk: &disk{saved: &left}, last: last, written: written, dark: make(chan struct{}), gone: make(chan struct{})}
	server, err := hap.New(t.Context(), hap.Options{Name: "Ingle", Model: "Hub", Memory: o})
	if err != nil {
		t.Fatal(err)
	}
	l, err := server.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served, acted := make(chan error, 1), make(chan bool, 1)
	go func() { served <- server.Serve(ctx, l) }()
	go func() { acted <- act(&home{Server: server, disk: o.disk, addr: l.Addr().String(), ctx: t.Context()}) }()
	select {
	case <-o.dark:
		dark = true
		cancel()
		told = <-acted
	case told = <-acted:
		cancel()
	}
	final := o.state()
	close(o.gone)
	if err := <-served; err != nil {
		t.Error(err)
	}
	return &disk{saved: &final}, told, dark
}

// everyCut does act with the power going before and after each of its saves, and
// lets agree look at what a restart finds.
func everyCut(t *testing.T, from hap.State, act func(h *home) bool, agree func(t *testing.T, h *home, told bool)) {
	t.Helper()
	for _, written := range []bool{false, true} {
		for last := 1; ; last++ {
			after, told, dark := cut(t, from, last, written, act)
			if last == 1 && !dark {
				t.Error("nothing was saved")
			}
			h := open(t, hap.Options{}, after, bridge())
			agree(t, h, told)
			h.stop()
			if t.Failed() {
				t.Fatalf("cut at save %d, written %v, told %v", last, written, told)
			}
			if !dark {
				break
			}
		}
	}
}

// usable checks that a controller is paired, and that nobody else can pair.
func usable(t *testing.T, h *home, who haptest.Credentials) {
	t.Helper()
	c, err := haptest.Open(h.ctx, h.addr, who)
	if err != nil {
		t.Errorf("a controller that was told cannot verify: %v", err)
		return
	}
	do(t, c, 200, "GET", "/accessories", "")
	if got := h.refusal(t, h.Setup().Code); got != 6 || h.Announcement().TXT["sf"] != "0" {
		t.Errorf("another can pair: error %d", got)
	}
	c.Close()
}

// TestPowerCutWhilePairing: a controller that was told is paired, one that was
// not can pair, whenever the power goes.
func TestPowerCutWhilePairing(t *testing.T) {
	t.Parallel()
	fresh, err := hap.NewState()
	if err != nil {
		t.Fatal(err)
	}
	var creds haptest.Credentials
	pair := func(h *home) bool {
		var err error
		creds, err = haptest.Pair(h.ctx, h.addr, h.Setup().Code, haptest.Options{})
		return err == nil
	}
	everyCut(t, fresh, pair, func(t *testing.T, h *home, told bool) {
		if !told {
			if h.Announcement().TXT["sf"] != "1" || !pair(h) {
				t.Error("a controller that was not told cannot pair")
			}
		}
		usable(t, h, creds)
	})
}

// house is the saved state of a server with an admin and a guest.
func house(t *testing.T) (state hap.State, admin, guest haptest.Credentials) {
	t.Helper()
	h, admin, session := paired(t, hap.Options{}, bridge())
	guest = h.newcomer(t, session, 0)
	h.stop()
	return h.disk.state(), admin, guest
}

// asked makes a change through a session of a controller, and reports whether it
// was answered well.
func (h *home) asked(who haptest.Credentials, method byte, fields ...haptest.Field) bool {
	c, err := haptest.Open(h.ctx, h.addr, who)
	if err != nil {
		return false
	}
	defer c.Close()
	fields = append([]haptest.Field{{Type: haptest.State, Value: []byte{1}}, {Type: haptest.Method, Value: []byte{method}}}, fields...)
	status, answer, err := c.Do("POST", "/pairings", haptest.Pack(fields...))
	return err == nil && status == 200 && haptest.Code(answer, haptest.Error) < 0
}

func (h *home) verifies(who haptest.Credentials) bool {
	c, err := haptest.Open(h.ctx, h.addr, who)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// TestPowerCutWhileAdding: what was answered is so, and what was not can be asked
// for again.
func TestPowerCutWhileAdding(t *testing.T) {
	t.Parallel()
	state, admin, guest := house(t)
	third := haptest.NewCredentials("")
	third.DeviceID, third.DeviceKey = guest.DeviceID, guest.DeviceKey
	add := func(h *home) bool {
		return h.asked(admin, 3, haptest.Field{Type: haptest.Identifier, Value: []byte(third.ID)},
			haptest.Field{Type: haptest.PublicKey, Value: third.Key[32:]}, haptest.Field{Type: haptest.Permissions, Value: []byte{0}})
	}
	everyCut(t, state, add, func(t *testing.T, h *home, told bool) {
		if told != h.verifies(third) && told {
			t.Error("added, and cannot verify")
		}
		if !add(h) || !h.verifies(third) || !h.verifies(guest) {
			t.Error("cannot be added again")
		}
	})
}

// TestPowerCutWhileRemoving, a guest and then the last admin.
func TestPowerCutWhileRemoving(t *testing.T) {
	t.Parallel()
	state, admin, guest := house(t)
	remove := func(who haptest.Credentials) func(h *home) bool {
		return func(h *home) bool {
			return h.asked(admin, 4, haptest.Field{Type: haptest.Identifier, Value: []byte(who.ID)})
		}
	}
	everyCut(t, state, remove(guest), func(t *testing.T, h *home, told bool) {
		if told && h.verifies(guest) {
			t.Error("removed, and verifies")
		}
		if !remove(guest)(h) || h.verifies(guest) || !h.verifies(admin) {
			t.Error("cannot be removed again")
		}
	})
	everyCut(t, state, remove(admin), func(t *testing.T, h *home, told bool) {
		known := h.verifies(admin)
		if told && known || known != h.verifies(guest) || known != h.Paired() {
			t.Errorf("the admin known: %v, told %v", known, told)
		}
		if known && !remove(admin)(h) {
			t.Error("cannot be removed again")
		}
		if got := h.refusal(t, h.Setup().Code); got != 0 {
			t.Errorf("cannot pair again: error %d", got)
		}
	})
}

// TestFailingDisk answers with an error, and changes nothing.
func TestFailingDisk(t *testing.T) {
	t.Parallel()
	state, admin, guest := house(t)
	h := open(t, hap.Options{}, &disk{saved: &state}, bridge())
	h.disk.obstruct(func(hap.State) error { return errors.New("disk full") })
	if h.asked(admin, 4, haptest.Field{Type: haptest.Identifier, Value: []byte(guest.ID)}) || !h.verifies(guest) {
		t.Error("removed without a disk")
	}
	if err := h.Unpair(h.ctx); err == nil || !h.verifies(admin) {
		t.Errorf("unpaired without a disk: %v", err)
	}
	code := h.Setup()
	if err := h.NewCode(h.ctx); err == nil || h.Setup() != code {
		t.Errorf("a new code without a disk: %v", err)
	}
	h.disk.obstruct(nil)
	if !h.asked(admin, 4, haptest.Field{Type: haptest.Identifier, Value: []byte(guest.ID)}) || h.verifies(guest) {
		t.Error("not removed with a disk")
	}
}
