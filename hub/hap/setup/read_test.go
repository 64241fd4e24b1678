package setup_test

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/ingle-home/ingle/hub/hap/setup"
)

const (
	code = "482-61-937"
	uri  = "X-HM://00249NZ8X7XK2"
)

// read decodes a QR code with somebody else's reader, as a phone would see it: in the middle of a
// screen or a desk of the given colour.
func read(t *testing.T, m image.Image, around color.Color) string {
	t.Helper()
	const desk = 40
	b := m.Bounds()
	scene := image.NewRGBA(image.Rect(0, 0, b.Dx()+2*desk, b.Dy()+2*desk))
	draw.Draw(scene, scene.Bounds(), image.NewUniform(around), image.Point{}, draw.Src)
	draw.Draw(scene, b.Add(image.Pt(desk, desk)), m, b.Min, draw.Src)
	bits, err := gozxing.NewBinaryBitmapFromImage(scene)
	if err != nil {
		t.Fatal(err)
	}
	got, err := qrcode.NewQRCodeReader().Decode(bits, nil)
	if err != nil {
		t.Errorf("no code is found: %v", err)
		return ""
	}
	return got.GetText()
}

func TestThePrintedCardIsRead(t *testing.T) {
	for _, module := range []int{2, 3, 12, 64} {
		var file bytes.Buffer
		if err := setup.PNG(&file, uri, code, module); err != nil {
			t.Fatal(err)
		}
		m, err := png.Decode(&file)
		if err != nil {
			t.Fatal(err)
		}
		for _, desk := range []color.Color{color.White, color.Black} {
			if got := read(t, m, desk); got != uri {
				t.Errorf("%d pixels a module: read %q", module, got)
			}
		}
		side, quiet := m.Bounds().Dx(), 4*module
		inside := image.Rect(quiet, quiet, side-quiet, side-quiet)
		for at := range side * side {
			p := image.Pt(at%side, at/side)
			if r, _, _, _ := m.At(p.X, p.Y).RGBA(); r != 0xffff && !p.In(inside) {
				t.Fatalf("%d pixels a module: the quiet zone has ink at %v", module, p)
			}
		}
	}
}

// The digits are ink below the quiet zone of the QR code and do not reach the edges.
func TestTheCardShowsTheCode(t *testing.T) {
	with, without := card(t, code), card(t, "")
	side := with.Bounds().Dx()
	ink := 0
	for y := range with.Bounds().Dy() {
		for x := range side {
			a, _, _, _ := with.At(x, y).RGBA()
			b, _, _, _ := without.At(x, y).RGBA()
			if a == b {
				continue
			}
			ink++
			if y < side || x < 24 || x >= side-24 || y >= with.Bounds().Dy()-24 {
				t.Fatalf("the code's ink at %d, %d", x, y)
			}
		}
	}
	if ink < 1000 {
		t.Errorf("%d pixels of ink show the code", ink)
	}
}

