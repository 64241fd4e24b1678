package gallery_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"

	"github.com/ingle-home/ingle/app/gallery"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/i18n"
)

var gap = regexp.MustCompile(`\{[a-z]+\}`)

// pseudo is English with accents, longer by two fifths, in brackets: what shows neither accent nor
// bracket is not translated, or cut.
func pseudo(text string) string {
	if !strings.ContainsFunc(gap.ReplaceAllString(text, ""), unicode.IsLetter) {
		return text
	}
	accents := strings.NewReplacer("a", "á", "e", "ḗ", "i", "ī", "o", "ơ", "u", "ű", "c", "ç", "n", "ñ", "y", "ý", "A", "Å", "E", "É", "S", "Š", "Z", "Ž")
	var out strings.Builder
	for {
		at := gap.FindStringIndex(text)
		if at == nil {
			break
		}
		out.WriteString(accents.Replace(text[:at[0]]) + text[at[0]:at[1]])
		text = text[at[1]:]
	}
	out.WriteString(accents.Replace(text))
	more := utf8.RuneCountInString(out.String()) * 2 / 5
	return "[" + out.String() + strings.Repeat(" ẃơḗ", more/4) + strings.Repeat("ī", more%4) + "]"
}

// TestLongerLanguagesFit shows every screen in a language that is longer than any.
func TestLongerLanguagesFit(t *testing.T) {
	long := i18n.For("en").Each(pseudo)
	for _, c := range gallery.Scenes() {
		s, w := window(t, c, long, parts.MoodLight, phone)
		fits(t, c.Name, s, w, phone)
		clipsNothing(t, c.Name, w)
		draw(t, os.Getenv("INGLE_PICTURES"), c.Name+"-long", w)
	}
}

// TestEveryLanguageFits shows every screen in every language that there is.
func TestEveryLanguageFits(t *testing.T) {
	for _, c := range gallery.Scenes() {
		s, w := window(t, c, i18n.For("en"), parts.MoodLight, phone)
		for _, lang := range i18n.Languages() {
			s.Speak(i18n.For(lang))
			fits(t, c.Name+" in "+lang, s, w, phone)
			clipsNothing(t, c.Name+" in "+lang, w)
			draw(t, os.Getenv("INGLE_PICTURES"), c.Name+"-"+lang, w)
		}
	}
}

// clipsNothing looks at each text that is seen: all of it is within what holds it and within the window. What
// can be scrolled is as tall as it likes.
func clipsNothing(t *testing.T, name string, w fyne.Window) {
	t.Helper()
	clips(t, name, w.Content(), 0, w.Canvas().Size().Width)
	for _, o := range w.Canvas().Overlays().List() {
		clips(t, name, o, 0, w.Canvas().Size().Width)
	}
}

// clips goes down from o; left and right are the edges of what holds it.
func clips(t *testing.T, name string, o fyne.CanvasObject, left, right float32) {
	t.Helper()
	if !o.Visible() {
		return
	}
	x := fyne.CurrentApp().Driver().AbsolutePositionForObject(o).X
	switch o := o.(type) {
	case *canvas.Text:
		if wide := o.MinSize().Width; o.Text != "" && (x < left-1 || x+wide > right+1) {
			t.Errorf("%s clips %q: %v of %v to %v", name, o.Text, [2]float32{x, x + wide}, left, right)
		}
	case *fyne.Container:
		for _, c := range o.Objects {
			clips(t, name, c, left, right)
		}
	case *container.Scroll:
		if o.Direction == container.ScrollHorizontalOnly || o.Direction == container.ScrollBoth {
			left, right = x, x+o.Content.Size().Width
		}
		clips(t, name, o.Content, left, right)
	case fyne.Widget:
		for _, c := range test.WidgetRenderer(o).Objects() {
			clips(t, name, c, max(left, x), min(right, x+o.Size().Width))
		}
	}
}
