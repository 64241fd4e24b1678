package main

import (
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	onvif "github.com/ingle-home/ingle/accessories/onvif/sim"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// viewings are the ways by which somebody had a still of a camera, sorted.
func viewings(t *testing.T, c *client.Client, device string) []string {
	t.Helper()
	var ways []string
	for _, l := range must[[]wire.Viewing](t)(c.Ledger(t.Context(), wire.LedgerQuery{Device: device})) {
		if l.Act != "still" || l.Thing != "Porch" || l.Times < 1 || time.Since(l.Begin) > time.Hour {
			t.Errorf("%+v", l)
		}
		ways = append(ways, l.Via+" "+l.Who)
	}
	slices.Sort(ways)
	return ways
}

// snaps has a new HomeKit controller take a picture of a camera.
func snaps(t *testing.T, s wire.HomeKit) {
	t.Helper()
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port))
	creds := must[haptest.Credentials](t)(haptest.Pair(t.Context(), address, s.SetupCode, haptest.Options{}))
	phone := must[*haptest.Client](t)(haptest.Open(t.Context(), address, creds))
	defer phone.Close()
	var shown struct {
		Accessories []struct {
			AID      uint64 `json:"aid"`
			Services []struct {
				Type string `json:"type"`
			} `json:"services"`
		} `json:"accessories"`
	}
	_, raw, err := phone.Do(http.MethodGet, "/accessories", nil)
	if err == nil {
		err = json.Unmarshal(raw, &shown)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range shown.Accessories {
		for _, s := range a.Services {
			if s.Type != "110" && s.Type != "00000110-0000-1000-8000-0026BB765291" {
				continue
			}
			body := must[[]byte](t)(json.Marshal(map[string]any{"resource-type": "image", "aid": a.AID, "image-width": 320, "image-height": 180}))
			if status, _, err := phone.Do(http.MethodPost, "/resource", body); status != http.StatusOK || err != nil {
				t.Fatalf("a snapshot: %d, %v", status, err)
			}
			return
		}
	}
	t.Fatalf("HomeKit shows no camera: %s", raw)
}

// Whoever looks at a camera, by whichever way, stands in the ledger, and it stays there when the hub is
// killed.
func TestTheLedgerTellsWhoLooked(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	hub, console := running(t, dir)
	_, porch := lens(t, console, onvif.Options{User: "noor", Password: "a long one of our own"})
	soon(t, "the camera has a picture", func() bool { return sees(t, console, porch) == "a picture" })

	app := newPhone(t)
	code := must[wire.ClaimCode](t)(console.Invite(t.Context(), wire.Invitation{Role: wire.RoleMember}))
	if err := app.claims(hub, code.Code); err != nil {
		t.Fatal(explain(err))
	}
	noor := app.calls(hub)
	for range 5 {
		if got := sees(t, noor, porch); got != "a picture" {
			t.Fatalf("the app gets %s", got)
		}
	}
	servers := must[[]wire.HomeKit](t)(console.HomeKit(t.Context()))
	snaps(t, servers[0])

	want := []string{"app Noor's phone", "console ", "homekit "}
	if got := viewings(t, console, "Porch"); !slices.Equal(got, want) {
		t.Errorf("the ledger has %q, want %q", got, want)
	}
	if list := must[[]wire.Viewing](t)(noor.Ledger(t.Context(), wire.LedgerQuery{})); len(list) != 0 {
		t.Errorf("the app of nobody is told whom it concerns: %+v", list)
	}
	if _, err := noor.VerifyLedger(t.Context()); wire.Code(err) != wire.CodeForbidden {
		t.Errorf("a member verifies: %v", explain(err))
	}
	if _, err := noor.Security(t.Context()); wire.Code(err) != wire.CodeForbidden {
		t.Errorf("a member reads the security log: %v", explain(err))
	}

	hub.kill()
	_, console = running(t, dir)
	soon(t, "the hub is open again", func() bool { return console.Unlock(t.Context(), password) == nil })
	if got := viewings(t, console, porch); !slices.Equal(got, want) {
		t.Errorf("after a kill the ledger has %q, want %q", got, want)
	}
	for name, verify := range map[string]func() (wire.ChainCheck, error){
		"the ledger":       func() (wire.ChainCheck, error) { return console.VerifyLedger(t.Context()) },
		"the security log": func() (wire.ChainCheck, error) { return console.VerifySecurity(t.Context()) },
	} {
		if check := must[wire.ChainCheck](t)(verify()); !check.Whole || check.Entries < 3 {
			t.Errorf("%s: %+v", name, check)
		}
	}
}

// What happens to a hub stands in its security log, and people hear of what they should until they say that
// they have seen to it.
func TestTheSecurityLogTellsWhatHappened(t *testing.T) {
	t.Parallel()
	hub, console := running(t, shortDir(t))
	must[wire.SetupAnswer](t)(console.Setup(t.Context(), password))
	for range 6 {
		if err := console.Unlock(t.Context(), "not the password at all"); wire.Code(err) != wire.CodePassword {
			t.Fatal(explain(err))
		}
	}
	app := newPhone(t)
	code := must[wire.ClaimCode](t)(console.Invite(t.Context(), wire.Invitation{Role: wire.RoleOwner}))
	if err := app.claims(hub, "00000-00000"); err == nil {
		t.Fatal("a wrong code let an app in")
	}
	if err := app.claims(hub, code.Code); err != nil {
		t.Fatal(explain(err))
	}
	if err := app.calls(hub).Unlock(t.Context(), password); err != nil {
		t.Fatal(explain(err))
	}
	must[wire.Page](t)(console.SetPage(t.Context(), true))
	if err := console.ChangePassword(t.Context(), password, "seven lanterns paint quiet otters"); err != nil {
		t.Fatal(explain(err))
	}
	s := must[wire.Security](t)(console.Security(t.Context()))
	times := map[string]int{}
	for _, e := range s.Events {
		times[e.Kind] += e.Times
		if e.Kind == "new-app" && e.Name != "Noor's phone" {
			t.Errorf("%+v", e)
		}
	}
	for kind, n := range map[string]int{"failed-login": 6, "failed-claim": 1, "new-app": 1, "step-up": 1, "password": 1, "new-listener": 1} {
		if times[kind] != n {
			t.Errorf("%s happened %d times, want %d: %+v", kind, times[kind], n, s.Events)
		}
	}
	open := func() (codes []string) {
		for _, one := range must[[]wire.Trouble](t)(console.Troubles(t.Context())) {
			codes = append(codes, one.Code)
		}
		return codes
	}
	if got := open(); !slices.Contains(got, "security-failed-login") || !slices.Contains(got, "security-new-app") {
		t.Errorf("people hear of %q", got)
	}
	for _, a := range s.Alerts {
		if err := console.AcknowledgeAlert(t.Context(), a.ID); err != nil {
			t.Fatal(explain(err))
		}
	}
	if got := open(); slices.Contains(got, "security-failed-login") || slices.Contains(got, "security-new-app") {
		t.Errorf("people still hear of %q", got)
	}
}
