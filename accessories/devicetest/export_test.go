package devicetest

import "time"

// Hasty shortens the watchdogs, for drivers that are known to hang.
func Hasty(s Suite) Suite {
	s.limits = &limits{
		open: time.Second, do: time.Second, call: time.Second,
		grace: time.Second, first: 2 * time.Second, lost: 2 * time.Second,
		quiet: 50 * time.Millisecond, mid: 50 * time.Millisecond,
	}
	return s
}

// AtHome says whether a World lets a driver dial the address.
func AtHome(address string) bool { return isPrivate(address) }
