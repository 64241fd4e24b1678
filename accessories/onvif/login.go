package onvif

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
)

const (
	maxTries  = 2                // logins of one Open: cameras lock accounts, many after five
	skewTold  = time.Minute      // a clock that is further off is worth a word
	skewMoves = 3 * time.Second  // two measurements that differ by more are of two clocks
	skewOwn   = 20 * time.Second // from here on it may be that only what the camera shows is off
)

// measure learns the camera's clock, which it tells to strangers. Every login depends on it: a camera
// answers a wrong clock as it answers a wrong password.
func (l *line) measure(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	before := l.now()
	got, err := l.post(ctx, ask{at: l.device(), ns: nsDevice, action: "GetSystemDateAndTime"})
	if err != nil {
		return fmt.Errorf("onvif: clock: %w", err)
	}
	middle := before.Add(l.now().Sub(before) / 2)
	n, err := got.soap()
	if err != nil && !errors.Is(err, errLogin) && !errors.As(err, new(*fault)) {
		return fmt.Errorf("onvif: clock: %w", err)
	}
	at, ok := readClock(n)
	if !ok { // every web server has one
		at, err = http.ParseTime(got.date)
		ok = err == nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.measured = ok
	if l.offset = 0; ok {
		l.offset = at.Sub(middle)
	}
	return nil
}

// readClock reads GetSystemDateAndTimeResponse.
func readClock(n *node) (time.Time, bool) {
	utc := n.get("SystemDateAndTime", "UTCDateTime")
	date, clock := utc.get("Date"), utc.get("Time")
	year, month, day := date.number("Year"), date.number("Month"), date.number("Day")
	hour, minute, second := clock.number("Hour"), clock.number("Minute"), clock.number("Second")
	if clock == nil || year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 60 {
		return time.Time{}, false
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC), true
}

// skew is how far the camera's clock is off, and whether that is known.
func (l *line) skew() (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.offset, l.measured
}

func (l *line) believe(offset time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.offset = offset
}

// proof is the call that shows whether an account is one: the first that the camera refuses to
// strangers. None, where it refuses nothing.
type proof struct {
	ask
	open bool // strangers may do everything
}

// findProof asks as nobody, which costs no try, and learns on the way how the camera wants to be
// shown a password.
func (l *line) findProof(ctx context.Context, media string) (proof, error) {
	information := ask{ns: nsDevice, action: "GetDeviceInformation"} // many tell it to everybody
	profiles := ask{at: media, ns: nsMedia, action: "GetProfiles"}
	users := ask{ns: nsDevice, action: "GetUsers"}
	open := false
	for _, a := range []ask{information, profiles, users} {
		_, err := l.call(ctx, a)
		switch {
		case errors.Is(err, errLogin):
			l.mu.Lock()
			defer l.mu.Unlock()
			l.digest = len(l.challenges) > 0
			return proof{ask: a}, nil
		case errors.Is(err, device.ErrUnreachable):
			return proof{}, err
		case err == nil && a.action != information.action:
			open = true
		}
	}
	return proof{ask: profiles, open: open}, nil
}

// prove shows an account to the camera once.
func (l *line) prove(ctx context.Context, p proof, who account) error {
	if p.open {
		return nil
	}
	p.as = who
	_, err := l.call(ctx, p.ask)
	return err
}

// try is one login: an account, and the clock with which it is shown.
type try struct {
	who    account
	offset time.Duration
}

// enter finds the account that lets us in, in at most two tries.
func (l *line) enter(ctx context.Context, p proof, accounts []account) (account, error) {
	if len(accounts) == 0 {
		if p.open {
			return account{}, nil
		}
		return account{}, fmt.Errorf("%w: the camera wants a name and a password", device.Because("login", device.ErrRefused))
	}
	offset, _ := l.skew()
	moved := false
	tries := []try{{accounts[0], offset}}
	for n := 0; n < len(tries) && n < maxTries; n++ {
		l.believe(tries[n].offset)
		err := l.prove(ctx, p, tries[n].who)
		if err == nil {
			return tries[n].who, nil
		}
		if !errors.Is(err, errLogin) {
			return account{}, err
		}
		if n > 0 {
			continue
		}
		if err := l.measure(ctx); err != nil {
			return account{}, err
		}
		again, _ := l.skew()
		moved = (again - offset).Abs() > skewMoves
		tries = append(tries, l.second(accounts, again, moved)...)
	}
	l.believe(offset)
	return account{}, l.blame(moved)
}

// second is what to try after the first try failed: the account that was in use before; the same
// with the clock as it is now; or, where the camera shows local time for UTC, with our own clock.
func (l *line) second(accounts []account, offset time.Duration, moved bool) []try {
	switch {
	case len(accounts) > 1:
		return []try{{accounts[1], offset}}
	case l.asksDigest(): // which knows no clock
		return nil
	case moved:
		return []try{{accounts[0], offset}}
	case offset.Abs() > skewOwn:
		return []try{{accounts[0], 0}}
	}
	return nil
}

// blame says what the login failed for.
func (l *line) blame(moved bool) error {
	offset, measured := l.skew()
	switch {
	case l.asksDigest():
		return errLogin
	case !measured:
		return fmt.Errorf("%w, or its clock: the camera does not say what time it has", errLogin)
	case moved:
		return fmt.Errorf("%w, or its clock: the camera's clock jumps", errLogin)
	case offset.Abs() > skewTold:
		return fmt.Errorf("%w is wrong; the camera's clock is off by %v, which was allowed for", errLogin, offset.Round(time.Minute))
	}
	return fmt.Errorf("%w is wrong; the camera's clock is right", errLogin)
}
