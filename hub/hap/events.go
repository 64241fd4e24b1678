package hap

import "sync"

// events is what one session still has to be told. The device's side only marks
// here, under a lock that is never held across a network call, so a slow
// session cannot hold up a device.
type events struct {
	mu      sync.Mutex
	soon    []*subscription // dirty, sent at the end of the window
	now     []*subscription // dirty, sent at once
	presses []press         // button moments: kept in order, never merged
	wake    chan struct{}   // capacity 1
}

type subscription struct {
	to    *events
	of    *Characteristic
	dirty bool
}

type press struct {
	of    *subscription
	value Value
}

// mark notes that the newest value of w is owed; the value itself is read when
// it is sent, so the last one wins.
func (e *events) mark(w *subscription) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if w.dirty {
		return
	}
	w.dirty = true
	if w.of.immediate() {
		e.now = append(e.now, w)
	} else {
		e.soon = append(e.soon, w)
	}
	e.signal()
}

func (e *events) press(w *subscription, v Value) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.presses = append(e.presses, press{w, v})
	e.signal()
}

func (e *events) signal() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}
