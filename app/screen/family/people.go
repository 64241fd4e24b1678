// Package family holds the screen of the household: who there is, and where.
package family

import (
	"context"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/frame"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// People shows who there is and where they are, on an empty ground: no map is asked for.
type People struct {
	*frame.Living[peopleView]
	d     *frame.Desk
	asked bool // where people were was asked for
}

type peopleView struct {
	People []model.Person
	Plot   model.Plot
}

// NewPeople makes it.
func NewPeople(d *frame.Desk) *People {
	p := &People{d: d}
	p.Living = frame.NewLiving(d, p.build)
	return p
}

// Show brings it up to date.
func (p *People) Show(s frame.State) {
	if !p.asked && len(s.Home.Accessories) > 0 {
		p.asked = true
		p.d.Recall(s.Past, s.Home.Accessories, p.d.Again)
	}
	people, plot := model.PeopleOf(s.Home, s.Past, p.d.Texts, p.d.Place)
	p.Update(peopleView{people, plot})
}

func (p *People) build(v peopleView) []fyne.CanvasObject {
	var tiles []fyne.CanvasObject
	if !v.Plot.Empty() {
		tiles = append(tiles, frame.Section(p.d.Text("app.people.where"), p.plot(v.Plot), frame.Caption(p.d.Text("app.people.no-map"))))
	}
	for _, one := range v.People {
		tiles = append(tiles, p.person(one))
	}
	add := frame.Button(p.d.Text("app.people.add"), theme.ContentAddIcon(), p.ask)
	zone := frame.Button(p.d.Text("app.people.zone"), theme.ContentAddIcon(), p.askZone)
	return []fyne.CanvasObject{frame.Head(p.d.Text("app.page.people")), frame.Grid(tiles...), frame.Buttons(add, zone)}
}

func (p *People) person(one model.Person) fyne.CanvasObject {
	var lines []fyne.CanvasObject
	if one.Place != "" {
		where := frame.Wrapped(one.Place)
		lines = append(lines, frame.Tight(where, frame.Caption(one.Seen)))
	}
	t := parts.NewTile(one.Name, lines...)
	t.SetNote(one.Role)
	return t
}

func (p *People) plot(v model.Plot) fyne.CanvasObject {
	var spots []parts.Spot
	var names []string
	for _, z := range v.Zones {
		spots = append(spots, parts.Spot{Name: z.Name, X: z.X, Y: z.Y, Radius: z.Radius})
	}
	for _, d := range v.People {
		spots = append(spots, parts.Spot{Name: d.Name, X: d.X, Y: d.Y, Radius: d.Radius, Person: true})
		names = append(names, d.Name)
	}
	var routes [][]parts.Spot
	for _, r := range v.Routes {
		var route []parts.Spot
		for _, d := range r {
			route = append(route, parts.Spot{X: d.X, Y: d.Y})
		}
		routes = append(routes, route)
	}
	return parts.NewPlot(p.d.Text("app.people.where")+": "+strings.Join(names, ", "), spots, routes, func(metres int) string {
		return p.d.Texts.Text("app.metres", i18n.Args{"n": strconv.Itoa(metres)})
	})
}

func (p *People) ask() {
	roles := []string{"member", "guardian", "guest", "owner"}
	var names []string
	for _, r := range roles {
		names = append(names, p.d.Text("app.people.role."+r))
	}
	p.d.Ask(frame.Question{Title: p.d.Text("app.people.add"), Yes: p.d.Text("app.save"),
		Fields: []frame.Field{{Name: p.d.Text("app.people.name")}, {Name: p.d.Text("app.people.role"), Options: names}},
		Do: func(ctx context.Context, a []frame.Answer) (string, error) {
			_, err := p.d.Hub.AddPerson(ctx, wire.Person{Name: a[0].Text, Role: roles[a[1].Option]})
			return "", err
		}})
}

func (p *People) askZone() {
	number := func(s string) float64 {
		n, err := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(s), ",", "."), 64)
		if err != nil {
			return 1e6 // nowhere on earth: the hub says what is wrong
		}
		return n
	}
	p.d.Ask(frame.Question{Title: p.d.Text("app.people.zone"), Text: p.d.Text("app.people.zone.text"), Yes: p.d.Text("app.save"),
		Fields: []frame.Field{{Name: p.d.Text("app.people.name")}, {Name: p.d.Text("app.people.lat")}, {Name: p.d.Text("app.people.lon")},
			{Name: p.d.Text("app.people.radius"), Value: "150"}},
		Do: func(ctx context.Context, a []frame.Answer) (string, error) {
			_, err := p.d.Hub.AddZone(ctx, wire.Zone{Name: a[0].Text, Lat: number(a[1].Text), Lon: number(a[2].Text), Radius: number(a[3].Text)})
			return "", err
		}})
}
