package homekit

import (
	"slices"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/home"
)

// role is what an accessory is in HomeKit.
type role uint8

const (
	bridge role = iota
	privacySwitch
	stopSwitch
	camera
	watch
	toy
	presence
	emergency
)

// plan is all that an accessory's services follow from: while it stays the same, so do they.
type plan struct {
	role   role
	key    string // of its numbers, and where its readings come from
	server string
	name   string
	person string // whose it is
	offer  Offer
	home   home.Accessory // of a camera
}

// plans is everything that shall be shown, the bridge first. Names of the hub's own switches are
// given first: "turn on Privacy" must always mean the same.
func plans(o Options, contents home.Contents, known Register) []plan {
	taken := names{}
	all := []plan{
		{role: bridge, key: MainServer, server: MainServer, name: taken.unique(o.Name), offer: Offer{Model: "Ingle Hub"}},
		{role: privacySwitch, key: home.PrivacySwitch, server: MainServer, name: taken.unique(home.PrivacyName)},
		{role: stopSwitch, key: home.StopSwitch, server: MainServer, name: taken.unique(home.StopName)},
	}
	for _, a := range contents.Accessories {
		p := plan{key: a.ID, server: MainServer, name: taken.unique(a.Name), person: a.Person, offer: known.Accessories[a.ID].Offer}
		if a.Alone {
			p.server = a.ID
		}
		switch a.Kind {
		case "camera":
			p.role, p.home = camera, a
		case "watch":
			p.role = watch
		case "toy":
			p.role = toy
		default:
			continue // what HomeKit has no words for
		}
		all = append(all, p)
	}
	for _, person := range contents.People {
		all = append(all, personal(person, contents, known, taken)...)
	}
	return all
}

// personal is what HomeKit may know about somebody. It takes a watch to know it: without one,
// "Sam at Home" would always say no. Once shown, it stays while the person does, so that a new
// watch does not cost the household its automations.
func personal(person home.Person, contents home.Contents, known Register, taken names) []plan {
	wears := slices.ContainsFunc(contents.Accessories, func(a home.Accessory) bool {
		return a.Kind == "watch" && a.Person == person.ID
	})
	var all []plan
	add := func(as role, key, name string) {
		if _, before := known.Accessories[key]; wears || before {
			all = append(all, plan{role: as, key: key, server: MainServer, name: taken.unique(name), person: person.ID})
		}
	}
	for _, zone := range contents.Zones {
		add(presence, home.PresenceID(person.ID, zone.ID), home.PresenceName(person, zone))
	}
	add(emergency, home.EmergencyID(person.ID), joined(person.Name, home.EmergencyWord))
	return all
}

// category is Apple's number for what a server is.
func (p plan) category() uint8 {
	switch p.role {
	case bridge:
		return 2
	case camera:
		return 17
	case toy:
		return 3 // fan
	}
	return 1 // other
}

// model is the word for what a unit does not say about itself.
func (p plan) model() string {
	switch p.role {
	case camera:
		return "Camera"
	case watch:
		return "Watch"
	case toy:
		return "Toy"
	case presence, emergency:
		return "Sensor"
	}
	return "Switch"
}

func (p plan) offers(t trait.Any) bool { return slices.Contains(p.offer.Traits, t.ID()) }
