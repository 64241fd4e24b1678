package homekit

import (
	"fmt"
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

	words   Words // behind the names of its services
	falls   bool  // a watch of its person notices falls
	private bool  // on the private server, under a neutral name
}

// entry is where its numbers stand in the register. What becomes private is another thing to a
// controller: neither its numbers nor its names tell that it is the one that was public.
func (p plan) entry() string {
	if p.private && p.role != bridge {
		return "private/" + p.key
	}
	return p.key
}

// plans is everything that shall be shown, each server's own accessory before what it holds and the
// main bridge first. Names of the hub's own switches are given first: "turn on Privacy" must always
// mean the same. What gets its place for the first time has it in the register afterwards.
func plans(o Options, contents home.Contents, r *Register) []plan {
	taken := names{}
	main := plan{role: bridge, key: MainServer, server: MainServer, name: taken.unique(o.Name), offer: Offer{Model: bridgeModel}}
	all := []plan{
		{role: privacySwitch, key: home.PrivacySwitch, name: taken.unique(o.Words.Privacy)},
		{role: stopSwitch, key: home.StopSwitch, name: taken.unique(o.Words.StopAll)},
	}
	for _, a := range contents.Accessories {
		if a.Private {
			continue
		}
		p := plan{key: a.ID, name: taken.unique(a.Name), person: a.Person, offer: r.Accessories[a.ID].Offer}
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
		all = append(all, personal(person, contents, *r, taken, o.Words)...)
	}
	spread(all, r)
	all = append(overflow(o, r), all...)
	all = append(append([]plan{main}, all...), discreet(contents, r, taken)...)
	for i := range all {
		all[i].words = o.Words
	}
	return all
}

const bridgeModel = "Ingle Hub"

// spread gives everything without a server of its own its place on a bridge.
func spread(all []plan, r *Register) {
	for i := range all {
		if p := &all[i]; p.server == "" {
			p.server = bridgeKey(r.bridge(p.key))
		}
	}
}

// overflow are the bridges after the main one. One that was needed once stays in the plan, with
// nothing on it if need be: who runs the servers decides whether it is still worth one. Their names
// are spoken to nobody, so they need not be unique.
func overflow(o Options, r *Register) []plan {
	var all []plan
	for n := 2; n <= r.bridges(); n++ {
		key, name := bridgeKey(n), joined(speakable(o.Name, longest), fmt.Sprintf(" %d", n))
		all = append(all, plan{role: bridge, key: key, server: key, name: name, offer: Offer{Model: bridgeModel}})
	}
	return all
}

// bridgeKey is the key of the nth bridge.
func bridgeKey(n int) string {
	if n == 1 {
		return MainServer
	}
	return fmt.Sprintf("%s-%d", MainServer, n)
}

// personal is what HomeKit may know about somebody. It takes a watch to know it: without one,
// "Sam at Home" would always say no. Once shown, it stays while the person does, so that a new
// watch does not cost the household its automations.
func personal(person home.Person, contents home.Contents, known Register, taken names, words Words) []plan {
	wears := slices.ContainsFunc(contents.Accessories, func(a home.Accessory) bool {
		return a.Kind == "watch" && a.Person == person.ID
	})
	var all []plan
	add := func(as role, key, name string) {
		if _, before := known.Accessories[key]; wears || before {
			all = append(all, plan{role: as, key: key, name: taken.unique(name), person: person.ID})
		}
	}
	for _, zone := range contents.Zones {
		add(presence, home.PresenceID(person.ID, zone.ID), words.at(person.Name, zone.Name))
	}
	add(emergency, home.EmergencyID(person.ID), joined(person.Name, home.EmergencyWord))
	if n := len(all) - 1; n >= 0 && all[n].role == emergency {
		all[n].falls = falls(person, contents, known)
	}
	return all
}

// falls says whether a watch of a person notices falls, or one did: its button stays, too.
func falls(person home.Person, contents home.Contents, known Register) bool {
	const itsButton = serviceProgrammable + ".2"
	if known.Accessories[home.EmergencyID(person.ID)].IIDs[itsButton] > 0 {
		return true
	}
	return slices.ContainsFunc(contents.Accessories, func(a home.Accessory) bool {
		return a.Person == person.ID && slices.Contains(known.Accessories[a.ID].Offer.Traits, trait.Fall.ID())
	})
}

// category is Apple's number for what a server is.
func (p plan) category() uint8 {
	switch p.role {
	case bridge:
		return 2
	case camera:
		if p.offers(trait.Doorbell.Any()) {
			return 18
		}
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
