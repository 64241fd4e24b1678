package screen_test

import (
	"context"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/screen"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// house is a window on a hub in memory. What the hub is asked is answered at once.
type house struct {
	*apitest.Home
	t      *testing.T
	s      *screen.Screen
	w      fyne.Window
	onView []string
	checks int
}

func (h *house) Setup(ctx context.Context, password string) (wire.SetupAnswer, error) {
	return h.Home.Setup(ctx, wire.SetupRequest{Password: password})
}

func (h *house) Unlock(ctx context.Context, password string) error {
	return h.Home.Unlock(ctx, wire.UnlockRequest{Password: password})
}

func (h *house) Check() { h.checks++ }

func open(t *testing.T, state wire.State, lang string, size fyne.Size) *house {
	t.Helper()
	test.NewTempApp(t).Settings().SetTheme(parts.NewLook())
	h := &house{Home: apitest.New(state), t: t}
	h.s = screen.New(screen.Options{Hub: h, Texts: i18n.For(lang), Place: time.UTC,
		Work:   func(f func(context.Context)) { f(t.Context()) },
		OnView: func(ids []string) { h.onView = ids }})
	h.w = test.NewTempWindow(t, h.s.Content())
	h.w.Resize(size)
	h.update()
	return h
}

var (
	phone   = fyne.NewSize(360, 740)
	desktop = fyne.NewSize(1024, 700)
)

// update does what the link does after a change.
func (h *house) update() {
	snap, _ := h.Snapshot(context.Background())
	phase := map[wire.State]link.Phase{wire.Open: link.Open, wire.Locked: link.Locked, wire.Unclaimed: link.Unclaimed}
	h.s.Show(link.State{Phase: phase[snap.Status.State], Home: snap})
}

// all lists every visible object in the window.
func (h *house) all() []fyne.CanvasObject { return walk(h.w.Content()) }

func walk(o fyne.CanvasObject) []fyne.CanvasObject {
	if !o.Visible() {
		return nil
	}
	list := []fyne.CanvasObject{o}
	switch o := o.(type) {
	case *fyne.Container:
		for _, c := range o.Objects {
			list = append(list, walk(c)...)
		}
	case *container.Scroll:
		list = append(list, walk(o.Content)...)
	case fyne.Widget:
		for _, c := range test.WidgetRenderer(o).Objects() {
			list = append(list, walk(c)...)
		}
	}
	return list
}

func find[T fyne.CanvasObject](h *house, is func(T) bool) T {
	h.t.Helper()
	for _, o := range h.all() {
		if v, ok := o.(T); ok && is(v) {
			return v
		}
	}
	h.t.Fatalf("the window has no such %T; it says %q", *new(T), h.words())
	panic("unreachable")
}

func any1[T any](T) bool { return true }

func (h *house) button(text string) *widget.Button {
	h.t.Helper()
	return find(h, func(b *widget.Button) bool { return b.Text == text })
}

// words is all the text on view.
func (h *house) words() []string {
	var list []string
	for _, o := range h.all() {
		switch o := o.(type) {
		case *widget.Label:
			list = append(list, o.Text)
		case *widget.Button:
			list = append(list, o.Text)
		case *widget.Check:
			list = append(list, o.Text)
		case *widget.RichText:
			list = append(list, o.String())
		case *canvas.Text:
			list = append(list, o.Text)
		}
	}
	return list
}

func (h *house) says(text string) bool {
	return slices.ContainsFunc(h.words(), func(w string) bool { return strings.Contains(w, text) })
}

func (h *house) expect(texts ...string) {
	h.t.Helper()
	for _, text := range texts {
		if !h.says(text) {
			h.t.Errorf("nothing says %q; the window says %q", text, h.words())
		}
	}
}

func TestTheHomeShowsWhatTheModelSays(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.expect("All is well", "Porch", "Mia's watch", "Mia at Home", "Battery 71 %", "Rocket", "At rest", "Privacy", "Stop everything")
	h.Report(apitest.Watch, trait.Battery.Of(9, time.Now()))
	h.Report(apitest.AtHome, trait.Occupied.Of(false, time.Now()))
	h.Report(apitest.Toy, trait.Speed.Of(35, time.Now()))
	h.update()
	h.expect("Battery 9 %", "Not at a known place", "Speed 35 %")
	if v := find(h, any1[*widget.Slider]).Value; v != 35 {
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
	if s := stop.Size(); s.Height < 56 || s.Width < 200 {
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
	s := find(h, any1[*widget.Slider])
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
	h.s.Picture(apitest.Camera, m)
	if !h.s.Filled() || h.says("Waiting") {
		t.Error("the picture is not shown")
	}
	p := find(h, any1[*parts.Picture])
	at := fyne.CurrentApp().Driver().AbsolutePositionForObject(p)
	shot := h.w.Canvas().Capture()
	if c := shot.At(int(at.X+p.Size().Width/2), int(at.Y+p.Size().Height/2)); color.GrayModel.Convert(c).(color.Gray).Y < 250 {
		t.Errorf("the middle of the picture is %v", c)
	}
	if r := p.Size().Width / p.Size().Height; r < 1.7 || r > 1.85 {
		t.Errorf("the picture is %v", p.Size())
	}
	h.s.Picture(apitest.Camera, nil)
	h.expect("Waiting for a picture…")
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
	e := find(h, any1[*widget.Entry])
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
	h.expect("Willkommen")
	e := find(h, any1[*widget.Entry])
	test.Type(e, "kurz")
	test.Tap(h.button("Los geht’s"))
	h.expect("Das ist zu kurz")
	e.SetText("ein langer eigener Satz")
	test.Tap(h.button("Los geht’s"))
	h.expect(apitest.RecoveryCode)
	h.update() // the link has seen that the hub is open
	h.expect(apitest.RecoveryCode)
	test.Tap(h.button("Ich habe ihn notiert"))
	h.update()
	h.expect("Rocket")
	if h.says(apitest.RecoveryCode) {
		t.Error("the code is still shown")
	}
}

func TestWithoutAHub(t *testing.T) {
	h := open(t, wire.Open, "en", phone)
	h.s.Show(link.State{Phase: link.NoHub})
	h.expect("No hub found")
	test.Tap(h.button("Try again"))
	if h.checks != 1 {
		t.Error("the hub is not looked for")
	}
	h.s.Show(link.State{})
	h.expect("Looking for the hub")
}

// TestEveryScreenFitsAPhone also draws each screen into INGLE_PICTURES, a folder, to look at.
func TestEveryScreenFitsAPhone(t *testing.T) {
	for _, lang := range i18n.Languages() {
		for name, visit := range screens() {
			for _, size := range []fyne.Size{phone, desktop} {
				h := open(t, wire.Open, lang, size)
				visit(h)
				h.s.Picture(apitest.Camera, image.NewRGBA(image.Rect(0, 0, 64, 36)))
				if least := h.s.Content().MinSize(); least.Width > phone.Width {
					t.Errorf("%s in %s needs a width of %v", name, lang, least.Width)
				}
				if got := h.w.Canvas().Size(); got != size {
					t.Errorf("%s in %s made the window %v", name, lang, got)
				}
				draw(t, h, name+"-"+lang+map[bool]string{true: "-phone", false: ""}[size == phone])
			}
		}
	}
}

func screens() map[string]func(*house) {
	return map[string]func(*house){
		"home": func(*house) {},
		"alarm": func(h *house) {
			list := []wire.Trouble{{Code: "accessory-unreachable", Subject: apitest.Toy}}
			h.Publish(wire.Change{Troubles: &list})
			h.Publish(wire.Change{Condition: &wire.Standing{Accessory: apitest.Toy, Condition: wire.Condition{State: "waiting", Code: "accessory-unreachable"}}})
			h.Report(apitest.Watch, trait.Emergency.Of(true, time.Date(2026, 11, 25, 8, 30, 0, 0, time.UTC)))
			h.update()
		},
		"pair":      func(h *house) { test.Tap(h.button("Apple Home")) },
		"searching": func(h *house) { h.s.Show(link.State{}) },
		"lost":      func(h *house) { h.s.Show(link.State{Phase: link.NoHub}) },
		"locked":    func(h *house) { h.s.Show(link.State{Phase: link.Locked}) },
		"unclaimed": func(h *house) { h.s.Show(link.State{Phase: link.Unclaimed}) },
	}
}

func draw(t *testing.T, h *house, name string) {
	dir := os.Getenv("INGLE_PICTURES")
	if dir == "" {
		return
	}
	write(t, filepath.Join(dir, name+".png"), h.w.Canvas().Capture())
}
