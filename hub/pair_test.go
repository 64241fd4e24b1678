package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/claim"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// phone is an app somewhere in the home.
type phone struct {
	t     *testing.T
	vault client.File
}

func newPhone(t *testing.T) *phone {
	return &phone{t, client.File(filepath.Join(t.TempDir(), "app.json"))}
}

// claims proves a code to a hub.
func (p *phone) claims(hub *process, code string) error {
	_, err := client.Pair(p.t.Context(), p.vault, hub.ready.API, code, claim.App{Name: "Noor's phone", Platform: "android"})
	return err
}

// calls gives the line to the hub, which has another port after each start.
func (p *phone) calls(hub *process) *client.Client {
	p.t.Helper()
	self := must[client.Self](p.t)(p.vault.Load())
	self.Address = strings.TrimPrefix(hub.ready.API, "https://")
	c := must[*client.Client](p.t)(client.DialPaired(self, client.Remote{}))
	p.t.Cleanup(c.Close)
	return c
}

// From a fresh hub to the owner's app, with kill -9 after each step that a person takes.
func TestAnAppClaimsAHubThatIsKilled(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	hub, console := running(t, dir)
	app := newPhone(t)
	old := must[wire.ClaimCode](t)(console.ClaimCode(t.Context()))
	again := func() {
		t.Helper()
		hub.kill()
		hub, console = running(t, dir)
	}

	again() // after the code was shown: it is gone, whoever read it
	if err := app.claims(hub, old.Code); wire.Code(err) != wire.CodeClaimNone {
		t.Fatalf("a code outlived its hub: %v", explain(err))
	}
	code := must[wire.ClaimCode](t)(console.ClaimCode(t.Context()))
	if err := app.claims(hub, code.Code); err != nil {
		t.Fatal(explain(err))
	}
	if err := newPhone(t).claims(hub, code.Code); wire.Code(err) != wire.CodeClaimNone {
		t.Errorf("two apps claimed one hub: %v", explain(err))
	}

	again() // after the claim, before the password: the app is the one that may set it
	c := app.calls(hub)
	if _, err := c.People(t.Context()); wire.Code(err) != wire.CodeUnclaimed {
		t.Errorf("without a password: %v", explain(err))
	}
	must[wire.SetupAnswer](t)(c.Claim(t.Context(), wire.SetupRequest{Password: password, StartLocked: true}))
	if list := must[[]wire.App](t)(c.Apps(t.Context())); len(list) != 1 || list[0].Role != wire.RoleOwner || !list[0].This {
		t.Errorf("the hub has the apps %+v", list)
	}

	again() // locked: the app knows the hub, and brings the password
	if c = app.calls(hub); must[wire.Status](t)(c.Status(t.Context())).State != wire.Locked {
		t.Fatal("the hub is not locked")
	}
	if _, err := c.Apps(t.Context()); wire.Code(err) != wire.CodeLocked {
		t.Errorf("a locked hub lists apps: %v", explain(err))
	}
	if err := c.Unlock(t.Context(), "not the password at all"); wire.Code(err) != wire.CodePassword {
		t.Errorf("a wrong password: %v", explain(err))
	}
	soon(t, "the app's password is taken", func() bool { return c.Unlock(t.Context(), password) == nil })
	if list := must[[]wire.App](t)(c.Apps(t.Context())); len(list) != 1 || list[0].Role != wire.RoleOwner {
		t.Errorf("the hub has the apps %+v", list)
	}
	if strings.Contains(hub.log.String(), strings.ReplaceAll(code.Code, "-", "")) || strings.Contains(hub.log.String(), code.Code) {
		t.Errorf("a code is in the log: %s", hub.log)
	}
}

// A hub that is killed while a claim is under way has counted the try, or knows the app, and never tells an
// app that it is known and then forgets it.
func TestAHubIsKilledDuringAClaim(t *testing.T) {
	t.Parallel()
	for _, stage := range []string{`"wrong":1`, `"first"`, "the answer"} {
		dir := shortDir(t)
		hub, console := running(t, dir)
		code := must[wire.ClaimCode](t)(console.ClaimCode(t.Context()))
		app := newPhone(t)
		err := killedInAClaim(t, hub, filepath.Join(dir, "door.json"), stage, func() error { return app.claims(hub, code.Code) })
		t.Logf("killed at %s: %v", stage, err)
		hub, console = running(t, dir)
		self := must[client.Self](t)(app.vault.Load())
		if err == nil != self.Paired() {
			t.Errorf("%s: the claim ended with %v, and the app is paired: %v", stage, err, self.Paired())
		}
		if err == nil {
			must[wire.SetupAnswer](t)(app.calls(hub).Setup(t.Context(), password))
			continue
		}
		again := must[wire.ClaimCode](t)(console.ClaimCode(t.Context()))
		if err := app.claims(hub, again.Code); err != nil {
			t.Errorf("%s: once more: %v", stage, explain(err))
		}
	}
}

// killedInAClaim kills a hub when its file says something, or at the end of the claim, and says how that ended.
func killedInAClaim(t *testing.T, hub *process, file, says string, claim func() error) error {
	t.Helper()
	answered := make(chan error, 1)
	go func() { answered <- claim() }()
	look := time.NewTicker(100 * time.Microsecond)
	defer look.Stop()
	for {
		if raw, _ := os.ReadFile(file); strings.Contains(string(raw), says) {
			hub.kill()
			return <-answered
		}
		select {
		case <-look.C:
		case err := <-answered:
			hub.kill()
			return err
		}
	}
}