func card(t *testing.T, code string) image.Image {
	t.Helper()
	var file bytes.Buffer
	if err := setup.PNG(&file, uri, code, 12); err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(&file)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestACardThatCannotBe(t *testing.T) {
	for _, module := range []int{-1, 0, 65, 1 << 40} {
		if err := setup.PNG(&bytes.Buffer{}, uri, code, module); err == nil {
			t.Errorf("%d pixels a module make a card", module)
		}
	}
	if err := setup.PNG(&bytes.Buffer{}, strings.Repeat("X", 10_000), code, 1); err == nil {
		t.Error("10,000 letters make a card")
	}
	if _, err := (setup.Terminal{}).QR(strings.Repeat("X", 10_000)); err == nil {
		t.Error("10,000 letters make a code in the terminal")
	}
}

func TestTheTerminalIsRead(t *testing.T) {
	for _, c := range []struct {
		name             string
		terminal         setup.Terminal
		columns, lines   int
		onDark, onBright bool
	}{
		{"blocks in colour", setup.Terminal{UTF8: true, Colour: true}, 29, 15, true, true},
		{"blocks", setup.Terminal{UTF8: true}, 29, 15, true, false},
		{"letters in colour", setup.Terminal{Colour: true}, 58, 23, true, true},
		{"letters", setup.Terminal{}, 58, 23, true, false},
	} {
		text, err := c.terminal.QR(uri)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(text, "\n"); got != c.lines {
			t.Errorf("%s: %d lines", c.name, got)
		}
		for line := range strings.Lines(text) {
			bare := escape.ReplaceAllString(strings.TrimSuffix(line, "\n"), "")
			if got := utf8.RuneCountInString(bare); got != c.columns {
				t.Fatalf("%s: %d columns", c.name, got)
			}
			if !c.terminal.UTF8 && len(bare) != c.columns {
				t.Fatalf("%s: not ASCII: %q", c.name, bare)
			}
		}
		if !c.terminal.Colour && strings.Contains(text, "\x1b") {
			t.Errorf("%s: has colours", c.name)
		}
		if c.onDark {
			seen(t, c.name+" on dark", shine(t, text, color.White, color.Black), color.Black, c.terminal.Colour)
		}
		if c.onBright {
			seen(t, c.name+" on bright", shine(t, text, color.Black, color.White), color.White, c.terminal.Colour)
		}
	}
}

// seen reads a screen as a phone does from some way off, and if it is sharp also from nearby.
func seen(t *testing.T, what string, screen image.Image, around color.Color, sharp bool) {
	t.Helper()
	if got := read(t, afar(screen), around); got != uri {
		t.Errorf("%s: read %q", what, got)
	}
	if !sharp {
		return
	}
	if got := read(t, screen, around); got != uri {
		t.Errorf("%s, from nearby: read %q", what, got)
	}
}

var escape = regexp.MustCompile(`\x1b\[([0-9;]*)m`)

// A letter of the screen is 8 by 16 pixels.
const wide, high = 8, 16

// shine is a terminal: it shows text with the given colours where the text asks for none.
func shine(t *testing.T, text string, ink, paper color.Color) image.Image {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	screen := image.NewRGBA(image.Rect(0, 0, 80*wide, len(lines)*high))
	draw.Draw(screen, screen.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	fore, back := ink, paper
	for row, line := range lines {
		column := 0
		for line != "" {
			if at := escape.FindStringSubmatchIndex(line); at != nil && at[0] == 0 {
				fore, back = colours(t, line[at[2]:at[3]], fore, back, ink, paper)
				line = line[at[1]:]
				continue
			}
			r, size := utf8.DecodeRuneInString(line)
			line = line[size:]
			cell := image.Rect(column*wide, row*high, (column+1)*wide, (row+1)*high)
			draw.Draw(screen, cell, image.NewUniform(back), image.Point{}, draw.Src)
			draw.Draw(screen, inked(t, r, cell), image.NewUniform(fore), image.Point{}, draw.Src)
			column++
		}
	}
	return screen
}

func colours(t *testing.T, said string, fore, back, ink, paper color.Color) (color.Color, color.Color) {
	t.Helper()
	shades := map[string]color.Color{"16": color.Black, "231": color.White}
	parts := strings.Split(said, ";")
	for len(parts) > 0 {
		switch n, _ := strconv.Atoi(parts[0]); {
		case n == 0:
			fore, back, parts = ink, paper, parts[1:]
		case n == 38 && len(parts) > 2 && shades[parts[2]] != nil:
			fore, parts = shades[parts[2]], parts[3:]
		case n == 48 && len(parts) > 2 && shades[parts[2]] != nil:
			back, parts = shades[parts[2]], parts[3:]
		default:
			t.Fatalf("a colour that no terminal knows: %q", said)
		}
	}
	return fore, back
}

// afar is a screen at the distance of a phone: half a letter is one gray, which is what becomes of the
// strokes of a #.
func afar(screen image.Image) image.Image {
	b := screen.Bounds()
	seen := image.NewGray(image.Rect(0, 0, b.Dx()/wide, b.Dy()/wide))
	for y := range seen.Bounds().Dy() {
		for x := range seen.Bounds().Dx() {
			sum := 0
			for i := range wide * wide {
				g := color.GrayModel.Convert(screen.At(x*wide+i%wide, y*wide+i/wide)).(color.Gray)
				sum += int(g.Y)
			}
			seen.SetGray(x, y, color.Gray{Y: uint8(sum / (wide * wide))})
		}
	}
	return seen
}

// inked is the part of a cell that a letter covers: blocks leave a gap below, as in most fonts, and the
// strokes of a # cover about a third.
func inked(t *testing.T, r rune, cell image.Rectangle) image.Rectangle {
	t.Helper()
	middle := cell.Min.Y + high/2
	cell.Max.Y--
	switch r {
	case '█':
		return cell
	case '#':
		return cell.Inset(2)
	case '▀':
		cell.Max.Y = middle
		return cell
	case '▄':
		cell.Min.Y = middle
		return cell
	case ' ':
		return image.Rectangle{}
	}
	t.Fatalf("a letter that is no block: %q", r)
	return image.Rectangle{}
}

func TestWhatTheTerminalCan(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want setup.Terminal
	}{
		{map[string]string{"LANG": "en_GB.UTF-8", "TERM": "xterm-256color"}, setup.Terminal{UTF8: true, Colour: true}},
		{map[string]string{"LC_ALL": "C", "LANG": "en_GB.UTF-8", "TERM": "xterm"}, setup.Terminal{Colour: true}},
		{map[string]string{"LC_CTYPE": "de_DE.utf8", "TERM": "linux"}, setup.Terminal{UTF8: true, Colour: true}},
		{map[string]string{"LC_ALL": "C.UTF-8", "TERM": "dumb"}, setup.Terminal{UTF8: true}},
		{map[string]string{"LANG": "C.UTF-8", "TERM": "xterm", "NO_COLOR": "1"}, setup.Terminal{UTF8: true}},
		{map[string]string{"TERM": "dumb", "NO_COLOR": "1"}, setup.Terminal{}},
		{nil, setup.Terminal{}},
	} {
		if got := setup.TerminalOf(func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%v: %+v", c.env, got)
		}
	}
}
