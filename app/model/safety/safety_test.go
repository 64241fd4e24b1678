package safety_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/app/model/safety"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func porch() wire.Label {
	at, until, next := noon.Add(-time.Hour), noon.Add(24*time.Hour), noon.Add(time.Minute)
	return wire.Label{Device: "a1", Name: "Porch", Kind: "camera", Maker: "Maker", Model: "Eye", Made: noon, OK: 1, Fix: 2, Unknown: 1, Senses: []string{"video"}, Holds: []string{"holding.recordings"},
		Doors: true, Consent: &at, Checked: &at, Next: &next, Lines: []wire.LabelLine{
			{Line: "own-password", State: "fix", Text: "label.own-password.factory", Step: "label.own-password.factory.do", Method: "measured", At: &at, Until: &until},
			{Line: "contact", State: "unknown", Text: "label.contact.no-maker"},
			{Line: "support", State: "ok", Text: "label.support.until", Args: map[string]string{"date": "2030-01-01"}, Method: "listed", Source: "https://maker.example/support", Raw: []string{"a", "b"}},
			{Line: "encrypted", State: "fix", Text: "label.encrypted.clear", Step: "label.encrypted.clear.do", Method: "measured"},
			{Line: "right-clock", State: "not-applicable", Text: "label.right-clock.none"},
			{Line: "aura", State: "shining", Text: "label.aura.bright"}}}
}

func TestALabelPutsWhatIsToBeFixedFirst(t *testing.T) {
	en := i18n.For("en")
	l := safety.LabelOf(porch(), noon, en, time.UTC)
	if len(l.Fix) != 2 || len(l.Simple) != 2 || len(l.More) != 2 || !l.Agreed || l.Next == "" || l.Hub {
		t.Fatalf("%+v", l)
	}
	if strings.Contains(l.Fix[0].Step, "{hub}") || !strings.Contains(l.Fix[0].Step, "What needs care") {
		t.Errorf("the app tells to type a command: %q", l.Fix[0].Step)
	}
	if l.Simple[1].Text != "Until 2030-01-01" || len(l.Simple[1].Evidence) != 3 || l.Simple[1].Evidence[2].Value != "a\nb" {
		t.Errorf("%+v", l.Simple[1])
	}
	if odd := l.More[1]; odd.State != safety.Unknown || odd.Text != "bright" {
		t.Errorf("a state that is new counts as %v: %+v", odd.State, odd)
	}
	if l := safety.LabelOf(porch(), noon.Add(time.Hour), en, time.UTC); l.Next != "" {
		t.Errorf("one has to wait until %s although that is over", l.Next)
	}
}

func TestNoMarkStandsForTheWhole(t *testing.T) {
	cards := safety.CardsOf([]wire.Label{{Device: wire.HubLabel, Name: "Ingle", OK: 6}, porch()}, i18n.For("en"))
	if len(cards) != 2 || cards[0].Detail != "The hub itself" || strings.Join(cards[1].Fixes, ",") != "Own password,On the way to the hub" {
		t.Fatalf("%+v", cards)
	}
	var said []string
	for _, c := range cards[1].Counts {
		said = append(said, c.Text)
	}
	if got := strings.Join(said, ","); got != "1 ok,2 to be fixed,1 unknown" {
		t.Error(got)
	}
}

func TestEveryStepNamesNoCommand(t *testing.T) {
	for _, lang := range i18n.Languages() {
		texts := i18n.For(lang)
		for _, key := range []string{"doors.not-looked", "own-key.medium", "own-key.same-disk", "own-password.factory"} {
			w := wire.Label{Lines: []wire.LabelLine{{State: "fix", Text: "label." + key, Step: "label." + key + ".do"}}}
			if step := safety.LabelOf(w, noon, texts, time.UTC).Fix[0].Step; step == "" || strings.Contains(step, "hub}") || strings.Contains(step, "--") {
				t.Errorf("%s: %s: %q", lang, key, step)
			}
		}
	}
}

func TestALabelIsPrinted(t *testing.T) {
	page, err := safety.Page(porch(), noon, i18n.For("de"))
	if err != nil || !strings.Contains(string(page), "Porch") || !strings.Contains(string(page), "<html") {
		t.Errorf("%v %s", err, page)
	}
}