// An app that a claimed hub lets in, and out again; its name is nowhere in the clear.
func TestAppsComeAndGo(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	hub, console := running(t, dir)
	must[wire.SetupAnswer](t)(console.Setup(t.Context(), password))
	noor := must[wire.Person](t)(console.AddPerson(t.Context(), wire.Person{Name: "Noor", Role: wire.RoleGuardian}))
	invite := func(i wire.Invitation) string {
		t.Helper()
		return must[wire.ClaimCode](t)(console.Invite(t.Context(), i)).Code
	}
	app := newPhone(t)
	if err := app.claims(hub, invite(wire.Invitation{Person: "Noor"})); err != nil {
		t.Fatal(explain(err))
	}
	c := app.calls(hub)
	must[[]wire.Zone](t)(c.Zones(t.Context())) // a guardian, as Noor is
	if _, err := c.Apps(t.Context()); wire.Code(err) != wire.CodeForbidden {
		t.Errorf("a guardian lists apps: %v", explain(err))
	}
	list := must[[]wire.App](t)(console.Apps(t.Context()))
	if len(list) != 1 || list[0].Person != noor.ID || list[0].Role != wire.RoleGuardian {
		t.Fatalf("the hub has the apps %+v", list)
	}
	if err := console.Remove(t.Context(), "none"); wire.Code(err) == wire.CodeConfirm || err == nil {
		t.Errorf("the console has to give the password: %v", explain(err))
	}
	if _, err := console.Invite(t.Context(), wire.Invitation{Person: "nobody"}); err == nil {
		t.Error("nobody has an app")
	}

	tablet := newPhone(t) // the owner's, on the hub's own machine, without a code
	if _, err := client.PairHere(t.Context(), tablet.vault, console, claim.App{Name: "Sam's tablet"}); err != nil {
		t.Fatal(explain(err))
	}
	ending(t, console, c, tablet.calls(hub), list[0].ID)
	hub.kill()
	hub, _ = running(t, dir)
	if _, err := app.calls(hub).Status(t.Context()); wire.Code(err) != wire.CodeStranger {
		t.Errorf("a revoked app after a restart: %v", explain(err))
	}
	soon(t, "the owner's app is known after a restart", func() bool { _, err := tablet.calls(hub).Apps(t.Context()); return err == nil })
	for _, e := range must[[]os.DirEntry](t)(os.ReadDir(dir)) {
		if raw, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil && (strings.Contains(string(raw), "Noor") || strings.Contains(string(raw), "tablet")) {
			t.Errorf("%s has a name in the clear", e.Name())
		}
	}
}

// ending has the owner's app let another one out, which has a stream that a new password has ended before.
func ending(t *testing.T, console, app, owner *client.Client, id string) {
	t.Helper()
	if _, err := owner.Invite(t.Context(), wire.Invitation{}); wire.Code(err) != wire.CodeConfirm {
		t.Errorf("an app lets another one in without the password: %v", explain(err))
	}
	if err := owner.Unlock(t.Context(), password); err != nil {
		t.Fatal(explain(err))
	}
	must[wire.ClaimCode](t)(owner.Invite(t.Context(), wire.Invitation{}))

	began, lost := make(chan struct{}), make(chan struct{})
	var stream sync.WaitGroup
	stream.Go(func() {
		var once, gone sync.Once
		_ = app.Follow(t.Context(), func(wire.Event) error { once.Do(func() { close(began) }); return nil }, func(error) { gone.Do(func() { close(lost) }) })
	})
	<-began
	if err := console.ChangePassword(t.Context(), password, "seven lanterns warm the quiet pond"); err != nil {
		t.Fatal(explain(err))
	}
	<-lost // whoever was let in with the old password comes again
	soon(t, "the old password is good for nothing any more", func() bool {
		_, err := owner.Invite(t.Context(), wire.Invitation{})
		return wire.Code(err) == wire.CodeConfirm
	})
	if err := owner.RevokeApp(t.Context(), id); err != nil {
		t.Fatal(explain(err))
	}
	stream.Wait()
}

// The identity comes out of a store that was restored elsewhere: apps know the hub again once it is open.
func TestTheSealedIdentityCounts(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	hub, console := running(t, dir)
	must[wire.SetupAnswer](t)(console.Claim(t.Context(), wire.SetupRequest{Password: password, StartLocked: true}))
	app := newPhone(t)
	must[client.Self](t)(client.PairHere(t.Context(), app.vault, console, claim.App{}))
	for _, with := range []string{"", `{"key":"AA==","apps":[{"pin":"x","role":"owner"}]}`} {
		hub.kill()
		path := filepath.Join(dir, "door.json")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if with != "" {
			if err := os.WriteFile(path, []byte(with), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		hub, console = running(t, dir)
		if _, err := app.calls(hub).Status(t.Context()); wire.Code(err) != wire.CodeImpostor {
			t.Errorf("a hub that lost its key: %v", explain(err))
		}
		if err := console.Unlock(t.Context(), password); err != nil {
			t.Fatal(explain(err))
		}
		if _, err := app.calls(hub).Apps(t.Context()); err != nil {
			t.Errorf("once it is open: %v", explain(err))
		}
	}
	hub.kill()
	hub, _ = running(t, dir)
	if _, err := app.calls(hub).Status(t.Context()); err != nil {
		t.Errorf("the file was not mended: %v", explain(err))
	}
}
