// Package keeping says what the screens about what is kept show: how much there is of whom, what a forgetting
// would do, what a receipt proves, how long things stay. It knows no window and no network.
package keeping

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Sum is how much is kept of one category.
type Sum struct {
	Category, Title, Much, Oldest, Until, Where string
}

// Row is how much is kept of one kind, of one person and one thing.
type Row struct {
	Title, Whose, Much, Oldest, Until, Where string
}

// Filter is of whom or what somebody wants to know what is kept; the zero value is all.
type Filter struct{ Person, Device, Room, Category string }

// Choice is a filter with its name.
type Choice struct {
	Name   string
	Filter Filter
}

// Abouts are the filters by person, room and thing; the first is all.
func Abouts(s wire.Snapshot, t *i18n.Texts) []Choice {
	list := []Choice{{Name: t.Text("app.kept.all", nil)}}
	for _, p := range s.People {
		list = append(list, Choice{p.Name, Filter{Person: p.ID}})
	}
	things := slices.DeleteFunc(slices.Clone(s.Accessories), func(a wire.Accessory) bool { return a.Driver == "" })
	slices.SortFunc(things, func(a, b wire.Accessory) int { return cmp.Compare(a.Name, b.Name) })
	var rooms []string
	for _, a := range things {
		if a.Room != "" && !slices.Contains(rooms, a.Room) {
			rooms = append(rooms, a.Room)
		}
	}
	slices.Sort(rooms)
	for _, r := range rooms {
		list = append(list, Choice{t.Text("app.kept.room", i18n.Args{"name": r}), Filter{Room: r}})
	}
	for _, a := range things {
		list = append(list, Choice{a.Name, Filter{Device: a.ID}})
	}
	return list
}

// Of narrows items down; what belongs to a person's things is the person's.
func (f Filter) Of(items []wire.PrivacyItem, s wire.Snapshot) []wire.PrivacyItem {
	owner := map[string]string{}
	for _, a := range s.Accessories {
		owner[a.ID] = a.Person
	}
	var list []wire.PrivacyItem
	for _, i := range items {
		if f.Person != "" && f.Person != cmp.Or(i.Person, owner[i.Device]) || f.Device != "" && f.Device != i.Device ||
			f.Room != "" && f.Room != i.Room || f.Category != "" && f.Category != i.Category {
			continue
		}
		list = append(list, i)
	}
	return list
}

// categories is the order in which they are shown: what is closest to people first.
func categories() []string {
	return []string{"recordings", "location", "health", "alarms", "identity", "access", "secrets", "technical"}
}

// SumsOf adds up what is kept by category. What there is nothing of is left out.
func SumsOf(items []wire.PrivacyItem, t *i18n.Texts, place *time.Location) []Sum {
	groups := map[string][]wire.PrivacyItem{}
	order := categories()
	for _, i := range items {
		if i.Count == 0 {
			continue
		}
		if groups[i.Category] = append(groups[i.Category], i); !slices.Contains(order, i.Category) {
			order = append(order, i.Category)
		}
	}
	var list []Sum
	for _, c := range order {
		if len(groups[c]) > 0 {
			r := together(groups[c], t, place)
			list = append(list, Sum{c, word("privacy.category."+c, t), r.Much, r.Oldest, r.Until, r.Where})
		}
	}
	return list
}

// RowsOf lists what is kept, each kind by whose it is.
func RowsOf(items []wire.PrivacyItem, s wire.Snapshot, t *i18n.Texts, place *time.Location) []Row {
	type key struct{ kind, person, device string }
	groups := map[key][]wire.PrivacyItem{}
	var order []key
	for _, i := range items {
		k := key{i.Kind, i.Person, i.Device}
		if i.Count == 0 {
			continue
		}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], i)
	}
	rank := func(k key) int { return slices.Index(categories(), groups[k][0].Category) }
	slices.SortStableFunc(order, func(a, b key) int { return cmp.Compare(rank(a), rank(b)) })
	var list []Row
	for _, k := range order {
		r := together(groups[k], t, place)
		r.Title, r.Whose = word("privacy.kind."+k.kind, t), whose(s, k.person, k.device)
		list = append(list, r)
	}
	return list
}

// whose names whose it is, as far as the home still knows.
func whose(s wire.Snapshot, person, device string) string {
	var names []string
	for _, p := range s.People {
		if p.ID == person {
			names = append(names, p.Name)
		}
	}
	for _, a := range s.Accessories {
		if a.ID == device {
			names = append(names, a.Name)
		}
	}
	return strings.Join(names, " · ")
}

// together adds up items: the number, the oldest, when the last of them goes by itself, and where they are.
func together(items []wire.PrivacyItem, t *i18n.Texts, place *time.Location) Row {
	var count int
	var bytes int64
	var oldest, until *time.Time
	var places []string
	goes, ours := true, false
	for _, i := range items {
		count += i.Count
		bytes += i.Bytes
		if i.Oldest != nil && (oldest == nil || i.Oldest.Before(*oldest)) {
			oldest = i.Oldest
		}
		if i.Until != nil && (until == nil || i.Until.After(*until)) {
			until = i.Until
		}
		if i.Where == "hub" || i.Where == "backup" { // elsewhere it is not the hub that decides
			goes, ours = goes && i.Until != nil, true
		}
		if where := word("privacy.where."+i.Where, t); !slices.Contains(places, where) {
			places = append(places, where)
		}
	}
	r := Row{Much: much(count, bytes, t), Where: strings.Join(places, " · ")}
	if oldest != nil {
		r.Oldest = t.Text("app.privacy.oldest", i18n.Args{"time": day(*oldest, place, t)})
	}
	switch {
	case !ours:
	case goes:
		r.Until = t.Text("app.kept.until", i18n.Args{"time": day(*until, place, t)})
	case until == nil:
		r.Until = t.Text("app.privacy.until.deleted", nil)
	default:
		r.Until = t.Text("app.kept.until.some", nil)
	}
	return r
}

func much(count int, bytes int64, t *i18n.Texts) string {
	text := t.Count("app.privacy.entries", count)
	if bytes > 0 {
		text += " · " + t.Size(bytes)
	}
	return text
}

func day(at time.Time, place *time.Location, t *i18n.Texts) string { return model.When(at, place, t) }

// word is a text of the hub's as a title, or what it stands for where a newer hub says what this app has no
// text for.
func word(key string, t *i18n.Texts) string {
	text := key[strings.LastIndexByte(key, '.')+1:]
	if t.Has(key) {
		text = t.Text(key, nil)
	}
	r, n := utf8.DecodeRuneInString(text)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(r)) + text[n:]
}
