package model

import (
	"strings"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

const hits = 8

// Hit is something that was searched for.
type Hit struct {
	Title, Detail string
	Route         Route
}

// Search looks for a text among things, people and the app's own pages; what begins with it comes
// first. An empty text finds the pages.
func Search(s wire.Snapshot, t *i18n.Texts, text string) []Hit {
	text = strings.ToLower(strings.TrimSpace(text))
	var begin, within []Hit
	look := func(h Hit) {
		title := strings.ToLower(h.Title)
		switch {
		case strings.HasPrefix(title, text):
			begin = append(begin, h)
		case strings.Contains(title, text) || strings.Contains(strings.ToLower(h.Detail), text):
			within = append(within, h)
		}
	}
	v := view{Snapshot: s, t: t}
	if text != "" {
		for _, a := range v.sorted() {
			if a.Driver != "" {
				look(Hit{a.Name, strings.Trim(v.kind(a)+" · "+a.Room, " ·"), Route{AtDevice, a.ID}})
			}
		}
		for _, p := range s.People {
			look(Hit{p.Name, t.Text("app.page.people", nil), Route{Place: AtPeople}})
			look(Hit{t.Text("app.forget.of", i18n.Args{"name": p.Name}), t.Text("app.page.privacy", nil), Route{AtForget, "person:" + p.ID}})
		}
	}
	for _, p := range append(Pages(), AtHealth, AtPairing, AtKept, AtReceipts, AtRules, AtLooks, AtLabels, AtSecurity) {
		look(Hit{t.Text(p.Key(), nil), "", Route{Place: p}})
	}
	all := append(begin, within...)
	return all[:min(hits, len(all))]
}
