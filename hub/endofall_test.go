package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/privacy/receipt"
)

// A hub that is killed anywhere while it forgets everything has forgotten it at its next start, and has one
// receipt of it, which claims nothing that did not happen.
func TestKilledWhileEverythingIsForgotten(t *testing.T) {
	t.Parallel()
	first := shortDir(t)
	hub, c := running(t, first)
	must[wire.SetupAnswer](t)(c.Setup(t.Context(), password))
	must[wire.Person](t)(c.AddPerson(t.Context(), wire.Person{Name: canaryName}))
	hub.kill()
	for _, stage := range []string{"+forgetting.json", "-keys.json", "-door.json", "+receipts", "-forgetting.json"} {
		dir := shortDir(t)
		copyFolder(t, first, dir)
		p, c := running(t, dir)
		if err := c.Unlock(t.Context(), password); err != nil {
			t.Fatal(explain(err))
		}
		err := killedWhile(p, dir, stage, func() error {
			_, err := c.Forget(t.Context(), wire.ForgetRequest{PrivacyScope: wire.PrivacyScope{Everything: true}, Password: password, Word: wire.ForgetWord})
			return err
		})
		p, c = running(t, dir)
		if p.ready.State != wire.Unclaimed {
			t.Errorf("killed at %s (%v), the hub is %s", stage, err, p.ready.State)
		}
		v := onlyReceipt(t, dir)
		if !v.Done || !v.Emptied || !slices.ContainsFunc(v.Places, func(p receipt.Place) bool { return p.Holder == "devices" }) {
			t.Errorf("killed at %s, the receipt says %+v", stage, v.Receipt)
		}
		searched(t, dir, p, []string{canaryName})
		if _, err := c.Setup(t.Context(), password); err != nil {
			t.Errorf("killed at %s, it cannot be claimed: %s", stage, explain(err))
		}
		p.kill()
	}
}

// onlyReceipt is the one that a wiped folder has.
func onlyReceipt(t *testing.T, dir string) receipt.Verified {
	t.Helper()
	list := must[[]os.DirEntry](t)(os.ReadDir(filepath.Join(dir, "receipts")))
	if len(list) != 1 {
		t.Fatalf("there are %v", list)
	}
	raw := must[[]byte](t)(os.ReadFile(filepath.Join(dir, "receipts", list[0].Name())))
	return must[receipt.Verified](t)(receipt.Verify(raw))
}

// demoHub is the demo as anybody can start it, with all its simulated things.
type demoHub struct {
	*process
	c     *client.Client
	dir   string
	watch string // its number
}

func newDemo(t *testing.T) demoHub {
	t.Helper()
	dir := shortDir(t)
	p, c := watched(t)(launchAs(dir, "demo", "--data", dir, "--json"))
	d := demoHub{p, c, dir, p.ready.Simulators["watch"]}
	if len(d.watch) < 10 || p.ready.DemoPassword == "" {
		t.Fatalf("the demo is %+v, its watch %q", p.ready, d.watch)
	}
	return d
}

// answers are what the hub tells of a home, and what its things have in memory.
func (d demoHub) answers(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	ask := func(name string, c *http.Client, address string) {
		resp := must[*http.Response](t)(c.Get(address))
		defer resp.Body.Close()
		all[name] = string(must[[]byte](t)(io.ReadAll(resp.Body)))
	}
	for _, path := range []string{"accessories", "people", "zones", "troubles", "labels", "ledger", "security", "homekit", "snapshot", "privacy/inventory", "privacy/receipts"} {
		ask(path, socketOf(d.process), "http://hub/api/v1/"+path)
	}
	for name := range d.ready.Simulators {
		ask("memory of "+name, http.DefaultClient, d.ready.Control+"/sim/"+name)
	}
	return all
}

// In the demo Mia is forgotten, and then everything: her watch and the cameras are as from the factory.
func TestTheDemoForgets(t *testing.T) {
	t.Parallel()
	d := newDemo(t)
	words := []string{"Mia's Watch", d.watch}
	if told := d.answers(t); !strings.Contains(told["people"], "Mia") || !strings.Contains(told["accessories"], words[0]) {
		t.Errorf("the demo does not show whom it is about: %s", told["people"])
	}
	soon(t, "the cameras are there", func() bool {
		return !slices.ContainsFunc(must[[]wire.Accessory](t)(d.c.Accessories(t.Context())), func(a wire.Accessory) bool { return a.Camera != nil && a.Condition.State != "open" })
	})
	q := wire.ForgetRequest{PrivacyScope: wire.PrivacyScope{Person: "Mia"}, Password: d.ready.DemoPassword}
	got := must[wire.PrivacyReceipt](t)(d.c.Forget(t.Context(), q))
	if !got.Done || strings.Contains(got.File, "Mia") {
		t.Errorf("the receipt is %s", got.File)
	}
	for place, said := range d.answers(t) {
		if hits := found([]byte(said), words); len(hits) > 0 && place != "memory of watch" || strings.Contains(said, "Mia") {
			t.Errorf("%s still has %q: %s", place, hits, said)
		}
	}
	searched(t, d.dir, d.process, words)
	q = wire.ForgetRequest{PrivacyScope: wire.PrivacyScope{Everything: true}, Password: d.ready.DemoPassword, Word: wire.ForgetWord}
	must[wire.PrivacyReceipt](t)(d.c.Forget(t.Context(), q))
	for _, camera := range []string{"porch", "garden"} {
		if said := d.answers(t)["memory of "+camera]; !strings.Contains(said, `"Hard"`) {
			t.Errorf("%s was not reset: %s", camera, said)
		}
	}
	if s := must[wire.Status](t)(d.c.Status(t.Context())); s.State != wire.Unclaimed {
		t.Errorf("the hub is %s", s.State)
	}
	onlyReceipt(t, d.dir)
	searched(t, d.dir, d.process, append(words, "Garden", "Entrance"))
	if log := []byte(d.log.String()); bytes.Contains(log, []byte("Mia")) {
		t.Errorf("the log tells of Mia: %s", log)
	}
}
