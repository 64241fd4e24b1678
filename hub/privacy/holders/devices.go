package holders

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/privacy"
)

// eraseTime bounds what one device may take: a camera that resets itself answers late.
const eraseTime = 20 * time.Second

// OnDevices is what devices keep themselves. Those that are off wait.
type OnDevices struct {
	Home    func() home.Contents
	Session func(id string) device.Session // nil while there is no line

	mu   sync.Mutex
	left map[string]privacy.Outcome // of the last Forget, by device
}

// Name implements privacy.Holder.
func (*OnDevices) Name() string { return "devices" }

// Inventory implements privacy.Holder. What a device that is off keeps counts as one: nobody knows.
func (o *OnDevices) Inventory(ctx context.Context, s privacy.Scope) ([]privacy.Item, error) {
	var items []privacy.Item
	for _, id := range o.there(s) {
		if o.outcome(id).State == privacy.Gone {
			continue
		}
		n := 1
		if session := o.Session(id); session != nil {
			n = holds(ctx, session)
		}
		if n > 0 {
			items = append(items, privacy.Item{Kind: "on-device", Where: privacy.OnDevice, Device: id, Count: n})
		}
	}
	return items, nil
}

// there are the devices in scope that are still the home's.
func (o *OnDevices) there(s privacy.Scope) []string {
	var list []string
	for _, a := range o.Home().Accessories {
		if s.Takes("on-device", a.Person, a.ID) {
			list = append(list, a.ID)
		}
	}
	return list
}

func holds(ctx context.Context, s device.Session) int {
	ctx, cancel := context.WithTimeout(ctx, eraseTime)
	defer cancel()
	list, err := s.Holds(ctx)
	if err != nil {
		return max(1, len(list))
	}
	return len(list)
}

// Foresee implements privacy.Foreseer.
func (o *OnDevices) Foresee(ctx context.Context, s privacy.Scope) ([]privacy.Outcome, error) {
	if !s.Whole() {
		return nil, nil
	}
	var list []privacy.Outcome
	for _, id := range o.there(s) {
		session := o.Session(id)
		_, resets := session.(device.Resettable)
		switch {
		case session == nil:
			list = append(list, privacy.Outcome{State: privacy.Waiting, Why: "erase.offline", Many: 1})
		case resets || holds(ctx, session) == 0:
			list = append(list, privacy.Outcome{State: privacy.Gone, Many: 1})
		default:
			list = append(list, privacy.Outcome{State: privacy.Impossible, Why: "erase.only-on-device", Many: 1})
		}
	}
	return list, nil
}

// Forget implements privacy.Holder: the outcome is the worst of all devices'.
func (o *OnDevices) Forget(ctx context.Context, s privacy.Scope) (privacy.Outcome, error) {
	worst := privacy.Outcome{State: privacy.Gone}
	if !s.Whole() {
		return worst, nil
	}
	for _, id := range o.there(s) {
		done := o.outcome(id)
		if done.State != privacy.Gone && done.State != privacy.Impossible {
			done = o.erase(ctx, id)
		}
		o.note(id, done)
		worst = worse(worst, done)
	}
	return worst, nil
}

func worse(a, b privacy.Outcome) privacy.Outcome {
	rank := []privacy.State{privacy.Gone, privacy.Impossible, privacy.Waiting}
	switch x, y := slices.Index(rank, a.State), slices.Index(rank, b.State); {
	case x == y && a.State != privacy.Gone:
		a.Many += b.Many
		return a
	case x >= y:
		return a
	}
	return b
}

