package home

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Names are spoken to an assistant and shown in Apple Home, which takes 2 to 64 letters, digits,
// spaces and a little punctuation, beginning and ending with a letter or digit.
const (
	shortest    = 2
	longest     = 64
	punctuation = " ’'&!._:;()/,-"
)

// speakable gives the name without spaces around it and in it doubled, or ErrName.
func (h *Home) speakable(name string) (string, error) {
	name = strings.Join(strings.Fields(name), " ")
	if n := utf8.RuneCountInString(name); n < shortest || n > longest {
		return "", fmt.Errorf("%w: %d characters", ErrName, n)
	}
	first, _ := utf8.DecodeRuneInString(name)
	last, _ := utf8.DecodeLastRuneInString(strings.TrimRightFunc(name, unicode.IsMark)) // vowel signs and accents belong to a letter
	if !plain(first) || !plain(last) {
		return "", fmt.Errorf("%w: begins or ends with punctuation", ErrName)
	}
	for _, r := range name {
		if !plain(r) && !unicode.IsMark(r) && !strings.ContainsRune(punctuation, r) {
			return "", fmt.Errorf("%w: contains %q", ErrName, r)
		}
	}
	return name, nil
}

func plain(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// free gives the speakable form of a name that nothing else in the home has.
func (h *Home) free(name string) (string, error) {
	name, err := h.speakable(name)
	if err != nil {
		return "", err
	}
	if h.taken(name) {
		return "", ErrTaken
	}
	return name, nil
}

// reserved are the names and IDs of the hub's own switches: nothing may come between a person who says
// "Stop everything" and the switch.
func reserved() []string {
	return []string{PrivacySwitch, StopSwitch, QuietSwitch, PrivacyName, StopName, QuietName}
}

func (h *Home) taken(name string) bool {
	if slices.ContainsFunc(reserved(), func(own string) bool { return strings.EqualFold(own, name) }) {
		return true
	}
	for _, p := range h.has.People {
		if strings.EqualFold(p.Name, name) {
			return true
		}
	}
	for _, z := range h.has.Zones {
		if strings.EqualFold(z.Name, name) {
			return true
		}
	}
	for _, a := range h.has.Accessories {
		if strings.EqualFold(a.Name, name) {
			return true
		}
	}
	return false
}

// unique adds the first number that tells the name apart.
func (h *Home) unique(name string) string {
	if !h.taken(name) {
		return name
	}
	for n := 2; ; n++ {
		if try := numbered(name, n); !h.taken(try) {
			return try
		}
	}
}

// numbered adds a number to a name, which it shortens where both would be too long.
func numbered(name string, n int) string {
	end := fmt.Sprintf(" %d", n)
	runes := []rune(name)
	start := string(runes[:min(len(runes), longest-len(end))])
	return strings.TrimRight(start, " ") + end
}
