package vault

import (
	"slices"
	"strings"
	"unicode"
)

// rows are keys that lie in a line, on the keyboards of the shipped languages;
// then two that go down the columns, and the walks of a numeric pad.
var rows = []string{
	"1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm",
	"qwertzuiopü", "asdfghjklöä", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
	"1qay2wsx3edc4rfv5tgb6zhn7ujm8ik9ol0p",
	"789456123", "147258369", "741852963", "159357", "951753",
}

// grids hold the same keys by place, for walks that turn corners.
var grids = [][]string{
	{"1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"},
	{"1234567890", "qwertzuiopü", "asdfghjklöä", "yxcvbnm"},
}

// explain names the cheapest pattern that plain[from:to] follows as a whole; the
// zero pattern if none. What it is worth is about the number of random code
// points that would be as hard to guess.
func (g *guesser) explain(from, to int) pattern {
	piece, folded := g.plain[from:to], g.folded[from:to]
	if to-from < 3 {
		return pattern{}
	}
	text := string(folded)
	switch {
	case g.repeated(from, to):
		return pattern{repeats, 1}
	case g.names[text]:
		return pattern{name, 1}
	case isDate(piece):
		return pattern{date, 1 + len(piece)/6}
	case isSequence(piece):
		return pattern{sequence, 2}
	case isWalk(piece):
		return pattern{keyboard, 2}
	case g.words[text]:
		return pattern{ordinary, 2}
	}
	return pattern{}
}

// repeated tells whether the stretch already stood further left; the two may
// overlap, so that a period of any length is one repeat.
func (g *guesser) repeated(from, to int) bool {
	for start := range from {
		if slices.Equal(g.folded[start:start+to-from], g.folded[from:to]) {
			return true
		}
	}
	return false
}

// isSequence: each code point follows the one before by the same step, up or
// down, 1 or 2 apart; after 9 comes 0.
func isSequence(p []rune) bool {
	step := p[1] - p[0]
	if step == -9 && p[0] == '9' {
		step = 1
	}
	if step == 0 || step > 2 || step < -2 {
		return false
	}
	for i := 1; i < len(p); i++ {
		alnum := unicode.IsLetter(p[i]) || unicode.IsDigit(p[i])
		wraps := step == 1 && p[i-1] == '9' && p[i] == '0'
		if !alnum || p[i]-p[i-1] != step && !wraps {
			return false
		}
	}
	return true
}

// isWalk: a piece of a row, in either direction, or four and more keys each
// beside the one before.
func isWalk(p []rune) bool {
	back := slices.Clone(p)
	slices.Reverse(back)
	for _, row := range rows {
		if strings.Contains(row, string(p)) || strings.Contains(row, string(back)) {
			return true
		}
	}
	if len(p) < 4 {
		return false
	}
	return slices.ContainsFunc(grids, func(grid []string) bool {
		for i := 1; i < len(p); i++ {
			if !beside(grid, p[i-1], p[i]) {
				return false
			}
		}
		return true
	})
}

func beside(grid []string, a, b rune) bool {
	ra, ca, ok := place(grid, a)
	rb, cb, too := place(grid, b)
	if !ok || !too || a == b {
		return false
	}
	// Rows are staggered to the right, so a key touches its own column and the
	// next one in the row above, its own and the one before in the row below.
	switch rb - ra {
	case 0:
		return cb-ca == 1 || ca-cb == 1
	case 1:
		return cb == ca || cb == ca-1
	case -1:
		return cb == ca || cb == ca+1
	}
	return false
}

func place(grid []string, r rune) (row, column int, ok bool) {
	for row, keys := range grid {
		if column := slices.Index([]rune(keys), r); column >= 0 {
			return row, column, true
		}
	}
	return 0, 0, false
}

// isDate: a year from 1900 to 2099 alone, or day, month and year in any usual
// order, with or without separators.
func isDate(p []rune) bool {
	if len(p) > len("31.12.2026") {
		return false
	}
	fields := strings.FieldsFunc(string(p), func(r rune) bool { return strings.ContainsRune(".-/ ", r) })
	digits := strings.Join(fields, "")
	for _, r := range digits {
		if r < '0' || r > '9' {
			return false
		}
	}
	if first, last := p[0], p[len(p)-1]; !unicode.IsDigit(first) || !unicode.IsDigit(last) {
		return false
	}
	switch len(digits) {
	case 4:
		return isYear(digits) && len(fields) == 1
	case 6:
		return dayMonth(digits[:4]) || dayMonth(digits[2:])
	case 8:
		return isYear(digits[4:]) && dayMonth(digits[:4]) || isYear(digits[:4]) && dayMonth(digits[4:])
	}
	return false
}

func isYear(s string) bool { return s[:2] == "19" || s[:2] == "20" }

// dayMonth takes both orders: 3112 and 1231.
func dayMonth(s string) bool {
	a, b := s[:2], s[2:]
	return isDay(a) && isMonth(b) || isMonth(a) && isDay(b)
}

func isDay(s string) bool   { return s >= "01" && s <= "31" }
func isMonth(s string) bool { return s >= "01" && s <= "12" }
