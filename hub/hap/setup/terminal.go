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
	blackInk   = "\x1b[38;5;16m"
	whiteInk   = "\x1b[38;5;231m"
	blackPaper = "\x1b[48;5;16m"
	whitePaper = "\x1b[48;5;231m"
	plain      = "\x1b[0m"
)

// QR draws the QR code of a setup URI in lines: 29 columns by 15 lines where the terminal has UTF-8,
// 58 by 23 where it has not. With colours it is black on white, whatever the background is. Without,
// light modules are drawn, which is right on a dark background and inverted on a light one; phones
// read both.
func (t Terminal) QR(uri string) (string, error) {
	g, err := encode(uri, qr.M)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	switch {
	case t.UTF8 && t.Colour:
		inColour(&out, g)
	case t.UTF8:
		inLight(&out, g)
	case t.Colour:
		inSpaces(&out, g)
	default:
		inLetters(&out, g)
	}
	return out.String(), nil
}

// inColour draws two rows of modules in a line. Most fonts leave a gap below their blocks, which would
// tear the pattern: so what both rows share is paper, the lower row is always paper, and only the
// upper half is ever drawn.
func inColour(out *strings.Builder, g grid) {
	for y := 0; y < g.side(); y += 2 {
		ink, paper := "", ""
		for x := range g.side() {
			upper, lower := g.dark(x, y), g.dark(x, y+1)
			if now := pick(lower, blackPaper, whitePaper); now != paper {
				paper = now
				out.WriteString(now)
			}
			if upper == lower {
				out.WriteByte(' ')
				continue
			}
			if now := pick(upper, blackInk, whiteInk); now != ink {
				ink = now
				out.WriteString(now)
			}
			out.WriteString("▀")
		}
		out.WriteString(plain + "\n")
	}
}

func pick(dark bool, forDark, forLight string) string {
	if dark {
		return forDark
	}
	return forLight
}

// inLight draws the light modules, two rows in a line.
func inLight(out *strings.Builder, g grid) {
	for y := 0; y < g.side(); y += 2 {
		for x := range g.side() {
			switch upper, lower := !g.dark(x, y), !g.dark(x, y+1); {
			case upper && lower:
				out.WriteString("█")
			case upper:
				out.WriteString("▀")
			case lower:
				out.WriteString("▄")
			default:
				out.WriteByte(' ')
			}
		}
		out.WriteByte('\n')
	}
}

// cut is how many rows of the quiet zone are left out above and below where a module takes a line:
// what remains fits on a screen of 24 lines, and readers miss a whole finder more than they miss these.
const cut = 3

// inSpaces draws every module as paper two letters wide.
func inSpaces(out *strings.Builder, g grid) {
	for y := cut; y < g.side()-cut; y++ {
		for x := range g.side() {
			out.WriteString(pick(g.dark(x, y), blackPaper, whitePaper) + "  ")
		}
		out.WriteString(plain + "\n")
	}
}

// inLetters draws the light modules two letters wide.
func inLetters(out *strings.Builder, g grid) {
	for y := cut; y < g.side()-cut; y++ {
		for x := range g.side() {
			out.WriteString(pick(g.dark(x, y), "  ", "##"))
		}
		out.WriteByte('\n')
	}
}
