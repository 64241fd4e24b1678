package model

import (
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
)

const remembered = 720 // readings of one trait

// Point is a number that was reported.
type Point struct {
	At    time.Time
	Value float64
}

// Step is a position that was reported.
type Step struct {
	At time.Time
	trait.Place
}

type pastKey struct{ accessory, trait string }

// Past is what was reported since the app looks, and what the hub kept of the time before. It is held in
// memory and nowhere else, and each trait's oldest readings make room for new ones.
type Past struct {
	numbers map[pastKey][]Point
	steps   map[string][]Step // by the accessory that reported them
}

// NewPast gives an empty past.
func NewPast() *Past {
	return &Past{numbers: map[pastKey][]Point{}, steps: map[string][]Step{}}
}

// Take adds what is new in a snapshot, and forgets what belonged to things that are gone.
func (p *Past) Take(s wire.Snapshot) {
	there := map[string]bool{}
	for _, a := range s.Accessories {
		there[a.ID] = true
		for _, t := range numeric() {
			v, ok := a.Value(t.ID())
			n, known := wire.Read(v, t)
			if ok && known && v.At != nil {
				p.add(a.ID, t.ID(), Point{*v.At, float64(n)})
			}
		}
		v, ok := a.Value(trait.Where.ID())
		if place, known := wire.Read(v, trait.Where); ok && known && v.At != nil {
			p.walk(a.ID, Step{*v.At, place})
		}
	}
	for key := range p.numbers {
		if !there[key.accessory] {
			delete(p.numbers, key)
		}
	}
	for id := range p.steps {
		if !there[id] {
			delete(p.steps, id)
		}
	}
}

func numeric() []trait.Trait[int] {
	return []trait.Trait[int]{trait.Battery, trait.Speed, trait.Steps, trait.Heart}
}

func (p *Past) add(accessory, id string, v Point) {
	key := pastKey{accessory, id}
	list := p.numbers[key]
	if n := len(list); n > 0 && !v.At.After(list[n-1].At) {
		return
	}
	list = append(list, v)
	p.numbers[key] = list[max(0, len(list)-remembered):]
}

func (p *Past) walk(accessory string, v Step) {
	list := p.steps[accessory]
	if n := len(list); n > 0 && !v.At.After(list[n-1].At) {
		return
	}
	list = append(list, v)
	p.steps[accessory] = list[max(0, len(list)-remembered):]
}

// Numbers are what an accessory reported of a trait, the oldest first.
func (p *Past) Numbers(accessory, id string) []Point { return p.numbers[pastKey{accessory, id}] }

// Steps are where an accessory was, the oldest first.
func (p *Past) Steps(accessory string) []Step { return p.steps[accessory] }

// KeptOf are the traits of a thing whose past the hub keeps and the app shows.
func KeptOf(a wire.Accessory) []string {
	var list []string
	for _, t := range []trait.Any{trait.Heart.Any(), trait.Steps.Any(), trait.Where.Any()} {
		if _, ok := a.Value(t.ID()); ok {
			list = append(list, t.ID())
		}
	}
	return list
}

// IsPlace says whether a trait is where something is.
func IsPlace(id string) bool { return id == trait.Where.ID() }

// Remember puts what the hub kept before what was reported since the app looks.
func (p *Past) Remember(h wire.History) {
	if IsPlace(h.Trait) {
		p.steps[h.Accessory] = before(p.steps[h.Accessory], walked(h), func(s Step) time.Time { return s.At })
		return
	}
	var list []Point
	for _, t := range numeric() {
		for _, one := range h.Points {
			if n, ok := wire.Read(wire.Value{Trait: h.Trait, Value: one.Value}, t); ok && t.ID() == h.Trait {
				list = append(list, Point{one.At, float64(n)})
			}
		}
	}
	key := pastKey{h.Accessory, h.Trait}
	p.numbers[key] = before(p.numbers[key], list, func(v Point) time.Time { return v.At })
}

func walked(h wire.History) []Step {
	var list []Step
	for _, one := range h.Points {
		if place, ok := wire.Read(wire.Value{Trait: h.Trait, Value: one.Value}, trait.Where); ok {
			list = append(list, Step{one.At, place})
		}
	}
	return list
}

// before puts those of old that came before all of list in front of it.
func before[T any](list, old []T, at func(T) time.Time) []T {
	n := len(old)
	for n > 0 && len(list) > 0 && !at(old[n-1]).Before(at(list[0])) {
		n--
	}
	all := append(old[:n:n], list...)
	return all[max(0, len(all)-remembered):]
}
