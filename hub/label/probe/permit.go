package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Why a look is refused. Each is also the i18n code of its message.
var (
	ErrConsent = errors.New("label.consent")  // nobody in the household said yes
	ErrNever   = errors.New("label.never")    // a lock, an alarm, a car, a medical device, or a thing of no known kind
	ErrNoDoors = errors.New("label.no-doors") // it has no address of its own in the house
	ErrDaily   = errors.New("label.daily")    // it was looked at within a day
	ErrPaused  = errors.New("label.paused")   // it locked itself or broke off, and is left alone for a day
)

// allowed are the kinds of thing that may be looked at. What is not here is not touched: locks, alarms,
// cars and medical devices must never be, and a kind that nobody thought about may be one of them.
func allowed(kind string) bool { return slices.Contains([]string{"camera", "toy"}, kind) }

// Request is what is asked for: a thing that the household added, at the address that it typed.
type Request struct {
	Kind    string    // what sort of thing it is
	Address string    // host:port, URL or host, as the household added it
	Consent time.Time // when the household said yes
	Known   []uint16  // ports through which the hub talks to it: they are open, and nobody need knock
}

// Target is an address that may be looked at. Only Permit makes one.
type Target struct {
	host  netip.Addr
	known []uint16
	tls   uint16 // a port of the hub's own line to the thing that speaks TLS; 0 = none
}

// Known lists the ports that are known to be open.
func (t Target) Known() []uint16 { return slices.Clone(t.known) }

// Host is the address.
func (t Target) Host() netip.Addr { return t.host }

// Permit gives the target of a request, or says why there is none.
func Permit(_ context.Context, r Request) (Target, error) {
	switch {
	case !allowed(r.Kind):
		return Target{}, ErrNever
	case r.Address == "":
		return Target{}, ErrNoDoors
	case r.Consent.IsZero():
		return Target{}, ErrConsent
	}
	host, port, secure := place(r.Address)
	addr, err := atHome(host)
	if err != nil {
		return Target{}, err
	}
	t := Target{host: addr, known: slices.Clone(r.Known)}
	if port != 0 && !slices.Contains(t.known, port) {
		t.known = append(t.known, port)
	}
	if secure {
		t.tls = port
	}
	return t, nil
}

// place takes an address apart: host, port (0 where it names none), and whether TLS is spoken there.
func place(address string) (host string, port uint16, secure bool) {
	rest := address
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		rest = u.Host
		ports := map[string]uint16{"http": 80, "https": 443, "rtsp": 554, "rtsps": 322, "ws": 80, "wss": 443}
		port, secure = ports[u.Scheme], slices.Contains([]string{"https", "rtsps", "wss"}, u.Scheme)
	}
	if h, p, err := net.SplitHostPort(rest); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return h, port, secure
		}
		return h, uint16(n), secure
	}
	return strings.Trim(rest, "[]"), port, secure
}

// atHome reads the address of a host and refuses everything outside the household's own network. Nobody is
// asked for a name: a name server would hear what there is at home.
func atHome(host string) (netip.Addr, error) {
	if strings.EqualFold(host, "localhost") {
		host = "127.0.0.1"
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%w: %w", ErrNoDoors, err)
	}
	if a = a.Unmap(); !a.IsLoopback() && !a.IsPrivate() && !a.IsLinkLocalUnicast() {
		return netip.Addr{}, fmt.Errorf("%w: the address is outside the home network", ErrNoDoors)
	}
	return a, nil
}
