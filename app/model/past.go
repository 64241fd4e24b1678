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

// Past is what was reported since the app looks: the hub keeps more, but does not tell it yet. It is
// held in memory and nowhere else, and each trait's oldest readings make room for new ones.
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
