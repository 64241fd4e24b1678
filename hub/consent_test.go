package main

import (
	"strconv"
	"testing"
	"time"

	setracker "github.com/ingle-home/ingle/accessories/setracker/sim"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// amounts counts what is kept of somebody, by kind.
func amounts(t *testing.T, c *client.Client, person string) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, i := range must[[]wire.PrivacyItem](t)(c.PrivacyInventory(t.Context(), wire.PrivacyScope{Person: person}, "")) {
		all[i.Kind] += i.Count
	}
	return all
}

// Who agreed to what is noted with its time and the version of the text, and so is that it was taken back.
// While somebody's recording rests nothing but alarms is kept of them, also after a power cut.
func TestAConsentIsTakenBackAndRecordingRests(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	port, address := door(t)
	p, c := running(t, dir, "--watch-port", port)
	must[wire.SetupAnswer](t)(c.Setup(t.Context(), password))
	mia := must[wire.Person](t)(c.AddPerson(t.Context(), wire.Person{Name: "Mia"})).ID
	must[wire.Accessory](t)(c.Add(t.Context(), wire.AddRequest{Name: "Band", Driver: "setracker", Address: otherWatch, Person: "Mia"}))
	begun := time.Now().Add(-time.Second)
	for _, given := range []bool{true, false} {
		if err := c.NoteConsent(t.Context(), wire.Consent{Person: "Mia", What: "health", Version: "2", Given: given}); err != nil {
			t.Fatal(explain(err))
		}
	}
	p.kill()
	_, c = running(t, dir, "--watch-port", port)
	if err := c.Unlock(t.Context(), password); err != nil {
		t.Fatal(explain(err))
	}
	list := must[[]wire.Consent](t)(c.Consents(t.Context()))
	if len(list) != 2 || !list[0].Given || list[1].Given {
		t.Fatalf("noted is %+v", list)
	}
	for _, n := range list {
		if n.Person != mia || n.What != "health" || n.Version != "2" || n.At == nil || n.At.Before(begun) || n.At.After(time.Now().Add(time.Second)) {
			t.Errorf("noted is %+v", n)
		}
	}

	watch := must[*setracker.Sim](t)(setracker.Start(setracker.Options{ID: otherWatch, Hub: address, Repeat: 100 * time.Millisecond}))
	t.Cleanup(func() { _ = watch.Close() })
	soon(t, "the watch calls", func() bool { return watch.State().(setracker.State).Connected })
	says := func(event string, q map[string][]string) {
		if err := watch.Do(t.Context(), event, q); err != nil {
			t.Error(err)
		}
	}
	for rate := range 5 {
		says("heart", map[string][]string{"rate": {strconv.Itoa(70 + rate)}})
	}
	says("sos", nil) // it comes after them, on the same line
	soon(t, "the alarm is kept", func() bool { return amounts(t, c, "Mia")["alarm"] > 0 })
	if all := amounts(t, c, "Mia"); all["heart"]+all["location"]+all["activity"] > 0 {
		t.Errorf("kept while it rests is %v", all)
	}
	if err := c.PausePerson(t.Context(), wire.PausePerson{Person: "Mia"}); err != nil {
		t.Fatal(explain(err))
	}
	says("heart", map[string][]string{"rate": {"90"}})
	soon(t, "it is kept again", func() bool { return amounts(t, c, "Mia")["heart"] > 0 })
}
