package screen_test

import (
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/model/keeping"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// modalButton is a button of what is over the page.
func (h *house) modalButton(text string) *parts.Button {
	h.t.Helper()
	for _, o := range h.over() {
		if b, ok := o.(*parts.Button); ok && b.Text == text {
			return b
		}
	}
	h.t.Fatalf("the modal has no button %q; it says %q", text, h.modal())
	panic("unreachable")
}

func TestAPersonIsForgottenAndTheReceiptShown(t *testing.T) {
	h := open(t, wire.Open, "en", phone)
	h.visit(model.AtPrivacy, "")
	test.Tap(h.button("Forget a person"))
	test.Tap(h.modalButton("Show the plan"))
	h.expect("Forget: Mia", "Nothing has happened yet.", "People and their readings", "Has to wait", "Remains in any case")
	test.Tap(h.button("Forget for good"))
	if b, ok := h.c().Focused().(*parts.Entry); !ok || !b.Password {
		t.Fatalf("the focus is on %T", h.c().Focused())
	}
	if !said(h.over(), "Not all of it goes at once") {
		t.Errorf("what remains is not said before: %q", h.modal())
	}
	e := entries(h.over())[0]
	e.SetText("wrong")
	e.TypedKey(enter())
	if list, _ := h.Privacy().Receipts(t.Context()); len(list) != 0 {
		t.Fatal("Enter in the field forgets")
	}
	if b, ok := h.c().Focused().(*parts.Button); !ok || b.Text != "Cancel" {
		t.Errorf("after the password comes %+v", h.c().Focused())
	}
	test.Tap(h.modalButton("Forget for good"))
	if !said(h.over(), "This is not the password.") {
		t.Error("a wrong password is taken")
	}
	e.SetText(apitest.Password)
	test.Tap(h.modalButton("Forget for good"))
	h.expect("Receipt", "Genuine: the signature fits", "A person was forgotten", "412 before · 0 after", "What remains, and why")
	if h.over() != nil {
		t.Error("the question stays")
	}
	test.Tap(h.button("Save the receipt"))
	path := filepath.Join(t.TempDir(), "receipt.json")
	e = entries(h.over())[0]
	e.SetText(path)
	e.TypedKey(enter())
	raw, err := os.ReadFile(path)
	info, err2 := os.Stat(path)
	if err != nil || err2 != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v %v", err, err2, info)
	}
	h.s.Back() // not to the plan of somebody who is gone
	h.expect("What is stored")
	h.judge(path, string(raw))
}

// judge has the app look at a receipt that was kept, and at one that was changed.
func (h *house) judge(path, file string) {
	h.t.Helper()
	h.visit(model.AtReceipts, "")
	h.expect("A person was forgotten", "Something outside the hub still waits")
	for content, want := range map[string]string{file: "Signed by the hub with this pin", strings.Replace(file, "412", "12", 1): "This receipt was changed", "[]": "That is no receipt"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			h.t.Fatal(err)
		}
		test.Tap(h.button("Check a receipt"))
		e := entries(h.over())[0]
		e.SetText(path)
		e.TypedKey(enter())
		if !said(h.over(), want) {
			h.t.Errorf("it says %q, not %q", h.modal(), want)
		}
		h.hit(fyne.KeyEscape)
	}
}

func TestEverythingTakesTheWordAndLeavesTheReceipt(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.visit(model.AtPrivacy, "")
	test.Tap(h.button("Forget everything"))
	test.Tap(h.button("Forget for good"))
	if !said(h.over(), "Type: "+wire.ForgetWord) {
		t.Fatalf("%q", h.modal())
	}
	fields := entries(h.over())
	fields[0].SetText(apitest.Password)
	fields[1].SetText("yes")
	test.Tap(h.modalButton("Forget for good"))
	if !said(h.over(), "the words must be typed") {
		t.Errorf("%q", h.modal())
	}
	fields[1].SetText(" Forget Everything ")
	test.Tap(h.modalButton("Forget for good"))
	h.expect("Receipt of a deletion", "Everything was forgotten", "Genuine")
	h.s.Show(link.State{Phase: link.Unclaimed, Known: true}) // the hub is like new
	h.expect("Everything was forgotten")
	test.Tap(h.button("I have it: go on"))
	h.expect("Step 2 of 3")
	if h.says("Everything was forgotten") {
		t.Error("the receipt stays")
	}
}

