package widget

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"
)

// Keys are what a modal does with keys, whatever in it has the focus: Fyne gives a key to the focused
// part alone. Move is called with -1 or +1 for the arrow keys of an Entry; it may be nil.
type Keys struct {
	Cancel, Confirm func()
	Move            func(step int)
}

// Entry is a field for text that knows the keys of its modal.
type Entry struct {
	widget.Entry
	keys Keys
}

// NewEntry makes one; secret hides what is typed.
func NewEntry(hint string, secret bool, keys Keys) *Entry {
	e := &Entry{keys: keys}
	e.Password = secret
	e.SetPlaceHolder(hint)
	e.ExtendBaseWidget(e)
	return e
}

// TypedKey cancels with Esc and confirms with Enter.
func (e *Entry) TypedKey(k *fyne.KeyEvent) {
	switch {
	case k.Name == fyne.KeyEscape:
		e.keys.Cancel()
	case k.Name == fyne.KeyReturn || k.Name == fyne.KeyEnter:
		e.keys.Confirm()
	case e.keys.Move != nil && k.Name == fyne.KeyDown:
		e.keys.Move(1)
	case e.keys.Move != nil && k.Name == fyne.KeyUp:
		e.keys.Move(-1)
	default:
		e.Entry.TypedKey(k)
	}
}

// AccessibilityLabel is what belongs into it.
func (e *Entry) AccessibilityLabel() string { return e.PlaceHolder }

// AccessibilityRole is that of a text: Fyne has no role for fields.
func (e *Entry) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleText }

// Button is one that obeys Enter too, and whose Esc cancels the modal. It keeps the focus when a key presses
// it and while it works: Tab goes on from there.
type Button struct {
	widget.Button
	cancel func()
	name   string // read out where there is no text
	busy   bool
}

// NewButton makes one; cancel may be nil.
func NewButton(text string, icon fyne.Resource, tapped, cancel func()) *Button {
	b := &Button{cancel: cancel}
	b.Text, b.Icon, b.OnTapped = text, icon, tapped
	b.ExtendBaseWidget(b)
	return b
}

// NewSign makes one that shows a sign alone; its name is read out.
func NewSign(name string, icon fyne.Resource, tapped func()) *Button {
	b := NewButton("", icon, tapped, nil)
	b.name, b.Importance = name, widget.LowImportance
	return b
}

// AccessibilityLabel is its text, or its name.
func (b *Button) AccessibilityLabel() string {
	if b.Text == "" {
		return b.name
	}
	return b.Text
}

// TypedKey presses it with Enter and cancels with Esc.
func (b *Button) TypedKey(k *fyne.KeyEvent) {
	switch {
	case k.Name == fyne.KeyEscape && b.cancel != nil:
		b.cancel()
	case k.Name == fyne.KeyReturn || k.Name == fyne.KeyEnter:
		b.press()
	}
}

// TypedRune presses it with the space bar. The key comes before its rune: had that pressed it, a field
// that gets the focus thereby would get the space too.
func (b *Button) TypedRune(r rune) {
	if r == ' ' {
		b.press()
	}
}

// Tapped presses it with the mouse or a finger.
func (b *Button) Tapped(e *fyne.PointEvent) {
	if !b.busy {
		b.Button.Tapped(e)
	}
}

func (b *Button) press() {
	if !b.busy && !b.Disabled() && b.OnTapped != nil {
		b.OnTapped()
	}
}

// Busy says that it works, and does nothing more until done is called. Its text is meanwhile, unless that is
// empty.
func (b *Button) Busy(meanwhile string) (done func()) {
	text, looks := b.Text, b.Importance
	if meanwhile != "" {
		b.Text = meanwhile
	}
	b.busy, b.Importance = true, widget.LowImportance
	b.Refresh()
	return func() {
		b.busy, b.Text, b.Importance = false, text, looks
		b.Refresh()
	}
}

// Works says whether it is busy.
func (b *Button) Works() bool { return b.busy }

// Choice is a field to choose from that knows the keys of its modal.
type Choice struct {
	widget.Select
	keys Keys
	name string
}

// NewChoice makes one with the first option chosen.
func NewChoice(name string, options []string, keys Keys) *Choice {
	c := &Choice{name: name, keys: keys}
	c.Options = options
	c.ExtendBaseWidget(c)
	c.SetSelectedIndex(0)
	return c
}

// TypedKey cancels with Esc and confirms with Enter.
func (c *Choice) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyEscape:
		c.keys.Cancel()
	case fyne.KeyReturn, fyne.KeyEnter:
		c.keys.Confirm()
	default:
		c.Select.TypedKey(k)
	}
}

// AccessibilityLabel is what is chosen, and of what.
func (c *Choice) AccessibilityLabel() string { return c.name + ": " + c.Selected }

// AccessibilityRole is that of a button.
func (c *Choice) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleButton }
