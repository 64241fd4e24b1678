// Package player is what a recording is played with: a sign that starts and stops it, and a bar that
// shows how far it is and takes it elsewhere.
package player

import (
	"fmt"
	"image/color"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Step is how far an arrow key goes.
const Step = 5 * time.Second

const (
	signWidth = 40
	barHeight = 6
	height    = 46
)

// Words are what the bar is called, what its sign does and how it writes the time.
type Words struct {
	Name, Play, Pause string
	Clock             func(time.Time) string // to the second
}

// Bar is the player's bar. Space, Enter and a tap on the sign play and pause; the arrow keys, Home, End
// and a tap on the bar go elsewhere. It only tells what is wanted: whoever plays says how far it is.
type Bar struct {
	widget.BaseWidget
	Toggle func()
	Seek   func(to time.Duration)
	Remove func() // by the key Delete; nil: nothing happens

	words     Words
	begin     time.Time
	at, lasts time.Duration
	playing   bool
	focused   bool
	sign      *canvas.Image
	ink       color.Color // that the sign was drawn in
	ground    *canvas.Rectangle
	rail      *canvas.Rectangle
	done      *canvas.Rectangle
	clock     *canvas.Text
	count     *canvas.Text
}

// New makes a bar of nothing.
func New(w Words) *Bar {
	b := &Bar{words: w, sign: canvas.NewImageFromResource(theme.MediaPlayIcon()), ground: canvas.NewRectangle(color.Transparent),
		rail: canvas.NewRectangle(color.Black), done: canvas.NewRectangle(color.Black), clock: canvas.NewText("", color.Black), count: canvas.NewText("", color.Black)}
	b.ground.CornerRadius, b.rail.CornerRadius, b.done.CornerRadius = 8, barHeight/2, barHeight/2
	b.sign.FillMode = canvas.ImageFillContain
	b.ExtendBaseWidget(b)
	return b
}

// Load puts another recording in, at its beginning. begin is when that was.
func (b *Bar) Load(begin time.Time, lasts time.Duration) {
	b.begin, b.lasts, b.at, b.playing = begin, lasts, 0, false
	b.Refresh()
}

// Grow says that the recording goes on for longer than was known.
func (b *Bar) Grow(lasts time.Duration) {
	if lasts != b.lasts {
		b.lasts = lasts
		b.Refresh()
	}
}

// Set says how far it is, and whether it plays.
func (b *Bar) Set(at time.Duration, playing bool) {
	b.at, b.playing = min(max(at, 0), b.lasts), playing
	b.Refresh()
}

// At is how far it is.
func (b *Bar) At() time.Duration { return b.at }

// Playing says whether it plays.
func (b *Bar) Playing() bool { return b.playing }

// Tapped plays, pauses, or goes to where the tap was.
func (b *Bar) Tapped(e *fyne.PointEvent) {
	wide := b.Size().Width - signWidth - 8
	if e.Position.X < signWidth || wide <= 0 {
		b.toggle()
		return
	}
	b.seek(time.Duration(float32(b.lasts) * (e.Position.X - signWidth) / wide))
}

func (b *Bar) toggle() {
	if b.Toggle != nil {
		b.Toggle()
	}
}

func (b *Bar) seek(to time.Duration) {
	if b.Seek != nil {
		b.Seek(min(max(to, 0), b.lasts))
	}
}

// FocusGained shows that the keys work here.
func (b *Bar) FocusGained() { b.focused = true; b.Refresh() }

// FocusLost shows that they do not.
func (b *Bar) FocusLost() { b.focused = false; b.Refresh() }

// TypedRune does nothing.
func (b *Bar) TypedRune(rune) {}

// TypedKey plays, pauses, and goes elsewhere.
func (b *Bar) TypedKey(e *fyne.KeyEvent) {
	switch e.Name {
	case fyne.KeySpace, fyne.KeyReturn, fyne.KeyEnter:
		b.toggle()
	case fyne.KeyLeft:
		b.seek(b.at - Step)
	case fyne.KeyRight:
		b.seek(b.at + Step)
	case fyne.KeyHome:
		b.seek(0)
	case fyne.KeyEnd:
		b.seek(b.lasts)
	case fyne.KeyDelete:
		if b.Remove != nil {
			b.Remove()
		}
	}
}

// AccessibilityLabel says what a tap does and how far it is.
func (b *Bar) AccessibilityLabel() string {
	do := b.words.Play
	if b.playing {
		do = b.words.Pause
	}
	return b.words.Name + ": " + do + ", " + b.count.Text
}

// AccessibilityRole is that of a button: it can be tapped.
func (b *Bar) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleButton }

// CreateRenderer draws it.
func (b *Bar) CreateRenderer() fyne.WidgetRenderer {
	r := &renderer{b}
	r.paint()
	return r
}

type renderer struct{ *Bar }

func (r *renderer) Layout(size fyne.Size) {
	r.ground.Resize(size)
	r.sign.Move(fyne.NewPos(8, (size.Height-24)/2))
	r.sign.Resize(fyne.NewSize(24, 24))
	wide := max(0, size.Width-signWidth-8)
	r.rail.Move(fyne.NewPos(signWidth, 12))
	r.rail.Resize(fyne.NewSize(wide, barHeight))
	part := float32(0)
	if r.lasts > 0 {
		part = float32(r.at) / float32(r.lasts)
	}
	r.done.Move(fyne.NewPos(signWidth, 12))
	r.done.Resize(fyne.NewSize(wide*part, barHeight))
	r.clock.Move(fyne.NewPos(signWidth, 22))
	r.count.Move(fyne.NewPos(signWidth+wide-r.count.MinSize().Width, 22))
}

func (r *renderer) MinSize() fyne.Size { return fyne.NewSize(220, height) }

func (r *renderer) paint() {
	r.ground.FillColor = theme.Color(theme.ColorNameInputBackground)
	r.ground.StrokeWidth = 0
	if r.focused {
		r.ground.StrokeWidth, r.ground.StrokeColor = 2, theme.Color(theme.ColorNamePrimary)
	}
	r.rail.FillColor = theme.Color(theme.ColorNameDisabled)
	r.done.FillColor = theme.Color(theme.ColorNamePrimary)
	sign := theme.MediaPlayIcon()
	if r.playing {
		sign = theme.MediaPauseIcon()
	}
	if ink := theme.Color(theme.ColorNameForeground); r.sign.Resource != sign || r.ink != ink {
		r.sign.Resource, r.ink = sign, ink
		r.sign.Refresh() // it is drawn once otherwise
	}
	r.clock.Text, r.count.Text = "", ""
	if !r.begin.IsZero() {
		r.clock.Text = r.words.Clock(r.begin.Add(r.at))
		r.count.Text = minutes(r.at) + " / " + minutes(r.lasts)
	}
	for _, t := range []*canvas.Text{r.clock, r.count} {
		t.Color = theme.Color(theme.ColorNamePlaceHolder)
		t.TextSize = theme.Size(theme.SizeNameCaptionText)
	}
}

// minutes is a time as players write it.
func minutes(d time.Duration) string {
	s := int(d / time.Second)
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

func (r *renderer) Refresh() {
	r.paint()
	r.Layout(r.Size())
	canvas.Refresh(r.Bar)
}

func (r *renderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.ground, r.sign, r.rail, r.done, r.clock, r.count}
}

func (r *renderer) Destroy() {}
