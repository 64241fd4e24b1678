package screen_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	keyboard "fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// press types a shortcut with Ctrl. Fyne's test canvas has the shortcuts and hides them.
func (h *house) press(key fyne.KeyName) {
	h.t.Helper()
	c, ok := reflect.ValueOf(h.w.Canvas()).Elem().FieldByName("WindowlessCanvas").Interface().(fyne.Shortcutable)
	if !ok {
		h.t.Fatal("the canvas takes no shortcuts")
	}
	c.TypedShortcut(&keyboard.CustomShortcut{KeyName: key, Modifier: fyne.KeyModifierShortcutDefault})
}

// hit presses a key where the focus is, or in the window.
func (h *house) hit(key fyne.KeyName) {
	e := &fyne.KeyEvent{Name: key}
	if f := h.w.Canvas().Focused(); f != nil {
		f.TypedKey(e)
		return
	}
	h.w.Canvas().OnTypedKey()(e)
}

// over lists what the modal on top shows.
func (h *house) over() []fyne.CanvasObject {
	h.t.Helper()
	top := h.w.Canvas().Overlays().Top()
	if top == nil {
		return nil
	}
	return walk(top)
}

func TestTheRailAndTheBar(t *testing.T) {
	for size, want := range map[fyne.Size]string{phone: "More", desktop: "Settings", fyne.NewSize(699, 700): "More", fyne.NewSize(700, 700): "Settings"} {
		h := open(t, wire.Open, "en", size)
		var names []string
		for _, o := range h.all() {
			if n, ok := o.(*parts.Nav); ok {
				names = append(names, n.AccessibilityLabel())
			}
		}
		if !slices.Contains(names, want) || len(names) < 5 || slices.Contains(names, "More") == slices.Contains(names, "Settings") {
			t.Errorf("at %v: %v", size, names)
		}
	}
}

func TestShortcutsGoToThePages(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	for i, title := range []string{"Ingle", "Devices", "Cameras", "People", "Privacy", "Updates", "Settings"} {
		h.press(fyne.KeyName(rune('1' + i)))
		head := find(h, func(l *widget.Label) bool { return l.SizeName == "headingText" })
		if head.Text != title {
			t.Errorf("Ctrl+%d shows %q", i+1, head.Text)
		}
	}
	h.hit(fyne.KeyEscape)
	h.expect("This hub does not look for updates")
}

func TestSearchGoesThere(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.press(fyne.KeyK)
	e, ok := h.w.Canvas().Focused().(*parts.Entry)
	if !ok {
		t.Fatalf("the focus is on %T", h.w.Canvas().Focused())
	}
	test.Type(e, "mi")
	h.hit(fyne.KeyDown) // Mia's watch, then Mia
	h.hit(fyne.KeyReturn)
	h.expect("Where everybody is")
	h.press(fyne.KeyK)
	h.hit(fyne.KeyEscape)
	if h.over() != nil {
		t.Error("Esc does not close the search")
	}
}

func TestDeletingCanBeUndone(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	remove := func() {
		h.s.Go(model.Route{Place: model.AtDevice, ID: apitest.Toy})
		test.Tap(h.button("Remove from the home"))
		h.expect("Rocket is removed.", "Devices")
		if h.says("At rest") || h.there(apitest.Toy) == false {
			t.Error("it is gone at once, or not hidden")
		}
	}
	remove()
	test.Tap(h.button("Undo"))
	h.expect("Rocket")
	h.pass()
	if !h.there(apitest.Toy) {
		t.Fatal("it is removed although that was undone")
	}
	remove()
	if d := h.later[len(h.later)-1].d; d.Seconds() != 10 {
		t.Errorf("it can be undone for %v", d)
	}
	h.pass()
	h.update()
	if h.there(apitest.Toy) || h.says("Undo") {
		t.Error("it is not removed in the end")
	}
}

func (h *house) there(id string) bool {
	list, _ := h.Accessories(h.t.Context())
	return slices.ContainsFunc(list, func(a wire.Accessory) bool { return a.ID == id })
}

func TestADeletionThatFailsIsSaid(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.s.Go(model.Route{Place: model.AtDevice, ID: apitest.Toy})
	test.Tap(h.button("Remove from the home"))
	if err := h.Remove(t.Context(), apitest.Toy); err != nil { // somebody was faster
		t.Fatal(err)
	}
	h.later[0].f()
	h.expect("There is no such thing in your home.", "Rocket")
}