func (o *OnDevices) erase(ctx context.Context, id string) privacy.Outcome {
	session := o.Session(id)
	if session == nil {
		return privacy.Outcome{State: privacy.Waiting, Why: "erase.offline", Many: 1}
	}
	ctx, cancel := context.WithTimeout(ctx, eraseTime)
	defer cancel()
	if r, ok := session.(device.Resettable); ok {
		err := r.Reset(ctx)
		if err == nil {
			return privacy.Outcome{State: privacy.Gone}
		}
		if !errors.Is(err, device.ErrUnsupported) && !errors.Is(err, device.ErrRefused) {
			return privacy.Outcome{State: privacy.Waiting, Why: "erase.offline", Many: 1}
		}
	}
	erased, err := session.Erase(ctx)
	if err != nil {
		return privacy.Outcome{State: privacy.Waiting, Why: "erase.offline", Many: 1}
	}
	for _, e := range erased {
		if !e.Gone {
			return privacy.Outcome{State: privacy.Impossible, Why: e.Why, Many: 1}
		}
	}
	return privacy.Outcome{State: privacy.Gone}
}

func (o *OnDevices) outcome(id string) privacy.Outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.left[id]
}

func (o *OnDevices) note(id string, out privacy.Outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.left == nil {
		o.left = map[string]privacy.Outcome{}
	}
	o.left[id] = out
}

// Waits says whether a device has not been reached yet: what the hub knows of it is needed until it is.
func (o *OnDevices) Waits(id string) bool { return o.outcome(id).State == privacy.Waiting }

// Things are what the hub knows of devices: their names, rooms, addresses and passwords.
type Things struct {
	Home   *home.Home
	Waits  func(id string) bool                       // it is still to be reached
	Remove func(ctx context.Context, id string) error // takes it out of the home, its key first
}

// Name implements privacy.Holder.
func (Things) Name() string { return "things" }

// Inventory implements privacy.Holder.
func (t Things) Inventory(_ context.Context, s privacy.Scope) ([]privacy.Item, error) {
	var items []privacy.Item
	for _, a := range t.list(s) {
		for _, kind := range []string{"accessory", "secrets"} {
			items = append(items, privacy.Item{Kind: kind, Where: privacy.InHub, Person: a.Person, Device: a.ID, Count: 1})
		}
	}
	return items, nil
}

func (t Things) list(s privacy.Scope) []home.Accessory {
	return slices.DeleteFunc(t.Home.Contents().Accessories, func(a home.Accessory) bool { return !s.Takes("accessory", a.Person, a.ID) })
}

// Forget implements privacy.Holder. A thing that must still be reached stays, with nobody's name on it.
func (t Things) Forget(ctx context.Context, s privacy.Scope) (privacy.Outcome, error) {
	out := privacy.Outcome{State: privacy.Gone}
	for _, a := range t.list(s) {
		if !t.Waits(a.ID) {
			if err := t.Remove(ctx, a.ID); err != nil {
				return out, err
			}
			continue
		}
		if err := t.Home.Disown(ctx, a.ID); err != nil {
			return out, err
		}
		out.State, out.Why = privacy.Waiting, "privacy.why.needed"
		out.Many++
	}
	return out, nil
}

// Names are zones and other people's things whose names name a person who goes.
type Names struct{ Home *home.Home }

// Name implements privacy.Holder.
func (Names) Name() string { return "names" }

// Inventory implements privacy.Holder.
func (n Names) Inventory(_ context.Context, s privacy.Scope) ([]privacy.Item, error) {
	var items []privacy.Item
	for _, z := range n.Home.Contents().Zones {
		if s.Takes("zone", "", "") && s.Person == "" && s.Device == "" || s.Whole() && slices.Contains(s.Zones, z.ID) {
			items = append(items, privacy.Item{Kind: "zone", Where: privacy.InHub, Count: 1})
		}
	}
	return items, nil
}

// Forget implements privacy.Holder.
func (n Names) Forget(ctx context.Context, s privacy.Scope) (privacy.Outcome, error) {
	if !s.Whole() {
		return gone()
	}
	for _, id := range s.Zones {
		if err := n.Home.RemoveZone(ctx, id); err != nil {
			return privacy.Outcome{}, err
		}
	}
	for _, id := range s.Naming {
		if err := n.Home.Unname(ctx, id); err != nil && !errors.Is(err, home.ErrUnknown) {
			return privacy.Outcome{}, err
		}
	}
	return gone()
}
