package homekit

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ingle-home/ingle/hub/home"
)

// Apple Home takes names of 2 to 64 letters, digits, spaces and this punctuation, which begin and
// end with a letter or digit, and shows two things of the same name without telling them apart.
const (
	longest     = 64
	punctuation = " ’'&!._:;()/,-"
)

// names are those that one house has given away, in lower case.
type names map[string]bool

// unique gives a speakable name that nothing else has; a taken one gets the first free number.
func (n names) unique(name string) string {
	name = speakable(name, longest)
	try := name
	for i := 2; n[strings.ToLower(try)]; i++ {
		try = joined(name, fmt.Sprintf(" %d", i))
	}
	n[strings.ToLower(try)] = true
	return try
}

// Words are what the hub adds to the names that people gave, in the language of the home. {name} and
// {zone} are places for those.
type Words struct {
	Privacy, StopAll                        string // names of the hub's own switches
	Battery, Button, Doorbell, Fall, Motion string // behind the name of a thing
	At                                      string // somebody in a zone
	Find                                    string // what makes a watch ring
}

func english() Words {
	return Words{
		Privacy: home.PrivacyName, StopAll: home.StopName, Battery: "Battery", Button: "Button", Doorbell: "Doorbell",
		Fall: "Fall", Motion: "Motion", At: "{name} at {zone}", Find: "Find {name}",
	}
}

func (w Words) at(person, zone string) string {
	return strings.NewReplacer("{name}", person, "{zone}", zone).Replace(w.At)
}

func (w Words) find(name string) string { return strings.NewReplacer("{name}", name).Replace(w.Find) }

// joined shortens the name, not the word that tells two of its things apart.
func joined(name, word string) string {
	return speakable(name, longest-utf8.RuneCountInString(word)) + word
}

// speakable makes the nearest name that Apple Home takes, of at most limit characters.
func speakable(name string, limit int) string {
	name = strings.Map(func(r rune) rune {
		if letter(r) || strings.ContainsRune(punctuation, r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(name, " "))
	runes := []rune(trimmed(name))
	name = trimmed(string(runes[:min(len(runes), limit)]))
	if utf8.RuneCountInString(name) < 2 {
		return trimmed("Thing " + name)
	}
	return name
}

func trimmed(name string) string {
	name = strings.TrimFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
	name = strings.TrimLeftFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.Join(strings.Fields(name), " ")
}

func letter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

// plain makes what a unit says about itself fit for AccessoryInformation: printable, 2 to 64
// characters, or the given words instead.
func plain(said, instead string) string {
	said = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		}
		return -1
	}, strings.ToValidUTF8(said, ""))
	runes := []rune(strings.Join(strings.Fields(said), " "))
	said = strings.TrimSpace(string(runes[:min(len(runes), longest)]))
	if utf8.RuneCountInString(said) < 2 {
		return instead
	}
	return said
}

var (
	dottedDigits = regexp.MustCompile(`[0-9]+\.[0-9]`)
	digitRun     = regexp.MustCompile(`[0-9]+`)
)

// firmware finds x.y.z in what a unit calls its version: it begins with the first numbers that a dot
// joins, since a type number may come before, or with the first number if no dot joins any.
func firmware(said string) string {
	said = said[:min(len(said), longest)]
	if at := dottedDigits.FindStringIndex(said); at != nil {
		said = said[at[0]:]
	}
	version := []string{"0", "0", "0"}
	for i, digits := range digitRun.FindAllString(said, len(version)) {
		const most = 9 // digits: a part has 32 bits
		digits = strings.TrimLeft(digits, "0")
		if digits != "" {
			version[i] = digits[:min(len(digits), most)]
		}
	}
	if v := strings.Join(version, "."); v != "0.0.0" {
		return v
	}
	return "1.0.0" // a version 0 is taken for a fault by some controllers
}
