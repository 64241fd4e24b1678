package i18n_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ingle-home/ingle/i18n"
)

// quotes are the marks that a language puts around what is quoted, and its apostrophe.
func quotes() map[string]string {
	return map[string]string{"en": "“”’", "de": "„“’", "es": "“”", "fr": "«»’", "it": "“”’", "nl": "“”’", "pl": "„”", "pt_BR": "“”"}
}

// command is what is typed as it stands, in any language.
var command = regexp.MustCompile(`--[a-z][a-z-]*|rtsp://|\{hub\} [a-z-]+|\n +|UTF-8|192\.168\.1\.2[01]|SELECT \* FROM reading`)

// sameAs lists the texts that may be those of English: names, formats and words that the languages share.
func sameAs() map[string]string {
	return map[string]string{
		"": `page.show.hex app.clip.seconds app.metres app.percent backup.progress restore.progress find.add home.title homekit.code
			homekit.state homekit.unmade tile.sos watch.condition watch.value pair.code
			app.settings.apps form.gigabytes form.kilobytes form.megabytes`,
		"de": "app.label.homekit app.page.pairing pair.button app.clip.pause onboard.step.3 page.alarm page.homekit app.trait.where app.page.updates app.updates.hub app.updates.now app.people.name",
		"es": "app.privacy.apps#other app.no app.updates.hub",
		"fr": `app.clip.pause app.privacy.apps#other app.keeps.positions app.updates.now holding.contacts app.pages app.keeps.where holding.positions app.trait.where
			app.updates.hub privacy.category.secrets privacy.kind.location`,
		"it": `onboard.save.path onboard.step.2 app.settings.backup app.page.privacy app.tray.privacy homekit.kind.bridge app.no
			app.updates.hub trait.privacy gate.password`,
		"nl": `app.privacy.apps#other page.alarm accessory.kind.camera app.page.camera app.page.privacy app.page.updates app.tray.open app.tray.privacy
			app.updates.hub do.done do.switched homekit.kind.bridge homekit.kind.camera homekit.line status.open
			privacy.kind.zone tile.sos.alarm tile.toy.stop trait.privacy`,
		"pl":    "page.alarm app.updates.hub tile.sos.alarm tile.toy.stop",
		"pt_BR": "app.privacy.apps#other app.settings.backup app.updates.hub privacy.holder.backups privacy.kind.backup",
	}
}

