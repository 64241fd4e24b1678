// Package find looks for things on the household's network that could be added: it has every driver that
// can listen for a while, asks for cameras by DNS-SD, and says which things the home already has.
package find

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/hub/home"
)

// maxFound bounds what one search remembers: anybody on the network can answer.
const maxFound = 256

// Options are what a search needs.
type Options struct {
	Drivers []device.Driver
	Net     device.Net
	Home    []home.Accessory
	Log     device.Logger // may be nil
}

// Found is a thing that was seen.
type Found struct {
	device.Candidate
	Known string // ID of the accessory that it already is; "" for one that could be added
}

// Search looks until ctx ends and gives what it saw, by name. What one driver knows better hides what
// another only guesses: a camera of ONVIF is not listed again for its RTSP address.
func Search(ctx context.Context, o Options) []Found {
	var mu sync.Mutex
	seen := map[string]Found{}
	take := func(c device.Candidate) {
		mu.Lock()
		defer mu.Unlock()
		key := c.Driver + " " + host(c.Address)
		if _, again := seen[key]; !again && len(seen) < maxFound {
			seen[key] = Found{Candidate: c, Known: known(c, o.Home)}
		}
	}
	var all sync.WaitGroup
	look := func(name string, how func(context.Context, device.Net, func(device.Candidate)) error) {
		all.Go(func() {
			err := how(ctx, o.Net, take)
			if err != nil && !errors.Is(err, device.ErrUnsupported) && ctx.Err() == nil && o.Log != nil {
				o.Log.Warn("find: a search ended early", "search", name, "err", err)
			}
		})
	}
	for _, d := range o.Drivers {
		look(d.About().ID, d.Discover)
	}
	look("dns-sd", cameras)
	all.Wait()
	list := make([]Found, 0, len(seen))
	for _, f := range seen {
		if _, better := seen["onvif "+host(f.Address)]; better && f.Driver == guessed {
			continue
		}
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b Found) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Address, b.Address), cmp.Compare(a.Driver, b.Driver))
	})
	return list
}

// known is the accessory that is reached where a candidate is.
func known(c device.Candidate, has []home.Accessory) string {
	for _, a := range has {
		if a.Address == c.Address && a.Driver == c.Driver || at(a) != "" && at(a) == host(c.Address) && (a.Kind == string(device.Camera)) {
			return a.ID
		}
	}
	return ""
}

func at(a home.Accessory) string { return host(a.Address) }

// host is what an address says of where a thing is: the host of a URL or of host:port, or the whole of
// what is neither. Things on this machine are told apart by their ports.
func host(address string) string {
	name := address
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		name = u.Host
	}
	bare := name
	if h, _, err := net.SplitHostPort(name); err == nil {
		bare = h
	}
	if ip, err := netip.ParseAddr(strings.Trim(bare, "[]")); err == nil && ip.IsLoopback() {
		return name
	}
	return strings.ToLower(bare)
}
