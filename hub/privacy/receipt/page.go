package receipt

import (
	_ "embed"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/ingle-home/ingle/i18n"
)

//go:embed page.html
var pageText string

// page is what page.html shows.
type page struct {
	Lang, ID, Begun, Made, Pin, File string
	T                                map[string]string
	Counts                           []Count
	Places                           []Place
	Keys                             []string
	Remains                          []Remain
}

// Page is a receipt for people to read and to print: one file that needs nothing else, with the signed
// text in it.
func Page(v Verified, raw []byte, text *i18n.Texts) (string, error) {
	t, err := template.New("receipt").Parse(pageText)
	if err != nil {
		return "", fmt.Errorf("receipt: %w", err)
	}
	p := page{Lang: text.Lang(), ID: v.ID, Begun: v.Begun.UTC().Format(time.RFC3339), Made: v.Made.UTC().Format(time.RFC3339), Pin: v.Pin, File: string(raw), Keys: v.Keys}
	p.T = map[string]string{"Title": text.Text("receipt.title", nil), "About": text.Text("receipt.about."+v.Scope, nil), "State": text.Text("receipt.state."+state(v.Done), nil)}
	for _, word := range []string{"Begun", "Made", "Counts", "Kind", "Where", "Before", "After", "Places", "Proof", "Keys", "Remains", "Pin", "Signed"} {
		p.T[word] = text.Text("receipt."+strings.ToLower(word), nil)
	}
	p.T["Search"] = searched(v.Search, text)
	for _, c := range v.Counts {
		c.Kind, c.Where = text.Text("privacy.kind."+c.Kind, nil), text.Text("privacy.where."+c.Where, nil)
		p.Counts = append(p.Counts, c)
	}
	for _, in := range v.Places {
		in.Holder, in.Outcome = text.Text("privacy.holder."+in.Holder, nil), text.Text("privacy.outcome."+in.Outcome, nil)
		if in.Why != "" {
			in.Why = text.Text(in.Why, nil)
		}
		p.Places = append(p.Places, in)
	}
	for _, r := range v.Remains {
		p.Remains = append(p.Remains, Remain{text.Text("privacy.kind."+r.What, nil), text.Text(r.Why, nil)})
	}
	var out strings.Builder
	if err := t.Execute(&out, p); err != nil {
		return "", fmt.Errorf("receipt: %w", err)
	}
	return out.String(), nil
}

func state(done bool) string {
	if done {
		return "done"
	}
	return Waiting
}

func searched(s Search, text *i18n.Texts) string {
	if s.Words == 0 {
		return text.Text("receipt.not-searched", nil)
	}
	return text.Text("receipt.searched", i18n.Args{"bytes": strconv.FormatInt(s.Bytes, 10), "found": strconv.Itoa(s.Found)})
}
