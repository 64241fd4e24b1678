package vault

import (
	_ "embed"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ingle-home/ingle/storage/vault/phrase"
	"golang.org/x/text/unicode/norm"
)

// A password is judged by what a guesser has to guess. Every code point counts
// one; a stretch that follows a pattern counts for what the pattern is worth,
// however long it is: "passwordpassword12345678" is a word, a repeat and a
// sequence. Nothing is asked of its composition.
const (
	minPoints = 15  // code points, the length that a person is told
	maxPoints = 128 // bounds the work, here and in Argon2
	minWorth  = 10  // what must remain after patterns are counted for what they are
	minListed = 4   // letters of an everyday word; shorter ones are in anything
)

// Refusal is why a password will not do. Code is an i18n code:
// password.too_short, password.too_long, password.unreadable, password.repeats,
// password.sequence, password.keyboard, password.date, password.name or password.common.
type Refusal struct{ Code string }

// Error names the code, never the password.
func (r *Refusal) Error() string { return "vault: password refused: " + r.Code }

const (
	tooShort = "password.too_short"
	tooLong  = "password.too_long"
	mangled  = "password.unreadable"
	repeats  = "password.repeats"
	sequence = "password.sequence"
	keyboard = "password.keyboard"
	date     = "password.date"
	name     = "password.name"
	ordinary = "password.common"
)

// words is what everybody tries first, lower case, one a line. Everyday words of
// the shipped languages, from which phrases are drawn, count as much: five of
// them will do, and four will not.
//
//go:embed words.txt
var words string

// Judge refuses a password that is short or easy to guess, with a *Refusal that
// names the pattern that covers most of it; nil means that it will do. names
// are those that the hub knows, of persons, rooms and zones. Lengths are in
// code points of the NFKC form: at least 15, at most 128. Control characters are not
// taken, nor what a wrong encoding makes: no phone could type them again.
func Judge(password string, names []string) error {
	if len(password) > maxPoints*utf8.UTFMax*3 { // before normalizing; NFKC may shrink
		return &Refusal{tooLong}
	}
	if strings.ContainsFunc(password, untypable) {
		return &Refusal{mangled}
	}
	p := []rune(norm.NFKC.String(password))
	if len(p) < minPoints {
		return &Refusal{tooShort}
	}
	if len(p) > maxPoints {
		return &Refusal{tooLong}
	}
	g := newGuesser(p, names)
	if worth, code := g.cheapest(); worth < minWorth {
		return &Refusal{code}
	}
	return nil
}

// Weigh says how much of what it takes a password has, in percent: from 100 on Judge takes it.
func Weigh(password string, names []string) int {
	p := []rune(norm.NFKC.String(password[:min(len(password), maxPoints*utf8.UTFMax*3)]))
	worth, _ := newGuesser(p[:min(len(p), maxPoints)], names).cheapest()
	percent := min(100*len(p)/minPoints, 100*worth/minWorth)
	if Judge(password, names) != nil {
		return min(percent, 99)
	}
	return max(percent, 100)
}

// untypable tells what comes of a terminal's or a file's encoding, not of keys. Bytes
// that are no UTF-8 became U+FFFD on their way here, all of them the same.
func untypable(r rune) bool {
	const byteOrder = '\ufeff' // begins what some systems write into a pipe
	return r == utf8.RuneError || r == byteOrder || unicode.IsControl(r)
}

// pattern is a stretch of a password that is cheaper to guess than its length.
type pattern struct {
	code  string
	worth int
}

type guesser struct {
	plain  []rune          // as typed, lower case
	folded []rune          // with 0 for o, @ for a and the like undone
	names  map[string]bool // folded
	words  map[string]bool // folded
}

func newGuesser(p []rune, names []string) *guesser {
	g := &guesser{names: make(map[string]bool), words: make(map[string]bool)}
	for _, r := range p {
		r = unicode.ToLower(r)
		g.plain, g.folded = append(g.plain, r), append(g.folded, unleet(r))
	}
	for w := range strings.FieldsSeq(words) {
		g.words[fold(w)] = true
	}
	for _, language := range []string{"en", "de"} {
		for _, w := range phrase.List(language) {
			if len(w) >= minListed {
				g.words[fold(w)] = true
			}
		}
	}
	for _, n := range names {
		n = fold(norm.NFKC.String(n))
		for _, part := range append(strings.Fields(n), strings.ReplaceAll(n, " ", "")) {
			if utf8.RuneCountInString(part) >= 3 {
				g.names[part] = true
			}
		}
	}
	return g
}

// cheapest is the least that the password can be explained by, and the pattern
// that explains most of it in doing so.
func (g *guesser) cheapest() (worth int, code string) {
	n := len(g.plain)
	type step struct {
		worth, from int
		code        string
	}
	best := make([]step, n+1)
	for to := 1; to <= n; to++ {
		last := g.single(to - 1)
		best[to] = step{best[to-1].worth + last.worth, to - 1, last.code}
		for from := range to - 1 {
			if p := g.explain(from, to); p.code != "" && best[from].worth+p.worth < best[to].worth {
				best[to] = step{best[from].worth + p.worth, from, p.code}
			}
		}
	}
	covered := make(map[string]int)
	code = repeats
	for at := n; at > 0; at = best[at].from {
		s := best[at]
		if s.code == "" {
			continue
		}
		covered[s.code] += at - s.from
		if covered[s.code] >= covered[code] {
			code = s.code
		}
	}
	return best[n].worth, code
}

// single is one code point alone. A separator counts once: between words the
// same one is no new guess.
func (g *guesser) single(at int) pattern {
	r := g.plain[at]
	if unicode.IsLetter(r) || unicode.IsDigit(r) {
		return pattern{worth: 1}
	}
	for _, before := range g.plain[:at] {
		if before == r {
			return pattern{code: repeats}
		}
	}
	return pattern{worth: 1}
}

// fold makes a word comparable: lower case, look-alikes undone.
func fold(s string) string {
	return strings.Map(func(r rune) rune { return unleet(unicode.ToLower(r)) }, s)
}

func unleet(r rune) rune {
	switch r {
	case '0':
		return 'o'
	case '1', '!', '|', 'l': // l and i are written with the same 1
		return 'i'
	case '3', '€':
		return 'e'
	case '4', '@':
		return 'a'
	case '5', '$':
		return 's'
	case '7', '+':
		return 't'
	case '8':
		return 'b'
	case 'ä':
		return 'a'
	case 'ö':
		return 'o'
	case 'ü':
		return 'u'
	}
	return r
}