func TestCatalogsAreSorted(t *testing.T) {
	for _, lang := range i18n.Languages() {
		raw, err := os.ReadFile(lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		last := ""
		for key := range keys(t, raw) {
			if key <= last {
				t.Errorf("%s: %s stands after %s", lang, key, last)
			}
			last = key
		}
	}
}

// keys gives the keys of a catalog in their order.
func keys(t *testing.T, raw []byte) func(func(string) bool) {
	return func(yield func(string) bool) {
		d := json.NewDecoder(bytes.NewReader(raw))
		for i := -1; ; i++ {
			token, err := d.Token()
			if err != nil || token == json.Delim('}') {
				return
			}
			if key, ok := token.(string); ok && i%2 == 0 && !yield(key) {
				return
			} else if !ok && i >= 0 {
				t.Errorf("%v is no text", token)
			}
		}
	}
}

func TestNothingIsLeftInEnglish(t *testing.T) {
	english, shared := catalog(t, "en"), sameAs()
	used := map[string]bool{}
	for _, lang := range i18n.Languages() {
		if lang == "en" {
			continue
		}
		allowed := strings.Fields(shared[""] + " " + shared[lang])
		for key, text := range catalog(t, lang) {
			if text != english[key] {
				continue
			}
			used[key] = true
			if !slices.Contains(allowed, key) {
				t.Errorf("%s: %s is as in English: %q", lang, key, text)
			}
		}
	}
	for _, list := range shared {
		for _, key := range strings.Fields(list) {
			if !used[key] {
				t.Errorf("%s need not be allowed to be as in English", key)
			}
		}
	}
}

func TestTextsAreSetAsTheirLanguageSetsThem(t *testing.T) {
	english := catalog(t, "en")
	for _, lang := range i18n.Languages() {
		marks, ok := quotes()[lang]
		if !ok {
			t.Errorf("%s has no quotes", lang)
		}
		for key, text := range catalog(t, lang) {
			for _, r := range text {
				if strings.ContainsRune("“”„‚‘’«»‹›", r) && !strings.ContainsRune(marks, r) {
					t.Errorf("%s: %s has %q: %q", lang, key, r, text)
				}
			}
			if strings.Contains(text, "'") && key != "tokens.made" || strings.Contains(text, `"`) && key != "export.page.sqlite" {
				t.Errorf("%s: %s has a typewriter's mark: %q", lang, key, text)
			}
			if strings.Contains(text, "...") || strings.Contains(strings.TrimLeft(text, " "), "  ") && !strings.Contains(text, "\n") || strings.HasSuffix(text, " ") {
				t.Errorf("%s: %s is not neat: %q", lang, key, text)
			}
			if got, want := typed(text), typed(english[sibling(english, key)]); !slices.Equal(got, want) {
				t.Errorf("%s: %s has %q, English %q", lang, key, got, want)
			}
			if n := strings.Count(text, " :") + strings.Count(text, " ?") + strings.Count(text, " !") + strings.Count(text, " ;"); n > 0 {
				t.Errorf("%s: %s may break before its mark: %q", lang, key, text)
			}
		}
	}
}

func typed(text string) []string {
	list := command.FindAllString(text, -1)
	slices.Sort(list)
	return list
}

// sibling is the key of English that a text is compared with: "#other" for each form that counts many.
func sibling(english map[string]string, key string) string {
	if _, ok := english[key]; ok {
		return key
	}
	stem, _, _ := strings.Cut(key, "#")
	return stem + "#other"
}

func TestEveryLanguageIsComplete(t *testing.T) {
	english := catalog(t, "en")
	if len(i18n.Languages()) < 2 {
		t.Fatal("there is one language only")
	}
	for _, lang := range i18n.Languages() {
		texts := catalog(t, lang)
		for _, key := range wanted(english, lang) {
			text, ok := texts[key]
			if !ok || strings.TrimSpace(text) == "" {
				t.Errorf("%s lacks %s", lang, key)
				continue
			}
			en := english[sibling(english, key)]
			if !samePlaces(lang, key, text, en) {
				t.Errorf("%s: %s has the places %v, English %v", lang, key, places(text), places(en))
			}
			if most := utf8.RuneCountInString(en)*140/100 + 8; utf8.RuneCountInString(text) > most {
				t.Errorf("%s: %s is longer than %d characters: %q", lang, key, most, text)
			}
			delete(texts, key)
		}
		for key := range texts {
			t.Errorf("%s has %s, which it should not", lang, key)
		}
	}
}

// wanted lists the keys that the catalog of a language has: those of English, and of a text that
// counts one for each of the language's own plural categories.
func wanted(english map[string]string, lang string) []string {
	var list []string
	for key := range english {
		stem, form, plural := strings.Cut(key, "#")
		if !plural {
			list = append(list, key)
		} else if form == "other" {
			for _, own := range i18n.Forms(lang) {
				list = append(list, stem+"#"+own)
			}
		}
	}
	return list
}

// samePlaces lets the form for exactly one thing say it in a word.
func samePlaces(lang, key, text, en string) bool {
	one := strings.HasSuffix(key, "#one")
	if !one {
		return slices.Equal(places(text), places(en))
	}
	without := slices.DeleteFunc(places(en), func(p string) bool { return p == "{n}" })
	withN := slices.Sorted(slices.Values(append(slices.Clone(without), "{n}")))
	got := places(text)
	if lang == "fr" || lang == "pt_BR" { // none counts as one there
		return slices.Equal(got, withN)
	}
	return slices.Equal(got, without) || slices.Equal(got, withN)
}
