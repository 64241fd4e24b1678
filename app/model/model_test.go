package model_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

var at = time.Date(2026, 11, 25, 14, 5, 0, 0, time.UTC)

func of(t *testing.T, lang string, do func(*apitest.Home)) model.Home {
	t.Helper()
	h := apitest.New(wire.Open)
	do(h)
	s, err := h.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return model.Of(s, i18n.For(lang), time.UTC)
}

func TestAHomeWhereAllIsWell(t *testing.T) {
	h := of(t, "en", func(h *apitest.Home) {
		h.Report(apitest.Toy, trait.Speed.Of(40, at))
	})
	if !h.Well || len(h.Alarms) != 0 || len(h.Switches) != 2 || h.Empty() {
		t.Errorf("%+v", h)
	}
	if c := h.Cameras[0]; c.Name != "Porch" || c.Note != "" || !c.Reachable {
		t.Errorf("camera %+v", c)
	}
	if w := h.Watches[0]; w.Place != "Mia at Home" || !w.Home || w.Battery != 71 || w.BatteryText != "Battery 71 %" || w.Find == nil {
		t.Errorf("watch %+v", w)
	}
	if y := h.Toys[0]; y.Speed != 40 || y.SpeedText != "Speed 40 %" {
		t.Errorf("toy %+v", y)
	}
}

func TestACallForHelpStandsUntilItIsSeen(t *testing.T) {
	h := of(t, "de", func(h *apitest.Home) {
		h.Report(apitest.Watch, trait.SOS.Of(true, at))
		h.Report(apitest.Watch, trait.Emergency.Of(true, at))
	})
	if len(h.Alarms) != 1 || h.Alarms[0].Title != "Mia: SOS" || h.Alarms[0].Since != "seit 14:05" || h.Alarms[0].Seen == nil || h.Well || h.Summary != "" {
		t.Fatalf("alarms %+v", h.Alarms)
	}
	if o := h.Alarms[0].Seen; o.Accessory != apitest.Watch || o.Do.Trait != "emergency" || string(o.Do.Value) != "false" {
		t.Errorf("seen is %+v", o)
	}
	h = of(t, "de", func(h *apitest.Home) {
		h.Report(apitest.Watch, trait.SOS.Of(true, at))
		h.Report(apitest.Watch, trait.Emergency.Of(false, at))
	})
	if len(h.Alarms) != 0 {
		t.Errorf("an alarm that was seen is back: %+v", h.Alarms)
	}
}

func TestWhatLeftTheHomeIsSaid(t *testing.T) {
	for bytes, want := range map[int64]string{0: "0 kB left your home since 1 Mar, 00:00.", 2_400_000: "2.4 MB left your home since 1 Mar, 00:00."} {
		s := wire.Snapshot{Status: wire.Status{Traffic: &wire.Traffic{Since: time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC), Home: 7, Outside: bytes}}}
		if h := model.Of(s, i18n.For("en"), time.UTC); h.Left != want {
			t.Errorf("%q, want %q", h.Left, want)
		}
	}
	if h := of(t, "en", func(*apitest.Home) {}); h.Left != "" {
		t.Errorf("a hub that does not say is told to have said %q", h.Left)
	}
}

func TestAnEmergencyOfAPersonIsShownOnce(t *testing.T) {
	derived := wire.Accessory{ID: "mia-sos", Name: "Mia SOS", Kind: "presence", Person: "mia", Condition: wire.Condition{State: "open"},
		Traits: []wire.Value{wire.ValueOf(trait.Emergency.Of(true, at))}}
	h := of(t, "en", func(h *apitest.Home) {
		h.Publish(wire.Change{Accessory: &derived})
		h.Report(apitest.Watch, trait.Fall.Of(true, at))
	})
	if len(h.Alarms) != 1 || h.Alarms[0].Title != "Mia: fall" {
		t.Errorf("alarms %+v", h.Alarms)
	}
}