func TestThePasswordIsAskedAgainWhereTheHubWantsIt(t *testing.T) {
	h := open(t, wire.Open, "en", phone)
	h.strict = true
	h.s.Go(model.Route{Place: model.AtDevice, ID: apitest.Toy})
	test.Tap(h.button("Remove from the home"))
	h.later[0].f()
	if !said(h.over(), "the hub wants the password again") || !h.there(apitest.Toy) {
		t.Fatal("it is not asked for")
	}
	e := entries(h.over())[0]
	e.SetText("wrong")
	e.TypedKey(enter())
	if !said(h.over(), "This is not the password.") {
		t.Error("a wrong one is taken")
	}
	e.SetText(apitest.Password)
	e.TypedKey(enter())
	if h.there(apitest.Toy) || h.over() != nil {
		t.Error("it is not removed with the right one")
	}
}

func TestModalsObeyEscAndEnter(t *testing.T) {
	h := open(t, wire.Open, "en", phone)
	h.s.Go(model.Route{Place: model.AtSettings})
	test.Tap(h.button("Change the password"))
	if _, ok := h.w.Canvas().Focused().(*parts.Entry); !ok {
		t.Fatalf("the focus is on %T", h.w.Canvas().Focused())
	}
	h.hit(fyne.KeyEscape)
	if h.over() != nil {
		t.Fatal("Esc does not cancel")
	}
	test.Tap(h.button("Change the password"))
	for _, text := range []string{apitest.Password, "another good sentence", "another bad sentence"} {
		test.Type(h.w.Canvas().Focused(), text)
		h.w.Canvas().FocusNext()
	}
	h.hit(fyne.KeyTab)
	fields := entries(h.over())
	fields[2].TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	if !said(h.over(), "The two are not the same") {
		t.Error("two different passwords are taken")
	}
	fields[2].SetText("another good sentence")
	fields[2].TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	if h.over() != nil {
		t.Fatal("Enter does not confirm")
	}
	h.expect("The password is changed.")
	if err := h.Unlock(t.Context(), wire.UnlockRequest{Password: "another good sentence"}); err != nil {
		t.Error(err)
	}
}

func entries(list []fyne.CanvasObject) []*parts.Entry {
	var found []*parts.Entry
	for _, o := range list {
		if e, ok := o.(*parts.Entry); ok {
			found = append(found, e)
		}
	}
	return found
}

func said(list []fyne.CanvasObject, text string) bool {
	return slices.ContainsFunc(list, func(o fyne.CanvasObject) bool {
		l, ok := o.(*widget.Label)
		return ok && strings.Contains(l.Text, text)
	})
}

func TestWhatCannotBeUndoneDefaultsToCancel(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	done := false
	d := &frame.Desk{Texts: i18n.For("en"), Canvas: h.w.Canvas}
	d.Ask(frame.Question{Title: "Delete", Yes: "Delete", Danger: true, Then: func(string) { done = true }})
	if b, ok := h.w.Canvas().Focused().(*parts.Button); !ok || b.Text != "Cancel" || !b.Visible() {
		t.Fatalf("the focus is on %+v", h.w.Canvas().Focused())
	}
	h.hit(fyne.KeyReturn)
	if done || h.over() != nil {
		t.Error("Enter deletes")
	}
}

func TestAnotherLanguageAtOnce(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.s.Go(model.Route{Place: model.AtSettings})
	h.expect("Settings")
	h.s.Speak(i18n.For("de"))
	h.expect("Einstellungen", "Aussehen und Sprache")
	if h.says("Look and language") {
		t.Error("some of it is English still")
	}
}

func TestWhatAPersonLikesIsTold(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	var got frame.Taste
	h.s.OnTaste(func(x frame.Taste) { got = x })
	h.s.Go(model.Route{Place: model.AtSettings})
	find(h, func(c *parts.Choice) bool { return strings.HasPrefix(c.AccessibilityLabel(), "Look") }).SetSelected("High contrast")
	if got.Mood != parts.MoodContrast {
		t.Errorf("told %+v", got)
	}
}

func enter() *fyne.KeyEvent { return &fyne.KeyEvent{Name: fyne.KeyReturn} }

func TestEachLanguageIsChosenByItsOwnName(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	var got frame.Taste
	h.s.OnTaste(func(x frame.Taste) { got = x })
	h.s.Go(model.Route{Place: model.AtSettings})
	choice := find(h, func(c *parts.Choice) bool { return strings.HasPrefix(c.AccessibilityLabel(), "Language") })
	for name, language := range map[string]string{"English": "en", "Deutsch": "de", "Español": "es", "Français": "fr", "Italiano": "it", "Nederlands": "nl", "Polski": "pl", "Português": "pt_BR", "As the system": ""} {
		if choice.SetSelected(name); got.Language != language {
			t.Errorf("%s chose %q", name, got.Language)
		}
	}
	if len(choice.Options) != len(i18n.Languages())+1 {
		t.Errorf("to choose from are %v", choice.Options)
	}
}
