package page

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

//go:embed page.html page.css page.js icon.svg
var files embed.FS

// fixed are the files that are the same for everybody.
func fixed(path string) (name, kind string) {
	switch path {
	case "/page.css":
		return "page.css", "text/css; charset=utf-8"
	case "/page.js":
		return "page.js", "text/javascript; charset=utf-8"
	case "/icon.svg":
		return "icon.svg", "image/svg+xml"
	}
	return "", ""
}

// shown answers what everybody may see: the page without a home in it, and its texts. It tells a stranger
// nothing that the source of Ingle does not, but what the certificate says of itself.
func (l *listener) shown(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	name, kind := fixed(r.URL.Path)
	var body []byte
	var err error
	switch {
	case name != "":
		body, err = files.ReadFile(name)
	case r.URL.Path == "/":
		kind = "text/html; charset=utf-8"
		body, err = l.render(l.texts(r))
	case r.URL.Path == "/text":
		return said(w, l.texts(r), r.URL.Query().Get("key"), r.URL.Query().Get("n"))
	default:
		return false
	}
	if err != nil {
		l.desk.o.Log.Error("the plain page is not shown", "err", err)
		refuse(w, wire.Refuse(http.StatusInternalServerError, wire.CodeInternal))
		return true
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Vary", "Accept-Language")
	_, _ = w.Write(body) // the caller has gone: nobody is left to tell
	return true
}

// said gives one text by its key, for what the hub tells by codes: {"text":…,"do":…}, with the places
// that only the page can fill left open.
func said(w http.ResponseWriter, t *i18n.Texts, key, n string) bool {
	number, err := strconv.Atoi(n)
	found := map[string]string{}
	switch {
	case len(key) > 64:
	case err == nil && number >= 0 && t.Has(key+"#other"):
		found["text"] = t.Count(key, number)
	case t.Has(key):
		found["text"] = t.Text(key, nil)
	}
	if t.Has(key+".do") && len(key) <= 64 {
		found["do"] = t.Text(key+".do", nil)
	}
	answer(w, found)
	return true
}

// texts are in the language that somebody chose on the page, or that the household chose, or that the
// browser prefers.
func (l *listener) texts(r *http.Request) *i18n.Texts {
	if asked := r.URL.Query().Get("lang"); slices.Contains(i18n.Languages(), strings.ReplaceAll(asked, "-", "_")) {
		return i18n.For(asked)
	}
	if l.desk.o.Language != nil {
		if chosen := l.desk.o.Language(); chosen != "" {
			return i18n.For(chosen)
		}
	}
	return i18n.For(preferred(r.Header.Get("Accept-Language")))
}

// preferred is the first language of the header, by weight, that there are texts in (RFC 9110, 12.5.4).
func preferred(header string) string {
	best, weight := "", 0.0
	for _, part := range strings.Split(header[:min(len(header), 256)], ",") {
		tag, q, weighed := strings.Cut(strings.TrimSpace(part), ";q=")
		w := 1.0
		if weighed {
			var err error
			if w, err = strconv.ParseFloat(q, 64); err != nil {
				continue
			}
		}
		first, _, _ := strings.Cut(tag, "-")
		speaks := slices.ContainsFunc(i18n.Languages(), func(have string) bool {
			own, _, _ := strings.Cut(have, "_")
			return strings.EqualFold(own, first)
		})
		if speaks && w > weight {
			best, weight = tag, w
		}
	}
	return best
}

// tongue is a language that the page can be read in.
type tongue struct {
	Lang, Name string
	Now        bool
}

// render makes the page in a language.
func (l *listener) render(t *i18n.Texts) ([]byte, error) {
	source, err := files.ReadFile("page.html")
	if err != nil {
		return nil, err
	}
	text := func(key string) string { return t.Text(key, nil) }
	page, err := template.New("page").Funcs(template.FuncMap{"t": text}).Parse(string(source))
	if err != nil {
		return nil, err
	}
	script, err := files.ReadFile("page.js")
	if err != nil {
		return nil, err
	}
	spoken := map[string]string{}
	for _, key := range keys(script) {
		spoken[key] = text(key)
	}
	var tongues []tongue
	for _, lang := range i18n.Languages() {
		tongues = append(tongues, tongue{tag(lang), i18n.For(lang).Text("page.language", nil), lang == t.Lang()})
	}
	about, _ := l.desk.Page(l.ctx)
	var out bytes.Buffer
	err = page.Execute(&out, struct {
		Lang   string
		Page   wire.Page
		Texts  map[string]string
		Others []tongue
	}{tag(t.Lang()), about, spoken, tongues})
	return out.Bytes(), err
}

// tag is the locale of a catalog as HTML has it (BCP 47).
func tag(locale string) string { return strings.ReplaceAll(locale, "_", "-") }

var quoted = regexp.MustCompile(`'((?:page|trait|tile|accessory|home)\.[a-z0-9.-]+)'`)

// keys are the texts that the script names.
func keys(script []byte) []string {
	var list []string
	for _, m := range quoted.FindAllSubmatch(script, -1) {
		list = append(list, string(m[1]))
	}
	slices.Sort(list)
	return slices.Compact(list)
}
