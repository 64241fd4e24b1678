// Package i18n holds every text that people read, one catalog a language: the file's name is the
// locale, its keys are flat, places in a text are named in braces. A text that depends on a number
// has a key for each plural category of its language: "KEY#one", "KEY#other", in Polish "KEY#few" too. The hub, the commands and the app share the catalogs;
// nothing here knows a window.
package i18n

import (
	"embed"
	"encoding/json"
	"maps"
	"os"
	"path"
	"strconv"
	"strings"
	"unicode"
)

//go:embed *.json
var files embed.FS

const fallback = "en"

// Args fill the places of a text by name.
type Args map[string]string

// Texts are the texts in one language; those that it lacks are English.
type Texts struct {
	lang     string
	texts    map[string]string
	standing Args
}

// For gives the texts in a language. It takes what systems write ("de_AT.UTF-8", "pt-BR") and falls
// back from a region to its language, and from there to English. In texts that name a command, {hub}
// is the program and {data} the folder to add where it is not the usual one.
func For(lang string) *Texts {
	t := &Texts{lang: fallback, texts: map[string]string{}, standing: Args{"hub": "hub", "data": ""}}
	maps.Copy(t.texts, load(fallback))
	if name, ok := Catalog(lang); ok {
		t.lang = name
		maps.Copy(t.texts, load(name))
	}
	return t
}

// Catalog finds the catalog nearest to a locale: its own, that of its language, that of another
// region that speaks it.
func Catalog(lang string) (string, bool) {
	lang, _, _ = strings.Cut(lang, ".")
	lang, _, _ = strings.Cut(lang, "@")
	lang = strings.ReplaceAll(lang, "-", "_")
	short, _, _ := strings.Cut(lang, "_")
	for _, name := range []string{lang, short} {
		for _, have := range Languages() {
			if strings.EqualFold(have, name) {
				return have, true
			}
		}
	}
	for _, have := range Languages() {
		if spoken, _, _ := strings.Cut(have, "_"); strings.EqualFold(spoken, short) {
			return have, true
		}
	}
	return "", false
}

// Locale is the language that the system is set to, as its environment says.
func Locale() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return fallback
}

// Languages lists the languages that have a catalog.
func Languages() []string {
	var list []string
	entries, _ := files.ReadDir(".") // embedded: it cannot fail
	for _, e := range entries {
		list = append(list, strings.TrimSuffix(e.Name(), path.Ext(e.Name())))
	}
	return list
}

// load reads a catalog; a test proves that each can be read.
func load(lang string) map[string]string {
	raw, err := files.ReadFile(lang + ".json")
	if err != nil {
		return nil
	}
	var texts map[string]string
	if json.Unmarshal(raw, &texts) != nil {
		return nil
	}
	return texts
}

// Lang is the language of the texts.
func (t *Texts) Lang() string { return t.lang }

// With gives the same texts, whose places are filled with args unless a call says otherwise.
func (t *Texts) With(args Args) *Texts {
	all := maps.Clone(t.standing)
	maps.Copy(all, args)
	return &Texts{lang: t.lang, texts: t.texts, standing: all}
}

// Typed gives the same texts without the marks that a typewriter has not: a terminal without UTF-8 may
// take them for orders and swallow what follows. Letters stay.
func (t *Texts) Typed() *Texts {
	marks := strings.NewReplacer("«\u00a0", `"`, "\u00a0»", `"`, "«", `"`, "»", `"`, "“", `"`, "”", `"`, "„", `"`, "’", "'", "‘", "'", "…", "...", "–", "-", "·", "-", "\u00a0", " ", "\u202f", " ")
	return t.Each(marks.Replace)
}

// Each gives the same texts, each as f changes it.
func (t *Texts) Each(f func(text string) string) *Texts {
	changed := &Texts{lang: t.lang, texts: map[string]string{}, standing: t.standing}
	for key, text := range t.texts {
		changed.texts[key] = f(text)
	}
	return changed
}

// Has says whether there is a text for the key.
func (t *Texts) Has(key string) bool { _, ok := t.texts[key]; return ok }

// Text gives the text of the key with its places filled; {word} is the {name} as a command takes it. A key without a text is given as it is, so
// that it is seen and mended.
func (t *Texts) Text(key string, args Args) string {
	text, ok := t.texts[key]
	if !ok {
		return key
	}
	if !strings.Contains(text, "{") {
		return text
	}
	pairs := make([]string, 0, 2*(len(args)+len(t.standing)+1))
	if name, ok := args["name"]; ok {
		pairs = append(pairs, "{word}", word(name))
	}
	for _, places := range []Args{args, t.standing} { // of two with one name, the first counts
		for name, value := range places {
			pairs = append(pairs, "{"+name+"}", value)
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// word is a name as one word of a command: quoted where a shell would take it apart.
func word(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-.", r)
	}) {
		return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	return name
}

// Count gives the text of the key for a number; the place {n} is filled with it.
func (t *Texts) Count(key string, n int) string {
	form := "#" + ruleOf(t.lang)(max(n, -n))
	if !t.Has(key + form) {
		form = "#other"
	}
	return t.Text(key+form, Args{"n": strconv.Itoa(n)})
}

// Advice gives what is wrong and, where the catalog knows one, the next step (the key with ".do").
func (t *Texts) Advice(key string, args Args) string {
	text := t.Text(key, args)
	if t.Has(key + ".do") {
		text += " " + t.Text(key+".do", args)
	}
	return text
}