func TestWhatIsWrongIsSaidWithTheNextStep(t *testing.T) {
	troubles := []wire.Trouble{{Code: "accessory-unreachable", Subject: apitest.Camera}, {Code: "of-tomorrow", Subject: apitest.Toy}}
	h := of(t, "en", func(h *apitest.Home) {
		h.Publish(wire.Change{Troubles: &troubles})
		h.Publish(wire.Change{Condition: &wire.Standing{Accessory: apitest.Camera, Condition: wire.Condition{State: "waiting", Code: "accessory-unreachable"}}})
		h.Report(apitest.Toy, trait.Reachable.Of(false, at))
		h.Report(apitest.AtHome, trait.Occupied.Of(false, at))
	})
	if h.Well || h.Summary != "2 things need care." || h.Advice[0] != "Porch does not answer. Check that it is switched on and in the network." || h.Advice[1] != "Rocket: Needs you" {
		t.Errorf("%q %q", h.Summary, h.Advice)
	}
	if c := h.Cameras[0]; c.Reachable || c.Note != "Not reachable" {
		t.Errorf("camera %+v", c)
	}
	if y := h.Toys[0]; y.Reachable || y.Note != "Not reachable" {
		t.Errorf("toy %+v", y)
	}
	if w := h.Watches[0]; w.Home || w.Place != "Not at a known place" {
		t.Errorf("watch %+v", w)
	}
}

func TestPrivacyIsSaidOnTheCamera(t *testing.T) {
	h := of(t, "en", func(h *apitest.Home) { h.Report("privacy", trait.Privacy.Of(true, at)) })
	if c := h.Cameras[0]; !c.Private || c.Note != "Privacy is on" {
		t.Errorf("camera %+v", c)
	}
	if s := h.Switches[0]; !s.On || s.Name != "Privacy" {
		t.Errorf("switch %+v", s)
	}
}

func TestACameraThatIsOffSaysSo(t *testing.T) {
	h := of(t, "en", func(h *apitest.Home) { h.Report(apitest.Camera, trait.Active.Of(false, at)) })
	if c := h.Cameras[0]; !c.Private || c.Note != "This camera is off" {
		t.Errorf("camera %+v", c)
	}
	h = of(t, "en", func(h *apitest.Home) { h.Report(apitest.Camera, trait.Active.Of(true, at)) })
	if c := h.Cameras[0]; c.Private || !c.Reachable {
		t.Errorf("camera %+v", c)
	}
}

func TestEveryRefusalHasWords(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "../../hub/api/wire/problem.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	en, n := i18n.For("en"), 0
	ast.Inspect(f, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Code") {
			return true
		}
		code, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if n++; !en.Has(code) {
			t.Errorf("%s has no text", code)
		}
		return true
	})
	if n < 15 {
		t.Errorf("only %d codes were seen", n)
	}
}

var key = regexp.MustCompile(`"((?:accessory|app|gate|home|pair|tile)\.[a-z.-]+[a-z])"`)

func TestEveryTextOfTheScreensExists(t *testing.T) {
	en, n := i18n.For("en"), 0
	for _, dir := range []string{".", "../screen", "../screen/care", "../screen/family", "../screen/frame", "../screen/rooms", "../screen/views", ".."} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil || strings.HasSuffix(file, "_test.go") {
				continue
			}
			for _, m := range key.FindAllStringSubmatch(string(raw), -1) {
				if n++; m[1] == "home.ingle.app" { // the app's own ID
					continue
				}
				if !en.Has(m[1]) && !en.Has(m[1]+"#one") && !en.Has(m[1]+".title") {
					t.Errorf("%s uses %s, which has no text", file, m[1])
				}
			}
		}
	}
	if n < 150 {
		t.Errorf("only %d texts were seen", n)
	}
}

func TestAProblemInWords(t *testing.T) {
	en := i18n.For("en")
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("x: %w", wire.Refuse(409, wire.CodeName, "name", "Porch")), "The name “Porch” is taken. Choose another one."},
		{wire.Refuse(422, "password.too_short", "min", "15"), "This is too short: at least 15 characters. A sentence that only you know is good."},
		{wire.Refuse(400, "hub.of-tomorrow"), "The hub made a mistake. Its log says more."},
		{errors.New("open /secret/path"), "The hub made a mistake. Its log says more."},
	} {
		if got := model.Problem(c.err, en); got != c.want {
			t.Errorf("%q, not %q", got, c.want)
		}
	}
}
