package buttplug

import (
	"cmp"
	"slices"
	"sync"
)

// roster is what a server said about its toys. Version 4 always sends the whole list; version 3 sends
// one list on request and then who came and who left.
type roster struct {
	mu       sync.Mutex
	toys     map[uint32]toy
	finished bool // the last scan ended, which says nothing about toys: they come later
	charge   map[uint32]int
	news     chan struct{} // holds one token while there is something new
}

func newRoster() *roster {
	return &roster{toys: map[uint32]toy{}, charge: map[uint32]int{}, news: make(chan struct{}, 1)}
}

// hear takes a message that concerns toys and ignores all others. Malformed ones change nothing.
func (r *roster) hear(m message, version int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case m.name == "DeviceList" && version >= 4:
		if l, err := as[deviceList4](m); err == nil && len(l.Devices) <= maxToys {
			r.toys = map[uint32]toy{}
			for _, d := range l.Devices {
				r.toys[d.DeviceIndex] = d.toy()
			}
		}
	case m.name == "DeviceList":
		if l, err := as[deviceList3](m); err == nil && len(l.Devices) <= maxToys {
			r.toys = map[uint32]toy{}
			for _, d := range l.Devices {
				r.toys[d.DeviceIndex] = d.toy()
			}
		}
	case m.name == "DeviceAdded":
		if d, err := as[device3](m); err == nil && len(r.toys) < maxToys {
			r.toys[d.DeviceIndex] = d.toy()
		}
	case m.name == "DeviceRemoved":
		if d, err := as[device3](m); err == nil {
			delete(r.toys, d.DeviceIndex)
		}
	case m.name == "ScanningFinished":
		r.finished = true
	default:
		percent, index, ok := battery(m)
		if _, known := r.toys[index]; !ok || !known {
			return
		}
		r.charge[index] = percent
	}
	select {
	case r.news <- struct{}{}:
	default:
	}
}

// moving lists the toys that have a motor, by index.
func (r *roster) moving() []toy {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []toy
	for _, t := range r.toys {
		if len(t.motors) > 0 {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b toy) int { return cmp.Compare(a.index, b.index) })
	return out
}

// has says whether the very toy is still there. Another one may have got its index.
func (r *roster) has(t toy) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, ok := r.toys[t.index]
	return ok && now.name == t.name
}

// battery gives the last charge that was heard of a toy, in percent.
func (r *roster) battery(t toy) (percent int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	percent, ok = r.charge[t.index]
	return percent, ok
}

// rest says, once for each scan, that it ended.
func (r *roster) rest() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.finished
	r.finished = false
	return was
}

func ordered(features map[string]feature4) []feature4 {
	out := make([]feature4, 0, len(features))
	for _, f := range features {
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b feature4) int { return cmp.Compare(a.FeatureIndex, b.FeatureIndex) })
	return out
}
