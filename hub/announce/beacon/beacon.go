// Package beacon lets apps find the hub: it announces the API as _ingle._tcp by multicast DNS. The name
// is drawn anew at each start and whenever the machine has other addresses, and there is nothing else in
// it: no version, no machine, no household, and nobody can follow a hub from network to network by it.
// Which hub it is an app finds out by the hub's key.
package beacon

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/ingle-home/ingle/hub/announce"
)

// Type is how DNS-SD names the hub's API.
const Type = "_ingle._tcp"

const look = 5 * time.Second // between looks at the machine's addresses

// Voice tells the network, as announce.Announcer does.
type Voice interface {
	Set(instance string, port int, txt map[string]string) error
	Remove(instance string)
}

// Run announces the listener at an address until ctx ends; one on this machine alone is announced to this
// machine alone. A network without multicast is no reason to end: an address can be typed.
func Run(ctx context.Context, listening string, log *slog.Logger) error {
	at, err := netip.ParseAddrPort(listening)
	if err != nil {
		return nil // it has no number that others could use
	}
	voice := announce.New(announce.Options{Type: Type, Loopback: at.Addr().IsLoopback(), Log: log})
	ticks := time.NewTicker(look)
	defer ticks.Stop()
	Tend(ctx, voice, int(at.Port()), net.InterfaceAddrs, ticks.C, log)
	return voice.Close()
}

// Tend announces a port under one name for as long as the addresses stay the same.
func Tend(ctx context.Context, v Voice, port int, addresses func() ([]net.Addr, error), looks <-chan time.Time, log *slog.Logger) {
	var name string
	var had []string
	for {
		has := spoken(addresses)
		if name == "" || !slices.Equal(has, had) {
			if name != "" {
				v.Remove(name)
			}
			name, had = draw(), has
			if err := v.Set(name, port, nil); err != nil && !errors.Is(err, announce.ErrSilent) { // a silent network is tried again
				log.Warn("apps cannot find the hub by themselves", "err", err)
			}
		}
		select {
		case <-looks:
		case <-ctx.Done():
			return
		}
	}
}

func spoken(addresses func() ([]net.Addr, error)) (out []string) {
	list, _ := addresses() // a machine that hides them keeps its name
	for _, a := range list {
		out = append(out, a.String())
	}
	slices.Sort(out)
	return out
}

func draw() string {
	id := make([]byte, 8)
	rand.Read(id)
	return hex.EncodeToString(id)
}
