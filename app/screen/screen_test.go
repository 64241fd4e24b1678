package screen_test

import (
	"image"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

func TestTheHomeShowsWhatTheModelSays(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.expect("All is well", "Porch", "Mia's watch", "Mia at Home", "Battery 71 %", "Rocket", "At rest", "Privacy", "Stop everything")
	h.Report(apitest.Watch, trait.Battery.Of(9, time.Now()))
	h.Report(apitest.AtHome, trait.Occupied.Of(false, time.Now()))
	h.Report(apitest.Toy, trait.Speed.Of(35, time.Now()))
	h.update()
	h.expect("Battery 9 %", "Not at a known place", "Speed 35 %")
	if v := find(h, first[*widget.Slider]).Value; v != 35 {
		t.Errorf("the slider stands at %v", v)
	}
	if done := h.Orders(); len(done) != 0 {
		t.Errorf("showing a report gave orders: %+v", done)
	}
}

func TestStopStops(t *testing.T) {
	h := open(t, wire.Open, "en", phone)
	h.Report(apitest.Toy, trait.Speed.Of(80, time.Now()))
	h.Report(apitest.Toy, trait.Reachable.Of(false, time.Now())) // even then a stop is tried
	h.update()
	stop := h.button("Stop")
	if s := stop.(fyne.CanvasObject).Size(); s.Height < 56 || s.Width < 200 {
		t.Errorf("Stop is only %v large", s)
	}
	test.Tap(stop)
	done := h.Orders()
	if len(done) != 1 || done[0].Accessory != apitest.Toy || done[0].Trait != "speed" || string(done[0].Value) != "0" {
		t.Errorf("the toy was told %+v", done)
	}
}

func TestTheSliderSetsTheSpeed(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	s := find(h, first[*widget.Slider])
	s.SetValue(60)
	if done := h.Orders(); len(done) != 1 || string(done[0].Value) != "60" {
		t.Errorf("the toy was told %+v", done)
	}
	s.OnChanged(70) // a finger is on it
	h.Report(apitest.Toy, trait.Speed.Of(10, time.Now()))
	h.update()
	if s.Value != 60 {
		t.Errorf("the slider was pulled to %v from under a finger", s.Value)
	}
}

func TestSwitchesAreOrdersAndReports(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	c := find(h, func(c *widget.Check) bool { return c.Text == "Privacy" })
	test.Tap(c)
	if done := h.Orders(); len(done) != 1 || done[0].Trait != "privacy" || string(done[0].Value) != "true" {
		t.Fatalf("orders %+v", done)
	}
	h.update()
	if len(h.onView) != 0 || !h.says("Privacy is on") || !c.Checked {
		t.Errorf("with Privacy on the cameras %v are asked; the window says %q", h.onView, h.words())
	}
	h.Report("privacy", trait.Privacy.Of(false, time.Now()))
	h.update()
	if c.Checked || len(h.Orders()) != 1 || !slices.Equal(h.onView, []string{apitest.Camera}) {
		t.Errorf("checked %v, %d orders, on view %v", c.Checked, len(h.Orders()), h.onView)
	}
}

func TestACallForHelpIsABanner(t *testing.T) {
	h := open(t, wire.Open, "de", phone)
	h.Report(apitest.Watch, trait.SOS.Of(true, time.Date(2026, 11, 25, 8, 30, 0, 0, time.UTC)))
	h.Report(apitest.Watch, trait.Emergency.Of(true, time.Date(2026, 11, 25, 8, 30, 0, 0, time.UTC)))
	h.update()
	h.expect("Mia: SOS", "seit 08:30")
	test.Tap(h.button("Ich hab’s gesehen"))
	if done := h.Orders(); len(done) != 1 || done[0].Trait != "emergency" || string(done[0].Value) != "false" {
		t.Errorf("orders %+v", done)
	}
	h.update()
	if h.says("Mia: SOS") {
		t.Error("the banner stands although it was seen")
	}
}

func TestACameraShowsItsPicture(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	if !slices.Equal(h.onView, []string{apitest.Camera}) || h.s.Filled() {
		t.Fatalf("on view %v, filled %v", h.onView, h.s.Filled())
	}
	h.expect("Waiting for a picture…")
	m := image.NewRGBA(image.Rect(0, 0, 64, 36))
	for i := range m.Pix {
		m.Pix[i] = 0xff
	}
	h.picture(link.Picture{Image: m, At: time.Now()})
	if !h.s.Filled() || h.says("Waiting") {
		t.Error("the picture is not shown")
	}
	p := find(h, first[*parts.Picture])
	at := fyne.CurrentApp().Driver().AbsolutePositionForObject(p)
	shot := h.w.Canvas().Capture()
	if c := shot.At(int(at.X+p.Size().Width/2), int(at.Y+p.Size().Height/2)); color.GrayModel.Convert(c).(color.Gray).Y < 250 {
		t.Errorf("the middle of the picture is %v", c)
	}
	if r := p.Size().Width / p.Size().Height; r < 1.7 || r > 1.85 {
		t.Errorf("the picture is %v", p.Size())
	}
	h.picture(link.Picture{}) // it has none now: the last one stays, for a while as live
	if p.Image() == nil || p.Age() != "" {
		t.Errorf("the last picture went: %v %q", p.Image() == nil, p.Age())
	}
	h.picture(link.Picture{Image: m, At: time.Now().Add(-3 * time.Minute)})
	if p.Image() == nil || p.Age() != "Not live – 3 minutes ago" {
		t.Errorf("an old picture: %v %q", p.Image() == nil, p.Age())
	}
	shot = h.w.Canvas().Capture()
	if c := shot.At(int(at.X+p.Size().Width/2), int(at.Y+p.Size().Height/4)); color.GrayModel.Convert(c).(color.Gray).Y > 200 {
		t.Errorf("an old picture is as bright as a live one: %v", c)
	}
	h.s.Rest(true)
	if len(h.onView) != 0 {
		t.Error("a camera is asked while nobody looks")
	}
	h.s.Rest(false)
	if len(h.onView) != 1 {
		t.Error("the camera is not asked again")
	}
}

func TestARefusalIsSaid(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	if err := h.Remove(t.Context(), apitest.Toy); err != nil {
		t.Fatal(err)
	}
	test.Tap(h.button("Stop")) // the tile is still there
	h.expect("There is no such thing in your home.")
	h.update()
	if h.says("Rocket") {
		t.Error("a tile outlives its thing")
	}
}

func TestALostLineIsSaidAndTheHomeStays(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	snap, _ := h.Snapshot(t.Context())
	h.s.Show(link.State{Phase: link.Open, Lost: true, Home: snap})
	h.expect("The line to the hub is lost", "Rocket")
	h.s.Go(model.Route{Place: model.AtDevices})
	h.expect("The line to the hub is lost", "Rocket")
	h.update()
	if h.says("The line to the hub is lost") {
		t.Error("it is still said to be lost")
	}
}

func TestTheCodeOnTheScreenCanBeScanned(t *testing.T) {
	for _, size := range []fyne.Size{phone, desktop} {
		h := open(t, wire.Open, "en", size)
		test.Tap(h.button("Apple Home"))
		h.expect("Code 482-61-937", "Add to Apple Home")
		bits, err := gozxing.NewBinaryBitmapFromImage(h.w.Canvas().Capture())
		if err != nil {
			t.Fatal(err)
		}
		got, err := qrcode.NewQRCodeReader().Decode(bits, nil)
		if err != nil {
			t.Fatalf("at %v: %v", size, err)
		}
		if got.GetText() != apitest.SetupURI {
			t.Errorf("the code says %q", got.GetText())
		}
		if len(h.onView) != 0 {
			t.Error("cameras are asked behind the code")
		}
		h.update()
		test.Tap(h.button("Back"))
		h.expect("Rocket")
	}
}

func TestUnlocking(t *testing.T) {
	h := open(t, wire.Locked, "en", phone)
	h.expect("Your home is locked")
	e := find(h, first[*widget.Entry])
	if h.w.Canvas().Focused() != e {
		t.Error("the password cannot be typed at once")
	}
	test.Type(e, "wrong")
	test.Tap(h.button("Unlock"))
	h.expect("This is not the password.")
	e.SetText(apitest.Password)
	test.Tap(h.button("Unlock"))
	if h.Status(t.Context()).State != wire.Open || h.checks != 1 || e.Text != "" {
		t.Errorf("state %v, %d checks, the field has %d characters", h.Status(t.Context()).State, h.checks, len(e.Text))
	}
	h.update()
	h.expect("Rocket")
}

func TestClaimingShowsTheRecoveryCodeUntilItIsWrittenDown(t *testing.T) {
	h := open(t, wire.Unclaimed, "de", phone)
	h.s.Show(link.State{Phase: link.Unclaimed, Known: true})
	h.expect("Schritt 2 von 3", "Wähle ein Passwort", "otter-lantern-violet-")
	h.s.Guide().Type("kurz")
	h.expect("Das ist zu kurz")
	test.Tap(h.button("Los geht’s"))
	h.expect("Das ist zu kurz")
	h.s.Guide().Type("ein langer eigener Satz")
	h.expect("Gut. Länger ist noch besser.")
	test.Tap(h.button("Los geht’s"))
	h.expect(model.Lines(apitest.RecoveryCode))
	h.update() // the link has seen that the hub is open
	h.expect(model.Lines(apitest.RecoveryCode))
	test.Tap(h.button("Weiter")) // nobody said yet that they have it
	h.expect(model.Lines(apitest.RecoveryCode))
	test.Tap(find(h, first[*widget.Check]))
	test.Tap(h.button("Weiter"))
	h.expect("Schritt 3 von 3", "482-61-937")
	if h.says(model.Lines(apitest.RecoveryCode)) {
		t.Error("the code is still shown")
	}
	test.Tap(h.button("Fertig"))
	h.update()
	h.expect("Rocket")
}

// The sheet is written where a person says, for them alone, and over nothing.
func TestTheRecoverySheetIsSaved(t *testing.T) {
	h := open(t, wire.Unclaimed, "en", desktop)
	h.s.Show(link.State{Phase: link.Unclaimed, Known: true})
	h.s.Guide().Next()
	path := filepath.Join(t.TempDir(), "sheet.html")
	for _, want := range []string{"Saved as", "There is a file"} {
		test.Tap(h.button("Save as a file"))
		entry := h.c().Focused().(*parts.Entry)
		entry.SetText(path)
		entry.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
		if !strings.Contains(strings.Join(append(h.words(), h.modal()...), "|"), want) {
			t.Errorf("saving says %q %q, not %q", h.words(), h.modal(), want)
		}
	}
	raw, err := os.ReadFile(path)
	info, err2 := os.Stat(path)
	if err != nil || err2 != nil || !strings.Contains(string(raw), apitest.RecoveryCode) || info.Mode().Perm() != 0o600 {
		t.Errorf("the sheet: %v %v %v %s", err, err2, info, raw)
	}
}

func TestWithoutAHub(t *testing.T) {
	h := open(t, wire.Open, "en", phone)
	h.s.Show(link.State{Phase: link.NoHub, Known: true})
	h.expect("No hub found", "does not answer")
	test.Tap(h.button("Try again"))
	if h.checks != 1 {
		t.Error("the hub is not looked for")
	}
	h.s.Show(link.State{Phase: link.NoHub, Known: true, Why: wire.Refuse(0, wire.CodeImpostor)})
	h.expect("another hub") // it is said at once, and no code is asked for
	h.s.Show(link.State{Known: true})
	h.expect("Looking for the hub")
}

// A hub that could not open its store by itself says why before it is asked for the password.
func TestAHubThatIsShutSaysWhy(t *testing.T) {
	h := open(t, wire.Locked, "en", phone)
	h.s.Show(link.State{})
	h.s.Show(link.State{Phase: link.Locked, Shut: wire.Refuse(500, "hub.full")})
	h.expect("Your home is locked", i18n.For("en").Text("hub.full", nil))
}

func TestAHubElsewhereIsPairedByItsCode(t *testing.T) {
	h := open(t, wire.Open, "en", phone)
	h.s.Show(link.State{Phase: link.NoHub, Known: true, Why: wire.Refuse(401, wire.CodeStranger)})
	h.expect("answers only apps that are paired with it", "Welcome to Ingle", "Hubs near you")
	entry := func(hint string) *parts.Entry {
		return find(h, func(e *parts.Entry) bool { return strings.HasPrefix(e.PlaceHolder, hint) })
	}
	test.Type(entry("Code"), "ab12")
	h.expect("First group: 4 of 5.")
	test.Type(entry("Code"), "c-u")
	h.expect("No code has U in it.")
	test.Tap(h.button("Next"))
	h.expect("This is no code of a hub.")
	entry("Code").SetText("00000-00000")
	h.expect("Complete: 00000-00000")
	test.Tap(h.button("Next"))
	h.expect("The code is wrong", "Type the code again")
	entry("Code").SetText(apitest.ClaimCode)
	test.Tap(h.button("Next"))
	if h.dialled != "192.168.1.20:8443" {
		t.Errorf("dialled %q", h.dialled)
	}
	find(h, first[*widget.RadioGroup]).SetSelected("Another address")
	test.Type(entry("Address"), "spare-pc.local")
	test.Tap(h.button("Next"))
	if h.dialled != "spare-pc.local" {
		t.Errorf("dialled %q", h.dialled)
	}
}