func TestNothingIsForgottenByCancelling(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	for _, id := range []string{keeping.ScopeID(wire.PrivacyScope{Device: apitest.Camera}), keeping.ScopeID(wire.PrivacyScope{Category: "health"}), "everything"} {
		h.visit(model.AtForget, id)
		test.Tap(h.button("Forget for good"))
		h.hit(fyne.KeyEscape)
		if h.over() != nil {
			t.Fatal("Esc does not cancel")
		}
	}
	h.visit(model.AtPrivacy, "")
	test.Tap(h.button("Forget a time"))
	e := entries(h.over())
	e[0].SetText("25.11.2026")
	e[1].SetText("24.11.2026")
	e[1].TypedKey(enter())
	if !said(h.over(), "These are no two days") {
		t.Errorf("%q", h.modal())
	}
	e[1].SetText("25.11.2026")
	e[1].TypedKey(enter())
	h.expect("Forget: 2026-11-25 – 2026-11-25")
	if list, _ := h.Privacy().Receipts(t.Context()); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

func TestWhatIsKeptIsNarrowedDown(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.visit(model.AtKept, "")
	h.expect("Positions", "In the hub", "On the device", "In backups")
	find(h, func(c *parts.Choice) bool { return strings.HasPrefix(c.AccessibilityLabel(), "About whom") }).SetSelected("Porch")
	h.expect("Recordings", "What devices keep")
	if h.says("Positions") || h.says("In backups") {
		t.Errorf("it still says %q", h.words())
	}
	find(h, func(c *parts.Choice) bool { return strings.HasPrefix(c.AccessibilityLabel(), "About whom") }).SetSelected("Mia")
	if h.expect("Positions"); h.says("What devices keep") {
		t.Errorf("it still says %q", h.words())
	}
}

func TestRulesAreChanged(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.visit(model.AtRules, "")
	h.expect("Each goes after 30 days", "Pause the recording of")
	sign := find(h, func(b *parts.Button) bool { return b.AccessibilityLabel() == "Change: Alarms" })
	test.Tap(sign)
	e := entries(h.over())[0]
	e.SetText("0")
	e.TypedKey(enter())
	if !said(h.over(), "no number of days") {
		t.Errorf("%q", h.modal())
	}
	e.SetText("14")
	e.TypedKey(enter())
	h.expect("Each goes after 14 days")
	test.Tap(find(h, func(c *widget.Check) bool { return c.Text == "Mia" }))
	if list, _ := h.Privacy().Paused(t.Context()); len(list) != 1 || !list[0].Paused {
		t.Errorf("%+v", list)
	}
	test.Tap(h.button("Note a consent"))
	test.Tap(h.modalButton("Note a consent"))
	h.expect("Mia · Places are recorded", "Agreed on")
	test.Tap(find(h, func(b *parts.Button) bool { return strings.HasPrefix(b.AccessibilityLabel(), "Take the consent back") }))
	test.Tap(h.modalButton("Take the consent back"))
	h.expect("Taken back on")
}

func TestLabelsSayWhatToDoAndHowItIsKnown(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.visit(model.AtHealth, "")
	test.Tap(h.button("Check my home"))
	h.expect("Ingle", "Porch", "1 ok", "1 to be fixed", "1 unknown")
	h.visit(model.AtLabel, apitest.Camera)
	h.expect("To be fixed", "Others on the way can read it", "Own password", "Test without internet")
	if h.says("encrypted: no (measured)") {
		t.Error("the evidence is shown at once")
	}
	test.Tap(find(h, func(b *parts.Button) bool {
		return b.AccessibilityLabel() == "Show how it is known: On the way to the hub"
	}))
	h.expect("Seen: encrypted: no (measured)", "How: measured")
	test.Tap(h.button("Look at the doors"))
	if !said(h.over(), "May the hub look") {
		t.Errorf("it looks without asking: %q", h.modal())
	}
	test.Tap(h.modalButton("I agree: look"))
	h.expect("Last look")
	test.Tap(h.button("Look at the doors"))
	if said(h.over(), "May the hub look") {
		t.Error("it asks again")
	}
	h.hit(fyne.KeyEscape)
	test.Tap(h.button("Start the test"))
}

func TestADeviceShowsItsLabel(t *testing.T) {
	h := open(t, wire.Open, "en", phone)
	h.visit(model.AtDevice, apitest.Camera)
	h.expect("1 ok", "To be fixed: On the way to the hub")
	test.Tap(h.button("Security label"))
	h.expect("Own password")
}

func TestWhatWasForgottenIsDropped(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.visit(model.AtHome, "")
	before := find(h, first[*parts.Picture])
	h.s.Pictures(map[string]link.Picture{apitest.Camera: {Image: picture(), At: time.Now()}})
	if before.Image() == nil {
		t.Fatal("there is no picture to drop")
	}
	h.s.Drop()
	if after := find(h, first[*parts.Picture]); after == before || after.Image() != nil {
		t.Error("the picture is kept")
	}
}

func picture() *image.RGBA { return image.NewRGBA(image.Rect(0, 0, 64, 36)) }
