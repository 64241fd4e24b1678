package screen_test

import (
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/ingle-home/ingle/app/model"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/app/widget/player"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/wire"
)

func key(name fyne.KeyName) *fyne.KeyEvent { return &fyne.KeyEvent{Name: name} }

// The recording of the porch lasts for 14 s.
func TestARecordingPlaysByKeyboard(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.visit(model.AtCamera, apitest.Camera)
	bar := find(h, first[*player.Bar])
	var shown []time.Duration
	h.frame = func(_ int, into time.Duration) { shown = append(shown, into) }
	for range 2 {
		bar.TypedKey(key(fyne.KeyRight))
	}
	if len(shown) != 2 || shown[1] != 10*time.Second || bar.Playing() {
		t.Errorf("two steps to the right showed %v", shown)
	}
	h.expect("0:10 / 0:14")
	bar.Tapped(&fyne.PointEvent{Position: fyne.NewPos(40+(bar.Size().Width-48)*27/28, 20)})
	h.expect("0:13 / 0:14")
	at := bar.At()
	h.frame = func(n int, into time.Duration) {
		if !bar.Playing() {
			t.Errorf("picture %d comes while nothing plays", n)
		}
		if n == 1 && into != at {
			t.Errorf("it plays from %v, not %v", into, at)
		}
	}
	find(h, first[*parts.Timeline]).TypedKey(key(fyne.KeySpace))
	if bar.Playing() || bar.At() != 14*time.Second { // it played to its end
		t.Errorf("at %v, playing: %v", bar.At(), bar.Playing())
	}
	last := 0
	h.frame = func(n int, into time.Duration) {
		if last = n; n == 1 && into != 0 {
			t.Errorf("after its end it begins at %v", into)
		}
		if n == 3 {
			bar.TypedKey(key(fyne.KeySpace))
		}
	}
	bar.TypedKey(key(fyne.KeyReturn))
	if bar.Playing() || last > 4 || bar.At() > time.Second {
		t.Errorf("paused after 3 pictures: %d came, at %v", last, bar.At())
	}
}

func TestNothingPlaysThatNobodyLooksAt(t *testing.T) {
	for name, leave := range map[string]func(h *house){
		"another page":       func(h *house) { h.visit(model.AtHome, "") },
		"a window in a tray": func(h *house) { h.s.Rest(true) },
	} {
		h := open(t, wire.Open, "en", desktop)
		h.visit(model.AtCamera, apitest.Camera)
		bar, last := find(h, first[*player.Bar]), 0
		h.frame = func(n int, _ time.Duration) {
			if last = n; n == 2 {
				leave(h)
			}
		}
		bar.TypedKey(key(fyne.KeySpace))
		if bar.Playing() || last > 3 {
			t.Errorf("%s: %d pictures came", name, last)
		}
	}
}

func TestADeletedRecordingComesBackWhenThatIsUndone(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.visit(model.AtCamera, apitest.Camera)
	find(h, first[*player.Bar]).TypedKey(key(fyne.KeyDelete))
	h.expect("The recording is deleted.", "There are no recordings.")
	if list, _ := h.Clips().List(t.Context(), ""); len(list) != 1 {
		t.Error("it went at once")
	}
	test.Tap(h.button("Undo"))
	h.pass()
	h.expect("0:00 / 0:14")
	if list, _ := h.Clips().List(t.Context(), ""); len(list) != 1 {
		t.Error("it went all the same")
	}
}

func TestANewRecordingIsShownByItself(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.visit(model.AtCamera, apitest.Camera)
	if _, err := h.Clips().SetRule(t.Context(), apitest.Camera, wire.ClipRule{On: true}); err != nil {
		t.Fatal(err)
	}
	if err := h.Clips().Record(t.Context(), apitest.Camera); err != nil {
		t.Fatal(err)
	}
	h.update()
	if h.says("by hand") {
		t.Error("recordings were asked for although nothing changed")
	}
	h.films++
	h.update()
	bar := find(h, first[*parts.Timeline])
	bar.TypedKey(key(fyne.KeyRight))
	h.expect("by hand")
}

func TestWhoMayNotSeeRecordingsSeesThePictureOnly(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.guest = true
	h.visit(model.AtCamera, apitest.Camera)
	h.expect("Now")
	if h.says("Recordings") {
		t.Error("recordings are spoken of")
	}
}

func TestTheKeyDeleteTakesAThingAwayAndUndoBringsItBack(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.s.Keys()
	press := h.w.Canvas().OnTypedKey()
	there := func() bool {
		list, _ := h.Accessories(t.Context())
		return slices.ContainsFunc(list, func(a wire.Accessory) bool { return a.ID == apitest.Toy })
	}
	h.visit(model.AtDevice, "stop-all") // the hub's own stays
	press(key(fyne.KeyDelete))
	if h.says("Undo") {
		t.Error("the hub's own switch goes")
	}
	h.visit(model.AtDevice, apitest.Toy)
	press(key(fyne.KeyDelete))
	if h.says("Rocket ·") || !there() {
		t.Error("it is shown, or went at once")
	}
	test.Tap(h.button("Undo"))
	h.pass()
	if !there() {
		t.Error("it went all the same")
	}
	h.visit(model.AtDevice, apitest.Toy)
	press(key(fyne.KeyDelete))
	h.pass()
	if there() {
		t.Error("it stays")
	}
}
