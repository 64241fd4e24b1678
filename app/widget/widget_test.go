package widget_test

import (
	"image/color"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/ingle-home/ingle/app/widget"
)

func light(c color.Color) float64 {
	r, g, b, _ := c.RGBA()
	part := func(v uint32) float64 {
		x := float64(v) / 0xffff
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*part(r) + 0.7152*part(g) + 0.0722*part(b)
}

// contrast is that of WCAG 2.2, section 1.4.3.
func contrast(a, b color.Color) float64 {
	x, y := light(a), light(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestWordsCanBeRead(t *testing.T) {
	test.NewTempApp(t)
	for _, m := range []widget.Mood{widget.MoodLight, widget.MoodDark, widget.MoodContrast} {
		look, v := widget.LookIn(m), theme.VariantLight
		for _, pair := range [][2]fyne.ThemeColorName{
			{theme.ColorNameForeground, theme.ColorNameBackground}, {theme.ColorNameForeground, widget.ColorTile},
			{theme.ColorNameForeground, theme.ColorNameButton}, {theme.ColorNameForeground, theme.ColorNameInputBackground},
			{theme.ColorNamePrimary, theme.ColorNameBackground}, {theme.ColorNamePrimary, widget.ColorTile},
			{theme.ColorNameForeground, theme.ColorNameOverlayBackground}, {theme.ColorNameDisabled, theme.ColorNameOverlayBackground},
			{theme.ColorNameDisabled, theme.ColorNameInputBackground}, {theme.ColorNameSuccess, widget.ColorTile},
			{theme.ColorNameDisabled, theme.ColorNameBackground}, {theme.ColorNameDisabled, widget.ColorTile},
			{theme.ColorNameError, widget.ColorTile}, {theme.ColorNameError, theme.ColorNameBackground},
			{theme.ColorNameWarning, widget.ColorTile}, {theme.ColorNameWarning, theme.ColorNameBackground},
			{theme.ColorNameForegroundOnError, theme.ColorNameError}, {theme.ColorNameForegroundOnPrimary, theme.ColorNamePrimary},
		} {
			if c := contrast(look.Color(pair[0], v), look.Color(pair[1], v)); c < 4.5 {
				t.Errorf("%s on %s has a contrast of %.2f in the mood %s", pair[0], pair[1], c, m)
			}
		}
	}
}

func box(width, height float32) fyne.CanvasObject {
	r := canvas.NewRectangle(color.Black)
	r.SetMinSize(fyne.NewSize(width, height))
	return r
}

func TestColumnsFillFromTheShortest(t *testing.T) {
	test.NewTempApp(t)
	a, b, c := box(100, 50), box(100, 20), box(100, 30)
	grid := container.New(&widget.Columns{Narrowest: 200, Gap: 10}, a, b, c)
	grid.Resize(fyne.NewSize(410, 500))
	if a.Position() != fyne.NewPos(0, 0) || b.Position() != fyne.NewPos(210, 0) || c.Position() != fyne.NewPos(210, 30) || c.Size().Width != 200 {
		t.Errorf("two columns: %v %v %v, %v wide", a.Position(), b.Position(), c.Position(), c.Size().Width)
	}
	if m := grid.MinSize(); m != fyne.NewSize(100, 60) {
		t.Errorf("two columns need %v", m)
	}
	b.Hide()
	grid.Resize(fyne.NewSize(150, 500))
	if c.Position() != fyne.NewPos(0, 60) || c.Size().Width != 150 {
		t.Errorf("one column: %v, %v wide", c.Position(), c.Size().Width)
	}
}

func TestTheMiddleIsNeverWiderThanTheWindow(t *testing.T) {
	test.NewTempApp(t)
	a := box(100, 50)
	m := container.New(&widget.Middle{Width: 400, Margin: 10}, a)
	m.Resize(fyne.NewSize(1000, 200))
	if a.Size() != fyne.NewSize(400, 50) || a.Position() != fyne.NewPos(300, 75) {
		t.Errorf("wide: %v at %v", a.Size(), a.Position())
	}
	m.Resize(fyne.NewSize(300, 200))
	if a.Size().Width != 280 || a.Position().X != 10 {
		t.Errorf("narrow: %v at %v", a.Size(), a.Position())
	}
}

func TestSpeedCallsBackOnlyWhenTouched(t *testing.T) {
	test.NewTempApp(t)
	var set []int
	stops := 0
	s := widget.NewSpeed("Stop", func(p int) { set = append(set, p) }, func() { stops++ })
	w := test.NewTempWindow(t, s)
	w.Resize(fyne.NewSize(300, 140))
	s.SetPercent(30)
	if len(set) != 0 || s.Slider.Value != 30 {
		t.Errorf("shown: %v, called back %v", s.Slider.Value, set)
	}
	s.Slider.Tapped(&fyne.PointEvent{Position: fyne.NewPos(s.Slider.Size().Width, 5)})
	if len(set) != 1 || set[0] != 100 {
		t.Errorf("a tap at the end set %v", set)
	}
	s.Enable(false)
	test.Tap(s.Stop)
	if stops != 1 || s.Slider.Value != 0 || len(set) != 1 {
		t.Errorf("%d stops, slider at %v, set %v", stops, s.Slider.Value, set)
	}
}

func TestAQRCodeHasItsQuietZone(t *testing.T) {
	test.NewTempApp(t)
	const text = "X-HM://0023ISYWYINGL"
	q, err := widget.NewQR(text, 200)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if r, _, _, _ := q.Image.At(i, i).RGBA(); r != 0xffff {
			t.Errorf("the edge is dark at %d", i)
		}
	}
	w := test.NewTempWindow(t, q)
	bits, err := gozxing.NewBinaryBitmapFromImage(w.Canvas().Capture())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := qrcode.NewQRCodeReader().Decode(bits, nil); err != nil || got.GetText() != text {
		t.Errorf("scanned %v, %v", got, err)
	}
}

func TestOwnPartsHaveNames(t *testing.T) {
	test.NewTempApp(t)
	for _, o := range []fyne.Accessible{
		widget.NewTile("Porch"), widget.NewBanner("SOS", "", "", nil), widget.NewPicture("Porch", ""), widget.NewSpeed("Stop", nil, nil),
		widget.NewNav("Home", nil, true, nil), widget.NewEntry("Password", true, widget.Keys{}), widget.NewChoice("Language", []string{"English"}, widget.Keys{}),
		widget.NewChart("Battery", nil, "", "", "", ""), widget.NewPlot("Where everybody is", nil, nil, nil), widget.NewTimeline("Recordings", nil, 0, "", "", nil),
		widget.NewButton("Cancel", nil, nil, nil),
	} {
		if o.AccessibilityLabel() == "" {
			t.Errorf("a %T has no name", o)
		}
	}
}

func TestALongerNoteStaysInsideItsCard(t *testing.T) {
	test.NewTempApp(t)
	for _, set := range []func(string) fyne.CanvasObject{
		func(n string) fyne.CanvasObject {
			x := widget.NewTile("Rocket")
			x.SetNote("a")
			resize(t, x)
			x.SetNote(n)
			return x
		},
		func(n string) fyne.CanvasObject {
			x := widget.NewCard("Rocket", func() {})
			x.SetNote("a")
			resize(t, x)
			x.SetNote(n)
			return x
		},
	} {
		o := set("Speed 100 %")
		width := o.Size().Width
		for _, c := range o.(interface{ Content() *fyne.Container }).Content().Objects[0].(*fyne.Container).Objects[0].(*fyne.Container).Objects {
			if right := c.Position().X + c.Size().Width; right > width || c.MinSize().Width > c.Size().Width {
				t.Errorf("a %T of %T ends at %v of %v, needs %v and has %v", c, o, right, width, c.MinSize().Width, c.Size().Width)
			}
		}
	}
}

func resize(t *testing.T, o fyne.CanvasObject) {
	t.Helper()
	test.NewTempWindow(t, o).Resize(fyne.NewSize(300, 100))
}

// A key that presses a button leaves the focus where it is, also while the button works: Tab goes on from
// there, and a space reaches no field that the button gives the focus to.
func TestAButtonThatIsPressedKeepsTheFocus(t *testing.T) {
	test.NewTempApp(t)
	presses := 0
	before, after := widget.NewButton("before", nil, nil, nil), widget.NewEntry("after", false, widget.Keys{})
	b := widget.NewButton("Print", nil, func() { presses++ }, nil)
	w := test.NewTempWindow(t, container.NewVBox(before, b, after))
	w.Canvas().Focus(b)
	space := func() { // as the driver does: the key, then its rune
		w.Canvas().Focused().TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
		w.Canvas().Focused().TypedRune(' ')
	}
	space()
	b.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	if presses != 2 || w.Canvas().Focused() != b {
		t.Fatalf("pressed %d times, the focus is on %v", presses, w.Canvas().Focused())
	}
	over := b.Busy("Printing …")
	space()
	test.Tap(b)
	w.Canvas().Focus(b)
	if presses != 2 || b.Text != "Printing …" || !b.Works() {
		t.Errorf("while it works it says %q and was pressed %d times", b.Text, presses)
	}
	if w.Canvas().FocusNext(); w.Canvas().Focused() != after {
		t.Errorf("Tab goes on to %v", w.Canvas().Focused())
	}
	over()
	test.Tap(b)
	if presses != 3 || b.Text != "Print" {
		t.Errorf("after its work it says %q, pressed %d times", b.Text, presses)
	}
	b.OnTapped = func() { w.Canvas().Focus(after) }
	w.Canvas().Focus(b)
	if space(); after.Text != "" || w.Canvas().Focused() != after {
		t.Errorf("the field that was given the focus has %q", after.Text)
	}
}
