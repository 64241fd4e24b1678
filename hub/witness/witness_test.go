package witness_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/chain"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/health"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/keys"
	"github.com/ingle-home/ingle/hub/ledger"
	"github.com/ingle-home/ingle/hub/pairing"
	"github.com/ingle-home/ingle/hub/seclog"
	"github.com/ingle-home/ingle/hub/witness"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vaulttest"
)

func TestMain(m *testing.M) { os.Exit(vaulttest.Main(m.Run)) }

// kept is a document in memory.
type kept[T any] struct {
	mu sync.Mutex
	v  T
}

func (k *kept[T]) Load(context.Context) (T, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.v, nil
}

func (k *kept[T]) Save(_ context.Context, v T) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.v = v
	return nil
}

type world struct {
	*witness.Stand
	t      *testing.T
	dir    string
	store  *records.Store
	faults *faults
	units  *kept[map[string]witness.Unit]
	alerts *kept[[]seclog.Alert]
}

type faults struct {
	mu   sync.Mutex
	open []string
}

func (f *faults) Raise(code, _ string, _ map[string]string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open = append(f.open, code)
}

func (f *faults) Clear(code, _ string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open = slices.DeleteFunc(f.open, func(c string) bool { return c == code })
}

// The demo family.
func family() home.Contents {
	return home.Contents{
		People: []home.Person{{ID: "p-mia", Name: "Mia", Role: home.Member}, {ID: "p-sam", Name: "Sam", Role: home.Owner}},
		Accessories: []home.Accessory{
			{ID: "a-porch", Name: "Porch", Kind: "camera"},
			{ID: "a-watch", Name: "Watch", Kind: "watch", Person: "p-mia"},
			{ID: "a-toy", Name: "Rocket", Kind: "toy", Private: true},
		},
	}
}

func open(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), faults: &faults{}, units: &kept[map[string]witness.Unit]{}, alerts: &kept[[]seclog.Alert]{}}
	must(t, vaulttest.Give(w.dir))
	v, err := vaulttest.Open(w.dir)
	must(t, err)
	w.store, err = records.Open(w.dir, v, archive.Personal()...)
	must(t, errors.Join(err, v.Close()))
	w.Stand = witness.New(slog.New(slog.DiscardHandler))
	t.Cleanup(func() { must(t, errors.Join(w.Leave(context.Background()), w.store.Close())) })
	return w
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) enter() {
	w.t.Helper()
	must(w.t, w.Enter(w.t.Context(), witness.House{
		Chain: chain.Options{Store: w.store, Dir: w.dir}, Alerts: w.alerts, Units: w.units, Contents: family, Faults: w.faults,
		Apps:   func(context.Context) []wire.App { return []wire.App{{ID: "app-1", Name: "Sam's phone"}} },
		Clip:   func(id string) (string, string) { return "a-porch", "clip-" + id },
		Placed: func(id string) bool { return id == "a-watch" },
	}))
}

func (w *world) looks(caller server.Access, person string) []wire.Viewing {
	w.t.Helper()
	list, err := w.Looks(w.t.Context(), wire.LedgerQuery{}, caller, person)
	must(w.t, err)
	return list
}

func (w *world) kinds() []string {
	w.t.Helper()
	s, err := w.Security(w.t.Context())
	must(w.t, err)
	var list []string
	for _, e := range s.Events {
		list = append(list, e.Kind)
	}
	slices.Sort(list)
	return list
}

