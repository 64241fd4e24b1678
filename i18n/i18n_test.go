package i18n_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ingle-home/ingle/i18n"
)

var place = regexp.MustCompile(`\{[a-z]+\}`)

func catalog(t *testing.T, lang string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var texts map[string]string
	if err := json.Unmarshal(raw, &texts); err != nil {
		t.Fatalf("%s: %v", lang, err)
	}
	if n := strings.Count(string(raw), "\n  \""); n != len(texts) {
		t.Errorf("%s: %d lines for %d keys: a key stands twice", lang, n, len(texts))
	}
	return texts
}

func places(text string) []string {
	list := place.FindAllString(text, -1)
	slices.Sort(list)
	return list
}

func TestKeysThatBelongTogether(t *testing.T) {
	english := catalog(t, "en")
	for key := range english {
		if stem, form, plural := strings.Cut(key, "#"); plural {
			other := map[string]string{"one": "other", "other": "one"}[form]
			if _, ok := english[stem+"#"+other]; !ok {
				t.Errorf("%s has no form %q", key, other)
			}
		}
		if stem, isStep := strings.CutSuffix(key, ".do"); isStep {
			if _, ok := english[stem]; !ok {
				t.Errorf("%s is the next step of nothing", key)
			}
		}
		if strings.HasPrefix(key, "health.") && !strings.HasSuffix(key, ".do") {
			if _, ok := english[key+".do"]; !ok {
				t.Errorf("%s says not what to do", key)
			}
		}
	}
}

func TestTheLanguageIsFound(t *testing.T) {
	for asked, want := range map[string]string{"de": "de", "de_AT.UTF-8": "de", "de-CH": "de", "en_GB": "en", "C.UTF-8": "en", "": "en", "xx": "en", "../en": "en", "de_DE@euro": "de"} {
		if got := i18n.For(asked).Lang(); got != want {
			t.Errorf("%q gave %q, not %q", asked, got, want)
		}
	}
}

func TestTexts(t *testing.T) {
	en, de := i18n.For("en"), i18n.For("de")
	for _, c := range []struct{ got, want string }{
		{en.Text("tile.battery", i18n.Args{"percent": "71"}), "Battery 71 %"},
		{de.Text("tile.battery", i18n.Args{"percent": "71"}), "Akku 71 %"},
		{en.Count("home.troubles", 1), "One thing needs care."},
		{en.Count("home.troubles", 3), "3 things need care."},
		{de.Count("home.troubles", 0), "0 Dinge brauchen dich."},
		{en.Text("no.such.key", nil), "no.such.key"},
		{en.Advice("hub.locked", nil), "The hub is locked. Unlock it with your password."},
		{en.Advice("hub.forbidden", nil), "You may not do this."},
		{en.Text("hub.name", i18n.Args{"name": "{name}"}), "The name “{name}” is taken."},
	} {
		if c.got != c.want {
			t.Errorf("%q, not %q", c.got, c.want)
		}
	}
}

func TestMomentsAreWrittenAsTheLanguageDoes(t *testing.T) {
	at := time.Date(2026, 11, 5, 9, 4, 7, 0, time.UTC)
	for lang, want := range map[string]string{"en": "5 Nov, 09:04", "de": "5.11. 09:04", "nl": "5-11 09:04", "pt_BR": "5/11 09:04"} {
		if got := i18n.For(lang).Moment(at); got != want {
			t.Errorf("%s: %q, not %q", lang, got, want)
		}
	}
	if got := i18n.For("en").Second(at); got != "5 Nov, 09:04:07" {
		t.Error(got)
	}
	for _, lang := range i18n.Languages() {
		if n := len(strings.Fields(i18n.For(lang).Text("form.months", nil))); n != 12 {
			t.Errorf("%s has %d months", lang, n)
		}
	}
}

// Apple calls its app by another name in most languages, and that is what people look for on their phones.
func TestApplesAppHasTheNameThatIsOnThePhone(t *testing.T) {
	for lang, name := range map[string]string{"en": "Home", "de": "Home", "es": "Casa", "fr": "Maison", "it": "Casa", "nl": "Woning", "pl": "Dom", "pt_BR": "Casa"} {
		for key, text := range catalog(t, lang) {
			for rest := text; ; {
				_, after, found := strings.Cut(rest, "Apple ")
				if !found {
					break
				}
				if rest = after; unicode.IsUpper([]rune(after)[0]) && !strings.HasPrefix(after, name) {
					t.Errorf("%s: %s calls the app something else than Apple %s: %q", lang, key, name, text)
				}
			}
		}
		if got := i18n.For(lang).Text("pair.button", nil); got != "Apple "+name {
			t.Errorf("%s: %q", lang, got)
		}
	}
}

func TestHintsNameTheProgram(t *testing.T) {
	plain := i18n.For("de")
	called := plain.With(i18n.Args{"hub": "bin/ingle-hub"})
	there := called.With(i18n.Args{"data": " --data /srv"})
	for _, c := range []struct{ got, want string }{
		{plain.Text("hub.not-running.do", nil), "Starte ihn mit: hub serve"},
		{called.Text("hub.not-running.do", nil), "Starte ihn mit: bin/ingle-hub serve"},
		{there.Advice("hub.not-running", nil), plain.Text("hub.not-running", nil) + " Starte ihn mit: bin/ingle-hub serve --data /srv"},
		{there.Text("hub.not-running.do", i18n.Args{"hub": "{data}"}), "Starte ihn mit: {data} serve --data /srv"},
		{there.Lang(), "de"},
	} {
		if c.got != c.want {
			t.Errorf("%q, not %q", c.got, c.want)
		}
	}
}

func TestATypewriterCanWriteEnglish(t *testing.T) {
	typed := i18n.For("en").With(i18n.Args{"hub": "bin/hub"}).Typed()
	for key := range catalog(t, "en") {
		for _, r := range typed.Text(key, nil) {
			if r >= utf8.RuneSelf {
				t.Errorf("%s has %q", key, r)
			}
		}
	}
	if got := typed.Text("hub.name", i18n.Args{"name": "Zoë"}); got != `The name "Zoë" is taken.` {
		t.Error(got)
	}
	if got := typed.Text("hub.not-running.do", nil); got != "Start it with: bin/hub serve" {
		t.Error(got)
	}
}

func TestTheSystemsLanguage(t *testing.T) {
	t.Setenv("LC_ALL", "")
	t.Setenv("LC_MESSAGES", "de_DE.UTF-8")
	t.Setenv("LANG", "en_GB.UTF-8")
	if got := i18n.Locale(); got != "de_DE.UTF-8" {
		t.Error(got)
	}
}
