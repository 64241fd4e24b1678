package servers

import (
	"errors"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/homekit"
)

// leftOut takes a server's report of accessories that Apple's rules keep out: the rest of the house
// is shown. Any other error comes back.
func (s *Servers) leftOut(spec homekit.Server, err error) (map[string]bool, error) {
	var one *hap.AccessoryError
	if !errors.As(err, &one) {
		return nil, err
	}
	left := map[string]bool{}
	for _, err := range parts(err) {
		if !errors.As(err, &one) {
			continue
		}
		id := spec.ID(one.AID)
		left[id] = true
		if !s.left[id] {
			s.log.Error("an accessory is not shown in HomeKit", "accessory", id, "server", spec.Key, "err", one.Err)
		}
	}
	return left, nil
}

// parts are the errors that were joined into one.
func parts(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

// tellLeft names each accessory that is left out, until it is not.
func (s *Servers) tellLeft(now map[string]bool) {
	for id := range now {
		s.options.Faults.Raise(CodeLeftOut, id, nil)
	}
	for id := range s.left {
		if !now[id] {
			s.options.Faults.Clear(CodeLeftOut, id)
		}
	}
	s.left = now
}