func TestALookIsToldInWords(t *testing.T) {
	w := open(t)
	w.enter()
	app := wire.App{ID: "app-1", Name: "phone", Role: wire.RoleOwner, Person: "p-sam"}
	for _, c := range []struct {
		look                         server.Look
		act, via, who, thing, device string
	}{
		{server.Look{App: app, Caller: server.Owner, Act: "still", Which: "porch"}, "still", "app", "Sam", "Porch", "a-porch"},
		{server.Look{App: wire.App{ID: "app-1", Name: "phone"}, Caller: server.Member, Act: "live", Which: "a-porch"}, "live", "app", "Sam's phone", "Porch", "a-porch"},
		{server.Look{App: app, Caller: server.Guardian, Act: "place"}, "place", "app", "Sam", "Mia", "a-watch"},
		{server.Look{App: app, Caller: server.Guardian, Act: "history", Which: "Watch"}, "history", "app", "Sam", "Watch", "a-watch"},
		{server.Look{App: app, Caller: server.Owner, Act: "clip", Which: "77"}, "clip", "app", "Sam", "Porch", "a-porch"},
		{server.Look{App: app, Caller: server.Owner, Act: "export"}, "export", "app", "Sam", "", ""},
		{server.Look{Caller: server.Console, Act: "still", Which: "a-porch"}, "still", "console", "", "Porch", "a-porch"},
		{server.Look{App: wire.App{ID: "page-XYZ", Role: wire.RoleOwner}, Caller: server.Owner, Act: "clip-still", Which: "7"}, "clip-still", "page", "", "Porch", "a-porch"},
		{server.Look{App: wire.App{ID: "t-1", Role: wire.RoleMember}, Caller: server.Member, Act: "still", Which: "a-porch"}, "still", "token", "", "Porch", "a-porch"},
	} {
		w.Looked(c.look)()
		got := w.looks(server.Owner, "")[0]
		if got.Act != c.act || got.Via != c.via || got.Who != c.who || got.Thing != c.thing || got.Device != c.device {
			t.Errorf("%+v is told as %+v", c.look, got)
		}
	}
	w.Snapped("a-porch", "controller")
	w.Streamed("a-porch", "controller")()
	if list := w.looks(server.Owner, ""); len(list) != 11 || list[0].Via != "homekit" || list[0].Act != "live" || list[1].Act != "still" {
		t.Errorf("%+v", list[:2])
	}
	check, err := w.VerifyLooks(t.Context())
	if must(t, err); !check.Whole || check.Entries < 11 {
		t.Errorf("%+v", check)
	}
}

func TestWhoIsTold(t *testing.T) {
	w := open(t)
	w.enter()
	sam := wire.App{ID: "app-1", Name: "phone", Person: "p-sam"}
	w.Looked(server.Look{App: sam, Caller: server.Owner, Act: "still", Which: "a-porch"})()
	w.Looked(server.Look{App: sam, Caller: server.Owner, Act: "place"})()
	w.Looked(server.Look{App: sam, Caller: server.Owner, Act: "history", Which: "a-toy"})()
	for _, c := range []struct {
		caller server.Access
		person string
		want   int
	}{{server.Owner, "", 3}, {server.Guardian, "", 2}, {server.Member, "p-mia", 1}, {server.Member, "", 0}, {server.Member, "p-sam", 2}} {
		if list := w.looks(c.caller, c.person); len(list) != c.want {
			t.Errorf("%v %q is told of %d looks, want %d", c.caller, c.person, len(list), c.want)
		}
	}
	l, _ := w.Records()
	if n, err := l.Forget(t.Context(), ledger.Scope{Person: "p-mia"}); n != 1 || err != nil {
		t.Error(n, err)
	}
	if list := w.looks(server.Guardian, ""); len(list) != 2 || !slices.Equal(list[0].Unknown, []string{"what"}) || list[0].Who != "Sam" {
		t.Errorf("%+v", list)
	}
}

