package i18n

import (
	"slices"
	"testing"
)

// The numbers are the samples of the Unicode CLDR, plurals.xml.
func TestEachLanguageCountsByItsOwnRule(t *testing.T) {
	samples := map[string]map[string][]int{
		"one":   {"en": {1}, "de": {1}, "nl": {1}, "es": {1}, "it": {1}, "fr": {0, 1}, "pt_BR": {0, 1}, "pl": {1}},
		"few":   {"pl": {2, 3, 4, 22, 23, 24, 32, 102, 1002}},
		"many":  {"es": {1_000_000, 3_000_000}, "it": {1_000_000}, "fr": {1_000_000}, "pt_BR": {2_000_000}, "pl": {0, 5, 11, 12, 13, 14, 19, 21, 25, 100, 111, 112, 1000, 1_000_000}},
		"other": {"en": {0, 2, 11, 21, 100}, "de": {0, 2, 1_000_000}, "nl": {0, 2}, "es": {0, 2, 16, 100, 1000}, "it": {0, 2, 101}, "fr": {2, 17, 101, 1_000_001}, "pt_BR": {2, 17, 1000}},
	}
	for form, languages := range samples {
		for lang, numbers := range languages {
			if !slices.Contains(Forms(lang), form) {
				t.Errorf("%s has no form %q", lang, form)
			}
			for _, n := range numbers {
				if got := ruleOf(lang)(n); got != form {
					t.Errorf("%d in %s is %q, not %q", n, lang, got, form)
				}
			}
		}
	}
}
