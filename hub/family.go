package main

import (
	"context"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/home"
)

func personOf(p home.Person) wire.Person {
	return wire.Person{ID: p.ID, Name: p.Name, Role: string(p.Role)}
}

// People implements server.Family.
func (d *daemon) People(context.Context) ([]wire.Person, error) {
	var list []wire.Person
	for _, p := range d.inside().home.Contents().People {
		list = append(list, personOf(p))
	}
	return list, nil
}

// AddPerson implements server.Family.
func (d *daemon) AddPerson(ctx context.Context, w wire.Person) (wire.Person, error) {
	h := d.inside()
	role := home.Role(w.Role)
	if role == "" {
		role = home.Member
	}
	p, err := h.home.AddPerson(ctx, w.Name, role)
	if err != nil {
		return wire.Person{}, h.refused(err)
	}
	h.show()
	w = personOf(p)
	h.feed.Publish(wire.Change{Person: &w})
	return w, nil
}

// Zones implements server.Family.
func (d *daemon) Zones(context.Context) ([]wire.Zone, error) {
	var list []wire.Zone
	for _, z := range d.inside().home.Contents().Zones {
		list = append(list, wire.Zone(z))
	}
	return list, nil
}

// AddZone implements server.Family.
func (d *daemon) AddZone(ctx context.Context, w wire.Zone) (wire.Zone, error) {
	h := d.inside()
	z, err := h.home.AddZone(ctx, home.Zone(w))
	if err != nil {
		return wire.Zone{}, h.refused(err)
	}
	h.show()
	w = wire.Zone(z)
	h.feed.Publish(wire.Change{Zone: &w})
	return w, nil
}

// Names implements keys.Home: the words of this home that make a password easy to guess.
func (h *house) Names() []string {
	has := h.home.Contents()
	var names []string
	for _, p := range has.People {
		names = append(names, p.Name)
	}
	for _, z := range has.Zones {
		names = append(names, z.Name)
	}
	for _, a := range has.Accessories {
		names = append(names, a.Name, a.Room)
	}
	return names
}