func TestWhatHappensIsNoted(t *testing.T) {
	w := open(t)
	w.WrongPassword(keys.App + "app-1") // the hub is locked
	w.enter()
	w.Opened("192.0.2.7", false)
	w.Opened(keys.Console, true)
	w.AppNotice(pairing.NoticeWrongCode, "192.0.2.7")
	w.AppNotice(pairing.NoticePaired, "app-1")
	w.AppNotice(pairing.NoticeRevoked, "app-2")
	w.Controllers("bridge", hap.NoticeWrongCode)
	w.Controllers("bridge", hap.NoticePaired)
	w.Controllers("bridge", hap.NoticeUnpaired)
	troubles := []health.Trouble{{Code: "clock-doubtful"}, {Code: "announce-conflict"}, {Code: "camera-unsafe", Subject: "a-porch"}, {Code: "store-flawed"}, {Code: "disk-full"}}
	w.Troubles(troubles)
	w.Troubles(troubles) // they are not new
	for _, u := range []witness.Unit{{"Acme Cam", "1"}, {"Acme Cam", "1"}, {"Acme Cam", "2"}, {"Acme Cam", ""}, {"Other Cam", "2"}} {
		w.Unit(t.Context(), "a-porch", u)
	}
	want := []string{"clock", "device-changed", "factory-password", "failed-claim", "failed-login", "firmware", "integrity", "new-app", "new-controller",
		"removed-controller", "revoked-app", "spoof", "step-up", "unlock", "wrong-setup-code"}
	if got := w.kinds(); !slices.Equal(got, want) {
		t.Errorf("noted %q, want %q", got, want)
	}
	s, err := w.Security(t.Context())
	must(t, err)
	for _, e := range s.Events {
		switch {
		case e.Times != 1, e.Kind == "failed-login" && e.From != "Sam's phone", e.Kind == "step-up" && e.From != "console", e.Kind == "firmware" && e.Name != "Porch":
			t.Errorf("%+v", e)
		}
	}
	for _, code := range []string{"security-new-app", "security-new-controller", "security-device-changed", "security-firmware"} {
		if !slices.Contains(w.faults.open, code) {
			t.Errorf("people do not hear of %s: %q", code, w.faults.open)
		}
	}
	for _, a := range s.Alerts {
		must(t, w.Acknowledge(t.Context(), a.ID))
	}
	if len(w.faults.open) != 0 {
		t.Errorf("people still hear of %q", w.faults.open)
	}
	if err := w.Acknowledge(t.Context(), "none"); wire.Code(err) != wire.CodeUnknown {
		t.Error(err)
	}
}

func TestForgettingReachesBothRecords(t *testing.T) {
	w := open(t)
	w.enter()
	w.Looked(server.Look{Caller: server.Console, Act: "still", Which: "a-porch"})()
	w.Unit(t.Context(), "a-porch", witness.Unit{Make: "Acme", Firmware: "1"})
	w.Unit(t.Context(), "a-porch", witness.Unit{Make: "Acme", Firmware: "2"})
	w.AppNotice(pairing.NoticePaired, "app-1")
	if c, err := w.VerifySecurity(t.Context()); err != nil || c.Entries != 2 { // and it is written
		t.Fatal(c, err)
	}
	w.looks(server.Owner, "")
	porch := ledger.Scope{Device: "a-porch"}
	h, err := w.Inventory(t.Context(), porch)
	if must(t, err); h.Parts != 2 || h.Oldest.IsZero() {
		t.Errorf("%+v", h)
	}
	if n, err := w.Forget(t.Context(), porch); n != 2 || err != nil {
		t.Error(n, err)
	}
	must(t, w.store.Forget(t.Context(), "accessory/a-porch"))
	for _, verify := range []func(context.Context) (wire.ChainCheck, error){w.VerifyLooks, w.VerifySecurity} {
		if c, err := verify(t.Context()); err != nil || !c.Whole {
			t.Error(c, err)
		}
	}
	if h, err = w.Inventory(t.Context(), porch); h.Parts != 0 || err != nil || len(w.units.v) != 0 {
		t.Errorf("%+v, %v, %v", h, w.units.v, err)
	}
	s, err := w.Security(t.Context())
	if must(t, err); len(s.Events) != 2 || s.Events[0].Name == "" && s.Events[1].Name == "" {
		t.Errorf("the app is still known: %+v", s.Events)
	}
	if _, err := w.Forget(t.Context(), ledger.Scope{}); err != nil {
		t.Fatal(err)
	}
	if h, err = w.Inventory(t.Context(), ledger.Scope{}); h.Parts != 0 || err != nil {
		t.Errorf("%+v, %v", h, err)
	}
}
