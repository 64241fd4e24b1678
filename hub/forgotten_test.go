package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	setracker "github.com/ingle-home/ingle/accessories/setracker/sim"
	"github.com/ingle-home/ingle/hub/api/claim"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Somebody else's app that is called after who goes stays, and is called something else.
func TestAnAppThatBearsTheNameOfWhoGoes(t *testing.T) {
	t.Parallel()
	hub, c := running(t, shortDir(t))
	must[wire.SetupAnswer](t)(c.Setup(t.Context(), password))
	must[wire.Person](t)(c.AddPerson(t.Context(), wire.Person{Name: canaryName}))
	app := newPhone(t)
	code := must[wire.ClaimCode](t)(c.Invite(t.Context(), wire.Invitation{Role: wire.RoleMember}))
	if _, err := client.Pair(t.Context(), app.vault, hub.ready.API, code.Code, claim.App{Name: canaryName + "s Telefon", Platform: "android"}); err != nil {
		t.Fatal(explain(err))
	}
	must[wire.PrivacyReceipt](t)(c.Forget(t.Context(), wire.ForgetRequest{PrivacyScope: wire.PrivacyScope{Person: canaryName}, Password: password}))
	if list := must[[]wire.App](t)(c.Apps(t.Context())); len(list) != 1 || len(found([]byte(list[0].Name), canaries())) > 0 {
		t.Errorf("the apps are %+v", list)
	}
}

// Asked for several times at once, everything is forgotten once: the second must not reach a home that somebody
// began in between.
func TestEverythingOnce(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	_, c := running(t, dir)
	must[wire.SetupAnswer](t)(c.Setup(t.Context(), password))
	answers := make(chan error)
	for range 4 {
		go func() {
			_, err := c.Wipe(t.Context(), wire.WipeRequest{Word: wire.ForgetWord})
			answers <- err
		}()
	}
	done := 0
	for range 4 {
		if err := <-answers; err == nil {
			done++
		} else if wire.Code(err) != wire.CodeUnclaimed {
			t.Error(explain(err))
		}
	}
	if list := must[[]os.DirEntry](t)(os.ReadDir(filepath.Join(dir, "receipts"))); done != 1 || len(list) != 1 {
		t.Errorf("it was forgotten %d times, and there are %d receipts", done, len(list))
	}
}

// While somebody's recording rests, nothing is kept of where they are and what their body does; alarms are.
func TestARecordingThatRests(t *testing.T) {
	t.Parallel()
	n := newNest(t)
	kept := func(who, category string) (many int) {
		for _, i := range must[[]wire.PrivacyItem](t)(n.c.PrivacyInventory(t.Context(), wire.PrivacyScope{Person: who, Category: category}, "")) {
			if i.Kind != "presence" { // the newest only
				many += i.Count
			}
		}
		return many
	}
	rests := func(paused bool) {
		if err := n.c.PausePerson(t.Context(), wire.PausePerson{Person: "Noor", Paused: paused}); err != nil {
			t.Fatal(explain(err))
		}
	}
	goes := func(sim *setracker.Sim, lon string) {
		if err := errors.Join(sim.Do(t.Context(), "place", map[string][]string{"lat": {"52.12"}, "lon": {lon}}),
			sim.Do(t.Context(), "heart", map[string][]string{"rate": {"99"}})); err != nil {
			t.Fatal(err)
		}
	}
	rests(true)
	places, bodies, alarms, others := kept("Noor", "location"), kept("Noor", "health"), kept("Noor", "alarms"), kept(canaryName, "location")
	goes(n.other, "5.23")
	if err := n.other.Do(t.Context(), "fall", nil); err != nil {
		t.Fatal(err)
	}
	soon(t, "the fall is kept", func() bool { return kept("Noor", "alarms") > alarms })
	goes(n.watch, "5.24")
	soon(t, "what others report is kept", func() bool { return kept(canaryName, "location") > others })
	if kept("Noor", "location") != places || kept("Noor", "health") != bodies {
		t.Errorf("%d places and %d heart rates were kept, then %d and %d", places, bodies, kept("Noor", "location"), kept("Noor", "health"))
	}
	rests(false)
	goes(n.other, "5.25")
	soon(t, "places are kept again", func() bool { return kept("Noor", "location") > places })
}

// Whoever has lost the password wipes a locked hub at the hub itself; an app cannot.
func TestALostPassword(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	hub, c := running(t, dir)
	must[wire.SetupAnswer](t)(c.Claim(t.Context(), wire.SetupRequest{Password: password, StartLocked: true}))
	must[wire.Person](t)(c.AddPerson(t.Context(), wire.Person{Name: canaryName}))
	hub.kill()
	hub, c = running(t, dir)
	if _, err := c.Wipe(t.Context(), wire.WipeRequest{Word: "please"}); wire.Code(err) != wire.CodeForgetWord {
		t.Errorf("without the word: %s", explain(err))
	}
	must[wire.PrivacyReceipt](t)(c.Wipe(t.Context(), wire.WipeRequest{Word: wire.ForgetWord}))
	if s := must[wire.Status](t)(c.Status(t.Context())); s.State != wire.Unclaimed {
		t.Errorf("the hub is %s", s.State)
	}
	if _, err := os.Stat(filepath.Join(dir, "keys.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the keys are there: %v", err)
	}
	searched(t, dir, hub, []string{canaryName})
}
