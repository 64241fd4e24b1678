package screen_test

import (
	"image"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/wire"
)

func (h *house) visit(p model.Place, id string) {
	h.s.Go(model.Route{Place: p, ID: id})
}

func TestADeviceTellsWhatItReported(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.visit(model.AtDevice, apitest.Watch)
	h.expect("Mia's watch", "Battery", "71 %", "setracker", "1 unknown")
	for i, n := range []int{60, 50, 40} {
		h.Report(apitest.Watch, trait.Battery.Of(n, time.Now().Add(time.Duration(i+1)*time.Minute)))
		h.update()
	}
	h.expect("40 %")
	if c := find(h, first[*parts.Chart]); c.AccessibilityLabel() == "" {
		t.Error("the chart says nothing")
	}
	test.Tap(h.button("Let it ring"))
	if done := h.Orders(); len(done) != 1 || done[0].Trait != "find" {
		t.Errorf("orders %+v", done)
	}
}

func TestACameraIsLookedAtCloselyAndItsRecordingsAreKept(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.visit(model.AtCamera, apitest.Camera)
	if !h.live || len(h.onView) != 1 {
		t.Errorf("on view %v, live %v", h.onView, h.live)
	}
	h.expect("something moved", "Nothing is recorded of this camera.")
	h.picture(link.Picture{Image: image.NewRGBA(image.Rect(0, 0, 64, 36)), At: time.Now()})
	if !h.s.Filled() {
		t.Error("the picture is not shown")
	}
	test.Tap(find(h, func(c *widget.Check) bool { return c.Text == "Keep it for good" }))
	if clip, err := h.Clips().Show(t.Context(), "clip-1"); err != nil || !clip.Kept {
		t.Errorf("%+v, %v", clip, err)
	}
	test.Tap(h.button("Save as MP4"))
	fields := entries(h.over())
	fields[0].SetText("/tmp/film.mp4")
	fields[1].SetText("wrong")
	fields[1].TypedKey(enter())
	if !said(h.over(), "This is not the password.") {
		t.Error("a wrong password is taken")
	}
	fields[1].SetText(apitest.Password)
	fields[1].TypedKey(enter())
	h.expect("The film is written: /tmp/film.mp4")
	test.Tap(h.button("Delete"))
	h.expect("The recording is deleted.", "There are no recordings.")
	h.pass()
	if list, _ := h.Clips().List(t.Context(), ""); len(list) != 0 {
		t.Errorf("left: %+v", list)
	}
}

func TestWhatIsRecordedCanBeChosen(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.visit(model.AtCamera, apitest.Camera)
	test.Tap(h.button("What is kept"))
	for _, o := range h.over() {
		if c, ok := o.(*parts.Choice); ok {
			c.SetSelected("For 7 days")
			c.TypedKey(enter())
		}
	}
	if rule, _ := h.Clips().Rule(t.Context(), apitest.Camera); !rule.On || rule.Days != 7 {
		t.Errorf("the rule is %+v", rule)
	}
	test.Tap(h.button("Record now"))
	h.expect("A recording begins.", "by hand")
}

func TestPeopleAndPlacesAreAdded(t *testing.T) {
	h := open(t, wire.Open, "en", phone)
	h.visit(model.AtPeople, "")
	h.expect("Mia", "Sam", "Mia at Home", "Last seen")
	if p := find(h, first[*parts.Plot]); p.AccessibilityLabel() != "Where everybody is: Mia" {
		t.Errorf("the plot says %q", p.AccessibilityLabel())
	}
	test.Tap(h.button("Add a person"))
	e := entries(h.over())
	e[0].SetText("Noor")
	e[0].TypedKey(enter())
	h.update()
	h.expect("Noor")
	test.Tap(h.button("Add a place"))
	e = entries(h.over())
	for i, text := range []string{"School", "52,5242", "13.4118", "120"} {
		e[i].SetText(text)
	}
	e[3].TypedKey(enter())
	zones, _ := h.Zones(t.Context())
	if z := zones[len(zones)-1]; z.Name != "School" || z.Lat != 52.5242 || z.Radius != 120 {
		t.Errorf("the place is %+v", z)
	}
}

func TestPrivacyCountsWhatTheHubHas(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.visit(model.AtPrivacy, "")
	h.expect("Recordings", "10 entries · 48.0 MB", "Places", "The last of it goes by")
	test.Tap(h.button("Export"))
	e := entries(h.over())
	e[0].SetText("/tmp")
	e[1].SetText(apitest.Password)
	e[1].TypedKey(enter())
	h.expect("The export is made: /tmp")
	test.Tap(find(h, func(c *widget.Check) bool { return c.Text == "Privacy" }))
	if done := h.Orders(); len(done) != 1 || done[0].Trait != "privacy" {
		t.Errorf("orders %+v", done)
	}
}

