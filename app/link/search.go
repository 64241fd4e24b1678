package link

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/client/near"
	"github.com/ingle-home/ingle/hub/api/wire"
)

const lookHere = 2 * time.Second // between looks for a hub on this computer

// Found is a hub that the app could be paired with: the one on this computer, or one at an address. State
// is what it says of itself: unclaimed, or claimed and more.
type Found struct {
	Here    bool
	Address string
	State   wire.State
}

// Search looks for hubs until ctx ends, and tells found, one call at a time, of each change: first that on
// this computer, then others by their addresses. What does not speak as a hub is left out.
func (l *Link) Search(ctx context.Context, found func([]Found)) {
	s := &search{ctx: ctx, asked: map[string]wire.State{}, changed: make(chan struct{}, 1)}
	var work sync.WaitGroup
	defer work.Wait()
	s.work = &work
	work.Go(func() { l.Look(ctx, s.take) })
	if l.Socket != "" {
		work.Go(func() { s.watch(client.Dial(l.Socket)) })
	}
	for {
		select {
		case <-s.changed:
			found(s.list())
		case <-ctx.Done():
			return
		}
	}
}

type search struct {
	ctx     context.Context
	work    *sync.WaitGroup
	changed chan struct{}

	mu    sync.Mutex
	here  *wire.Status
	seen  []near.Hub
	asked map[string]wire.State // by address; empty while nothing came back
}

func (s *search) tell() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// watch looks at the socket again and again.
func (s *search) watch(socket *client.Client) {
	defer socket.Close()
	ticks := time.NewTicker(lookHere)
	defer ticks.Stop()
	for {
		var now *wire.Status
		if status, err := socket.Status(s.ctx); err == nil {
			now = &status
		}
		s.mu.Lock()
		changed := (s.here == nil) != (now == nil) || now != nil && s.here.State != now.State
		s.here = now
		s.mu.Unlock()
		if changed {
			s.tell()
		}
		select {
		case <-ticks.C:
		case <-s.ctx.Done():
			return
		}
	}
}

// take asks each new one what it is.
func (s *search) take(list []near.Hub) {
	s.mu.Lock()
	s.seen = list
	for _, h := range list {
		if _, known := s.asked[h.Address]; known {
			continue
		}
		s.asked[h.Address] = ""
		s.work.Go(func() { s.ask(h.Address) })
	}
	for address := range s.asked { // one that comes back is asked again
		if !slices.ContainsFunc(list, func(h near.Hub) bool { return h.Address == address }) {
			delete(s.asked, address)
		}
	}
	s.mu.Unlock()
	s.tell()
}

func (s *search) ask(address string) {
	status, err := client.Peek(s.ctx, address)
	if err != nil || status.Product == "" {
		return
	}
	s.mu.Lock()
	s.asked[address] = status.State
	s.mu.Unlock()
	s.tell()
}

func (s *search) list() (out []Found) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := ""
	if s.here != nil {
		out = append(out, Found{Here: true, State: s.here.State})
		_, own, _ = net.SplitHostPort(strings.TrimPrefix(s.here.API, "https://"))
	}
	for _, h := range s.seen {
		if state := s.asked[h.Address]; state != "" && !(own != "" && isHere(h.Address, own)) {
			out = append(out, Found{Address: h.Address, State: state})
		}
	}
	return out
}

// isHere says whether an address is this computer's, with that port.
func isHere(address, port string) bool {
	host, p, err := net.SplitHostPort(address)
	if err != nil || p != port {
		return false
	}
	at, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	list, _ := net.InterfaceAddrs() // a machine that hides them shows its hub twice
	return at.IsLoopback() || slices.ContainsFunc(list, func(a net.Addr) bool {
		p, err := netip.ParsePrefix(a.String())
		return err == nil && p.Addr() == at
	})
}
