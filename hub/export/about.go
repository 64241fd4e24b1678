package export

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/hub/home"
)

// about is what an export is about, without secrets; it is home.json too.
type about struct {
	Made        time.Time   `json:"made"`
	Person      string      `json:"person,omitempty"` // the only one whom it is about
	People      []person    `json:"people"`
	Rooms       []string    `json:"rooms"`
	Zones       []home.Zone `json:"zones"`
	Accessories []thing     `json:"accessories"`
	Presence    []presence  `json:"presence"`

	language string
	only     string // the ID of the only person
}

type person struct {
	ID   string    `json:"id"`
	Name string    `json:"name"`
	Role home.Role `json:"role"`
}

// presence says in which zone somebody is, by its name: of one person's export the zones are no part.
type presence struct {
	Person string    `json:"person"`
	Zone   string    `json:"zone"`
	Since  time.Time `json:"since"`
}

// thing is an accessory field by field: one that comes to have a secret must not bring it here.
type thing struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Driver  string `json:"driver"`
	Address string `json:"address,omitempty"`
	Room    string `json:"room,omitempty"`
	Person  string `json:"person,omitempty"`
}

// about picks what the export is about: all, or what is one person's own. Zones are the household's:
// their names tell about others.
func (d *Desk) about(ctx context.Context, which string) (about, error) {
	has := d.Home()
	a := about{Presence: []presence{}, People: []person{}, Rooms: []string{}, Zones: has.Zones, Accessories: []thing{}}
	if which != "" {
		p, err := has.Person(which)
		if err != nil {
			return a, err
		}
		a.only, a.Person, a.Zones = p.ID, p.Name, nil
	}
	for _, p := range has.People {
		if a.only == "" || p.ID == a.only {
			a.People = append(a.People, person{p.ID, p.Name, p.Role})
		}
	}
	for _, t := range has.Accessories {
		if a.only != "" && t.Person != a.only {
			continue
		}
		a.Accessories = append(a.Accessories, thing{t.ID, t.Name, t.Kind, t.Driver, open(t.Address), t.Room, t.Person})
		if t.Room != "" && !slices.Contains(a.Rooms, t.Room) {
			a.Rooms = append(a.Rooms, t.Room)
		}
	}
	a.Zones = append([]home.Zone{}, a.Zones...)
	slices.Sort(a.Rooms)
	inside, err := d.Presence(ctx)
	for _, p := range a.People {
		for _, z := range has.Zones {
			if since, in := inside[home.PresenceID(p.ID, z.ID)]; in {
				a.Presence = append(a.Presence, presence{p.ID, z.Name, since.UTC()})
			}
		}
	}
	return a, err
}

// open is an address without what may be a secret in it: a user, a password, a token.
func open(address string) string {
	if !strings.Contains(address, "://") {
		address, _, _ = strings.Cut(address, "?")
		return address[strings.LastIndex(address, "@")+1:]
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// personName and thingName are names for IDs; the ID itself of what is no longer there.
func (a about) personName(id string) string {
	for _, p := range a.People {
		if p.ID == id {
			return p.Name
		}
	}
	return id
}

func (a about) thingName(id string) string {
	for _, t := range a.Accessories {
		if t.ID == id {
			return cmp.Or(t.Name, id)
		}
	}
	return id
}
