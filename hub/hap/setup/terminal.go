package setup

import (
	"strings"

	"rsc.io/qr"
)

// Terminal says what a terminal can show.
type Terminal struct {
	UTF8   bool
	Colour bool // ANSI, 256 colours
}

// TerminalOf reads from the environment what the terminal can show. A locale that does not say is
// taken for one without UTF-8, as systems do; NO_COLOR and TERM=dumb mean no colours.
func TerminalOf(getenv func(string) string) Terminal {
	locale := getenv("LC_ALL")
	for _, name := range []string{"LC_CTYPE", "LANG"} {
		if locale == "" {
			locale = getenv(name)
		}
	}
	locale = strings.ToLower(locale)
	term := getenv("TERM")
	return Terminal{
		UTF8:   strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8"),
		Colour: getenv("NO_COLOR") == "" && term != "" && term != "dumb",
	}
}

// Black and white as such: the sixteen named colours are whatever a theme makes of them.
const (
	blackOnWhite = "\x1b[38;5;16;48;5;231m"
	onBlack      = "\x1b[48;5;16m"
	onWhite      = "\x1b[48;5;231m"
	plain        = "\x1b[0m"
)

// QR draws the QR code of a setup URI in lines: 29 columns by 15 lines where the terminal has UTF-8,
// 58 by 29 where it has not. With colours it is black on white, whatever the background is. Without,
// light modules are drawn, which is right on a dark background and inverted on a light one; phones
// read both.
func (t Terminal) QR(uri string) (string, error) {
	g, err := encode(uri, qr.M)
	if err != nil {
		return "", err
	}
	draw := t.letters
	if t.UTF8 {
		draw = t.halves
	}
	var out strings.Builder
	draw(&out, g)
	return out.String(), nil
}

// halves draws two rows of modules in a line of half blocks.
func (t Terminal) halves(out *strings.Builder, g grid) {
	for y := 0; y < g.side(); y += 2 {
		if t.Colour {
			out.WriteString(blackOnWhite)
		}
		for x := range g.side() {
			// With colours a block is ink on paper; without, it is light on the dark of the terminal.
			upper, lower := g.dark(x, y) == t.Colour, g.dark(x, y+1) == t.Colour
			out.WriteString(block(upper, lower))
		}
		if t.Colour {
			out.WriteString(plain)
		}
		out.WriteByte('\n')
	}
}

func block(upper, lower bool) string {
	switch {
	case upper && lower:
		return "█"
	case upper:
		return "▀"
	case lower:
		return "▄"
	}
	return " "
}

// letters draws every module two letters wide, in ASCII.
func (t Terminal) letters(out *strings.Builder, g grid) {
	for y := range g.side() {
		for x := range g.side() {
			switch {
			case t.Colour && g.dark(x, y):
				out.WriteString(onBlack + "  ")
			case t.Colour:
				out.WriteString(onWhite + "  ")
			case g.dark(x, y):
				out.WriteString("  ")
			default:
				out.WriteString("##")
			}
		}
		if t.Colour {
			out.WriteString(plain)
		}
		out.WriteByte('\n')
	}
}