func TestSettingsKeepTheWayIn(t *testing.T) {
	h := open(t, wire.Open, "en", phone)
	h.visit(model.AtSettings, "")
	test.Tap(h.button("New recovery code"))
	e := entries(h.over())
	e[0].SetText(apitest.Password)
	e[0].TypedKey(enter())
	if !said(h.over(), apitest.NewCode) {
		t.Fatal("the new code is not shown")
	}
	h.w.Canvas().Focused().TypedKey(enter())
	h.expect("It is the only recovery code now.")
	test.Tap(h.button("How the hub starts"))
	for _, o := range h.over() {
		if c, ok := o.(*parts.Choice); ok {
			c.SetSelected("It waits for the password")
		}
	}
	e = entries(h.over())
	e[1].SetText(apitest.Password)
	e[1].TypedKey(enter())
	if p := h.Status(t.Context()).Protection; p != wire.ProtectionManual {
		t.Errorf("the store is protected by %q", p)
	}
	test.Tap(h.button("Make a backup now"))
	e = entries(h.over())
	e[0].SetText("/tmp/x.ingle-backup")
	e[0].TypedKey(enter())
	h.expect("The backup is made", "/tmp/x.ingle-backup")
	if s, _ := h.Backups(t.Context()); s.Last == nil {
		t.Error("no backup was made")
	}
}

func TestSettingsSwitchThePageForBrowsers(t *testing.T) {
	h := open(t, wire.Open, "en", phone)
	h.visit(model.AtSettings, "")
	h.expect("The plain page for browsers is off.")
	test.Tap(h.button("Switch the page on"))
	h.w.Canvas().Focused().TypedKey(enter())
	h.expect("https://192.168.1.5:8444", "otter lantern violet harbour pickle summer gate", "AB:CD:EF")
	test.Tap(h.button("Switch the page off"))
	h.w.Canvas().Focused().TypedKey(enter())
	h.expect("The plain page for browsers is off.")
	if p, err := h.Page(t.Context()); err != nil || p.On {
		t.Errorf("it is %+v, %v", p, err)
	}
}

func TestHealthLeadsToTheNextStep(t *testing.T) {
	h := open(t, wire.Open, "en", phone)
	list := []wire.Trouble{{Code: "camera-unsafe", Subject: apitest.Camera, Severity: "warning"}, {Code: "accessory-unreachable", Subject: apitest.Toy},
		{Code: "recovery-unseen"}}
	h.Publish(wire.Change{Troubles: &list})
	h.update()
	h.expect("3 things need care.")
	test.Tap(find(h, func(c *parts.Card) bool { return c.AccessibilityLabel() == "3 things need care." }))
	h.expect("Porch still has its factory’s password", "Check that it is switched on", "Nobody has confirmed the recovery code.")
	test.Tap(h.button("Give own passwords"))
	h.w.Canvas().Focused().TypedKey(enter())
	test.Tap(h.button("Have a look"))
	h.expect("Rocket", "What it reports")
	h.s.Back()
	test.Tap(h.button("Settings"))
	h.expect("Way into the store")
}

func TestAGuestIsToldNothingAndNotScolded(t *testing.T) {
	h := open(t, wire.Open, "en", phone)
	h.guest = true
	for _, r := range []model.Route{{Place: model.AtSettings}, {Place: model.AtPrivacy}, {Place: model.AtCamera, ID: apitest.Camera}} {
		h.s.Go(r)
		if h.says("You may not") || h.says("One recording") {
			t.Errorf("%v says %q", r, h.words())
		}
	}
	h.visit(model.AtPrivacy, "")
	if h.says("Nothing") {
		t.Error("it says that nothing is recorded, and does not know")
	}
}

func TestTheOwnerLooksForMoreDevices(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.visit(model.AtDevices, "")
	if h.says("Look for devices") {
		t.Error("a member is offered what only an owner may do")
	}
	h.Publish(wire.Change{Status: &wire.Status{State: wire.Open, Protection: wire.ProtectionTPM}})
	h.update()
	test.Tap(h.button("Look for devices"))
	h.pass()
	h.expect("One device was found:", "Garden Cam", "192.0.2.7", "Look for devices")
	test.Tap(h.button("Add"))
	h.pass()
	if len(h.modal()) == 0 {
		t.Error("a camera is not asked for its password")
	}
}

func TestTheOwnerChoosesTheLanguageOfTheHome(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.Publish(wire.Change{Status: &wire.Status{State: wire.Open, Language: "en"}})
	h.update()
	h.visit(model.AtSettings, "")
	h.pass()
	choice := find(h, func(c *parts.Choice) bool { return c.Selected == "English" })
	choice.SetSelected("Deutsch")
	h.pass()
	if s := h.Status(t.Context()); s.Language != "de" {
		t.Errorf("the home speaks %q", s.Language)
	}
}
