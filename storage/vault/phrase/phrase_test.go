package phrase_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/storage/vault"
	"github.com/ingle-home/ingle/storage/vault/phrase"
)

func TestLists(t *testing.T) {
	shape := regexp.MustCompile(`^[a-z]{3,10}$`)
	for _, language := range []string{"en", "de"} {
		list := phrase.List(language)
		if len(list) < 1296 || !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Errorf("%s: %d words, sorted %v", language, len(list), slices.IsSorted(list))
		}
		for _, w := range list {
			if !shape.MatchString(w) {
				t.Errorf("%s: %q", language, w)
			}
		}
	}
	if slices.Equal(phrase.List("en"), phrase.List("de")) || !slices.Equal(phrase.List("de"), phrase.List("de_AT.UTF-8")) || !slices.Equal(phrase.List("en"), phrase.List("fi")) {
		t.Error("the languages are mixed up")
	}
}

// Whatever is drawn must pass for a password, be new, and come from the whole list.
func TestOffer(t *testing.T) {
	for _, language := range []string{"en", "de"} {
		list := phrase.List(language)
		const draws = 4000
		times, seen, known := map[string]int{}, map[string]bool{}, map[string]bool{}
		for _, w := range list {
			known[w] = true
		}
		for range draws {
			offer, bits := phrase.Offer(language)
			words := strings.Split(offer, "-")
			if len(words) != phrase.Words || bits < 51.6 || bits > 65 || seen[offer] {
				t.Fatalf("%s: %q with %.1f bits", language, offer, bits)
			}
			seen[offer] = true
			for _, w := range words {
				times[w]++
				if !known[w] {
					t.Fatalf("%s: %q is not on the list", language, w)
				}
			}
		}
		// Chi-square of some 1,800 degrees of freedom: mean n, deviation sqrt(2n), here 60.
		want, chi := float64(draws*phrase.Words)/float64(len(list)), 0.0
		for _, w := range list {
			d := float64(times[w]) - want
			chi += d * d / want
		}
		if n := float64(len(list)); chi < n-400 || chi > n+400 {
			t.Errorf("%s: chi-square %.0f of %.0f: the words are not drawn alike", language, chi, n)
		}
	}
}

func TestOffersPassTheJudge(t *testing.T) {
	for _, language := range []string{"en", "de"} {
		refused := 0
		const draws = 300
		for range draws {
			offer, _ := phrase.Offer(language)
			if err := vault.Judge(offer, nil); err != nil {
				refused++
				t.Logf("%q: %v", offer, err)
			}
		}
		if refused > 0 {
			t.Errorf("%s: %d of %d offers are refused", language, refused, draws)
		}
	}
}
