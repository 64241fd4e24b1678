package beacon_test

import (
	"context"
	"log/slog"
	"net"
	"regexp"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/announce/beacon"
)

// said is a voice that is listened to.
type said struct {
	set     chan string
	removed chan string
	t       *testing.T
}

func (s said) Set(instance string, port int, txt map[string]string) error {
	if port != 8443 || len(txt) != 0 {
		s.t.Errorf("announced port %d and %v", port, txt)
	}
	s.set <- instance
	return nil
}

func (s said) Remove(instance string) { s.removed <- instance }

func TestTheNameTellsNothingAndEndsWithTheAddress(t *testing.T) {
	s := said{make(chan string, 1), make(chan string, 1), t}
	ctx, stop := context.WithCancel(t.Context())
	looks, done := make(chan time.Time), make(chan struct{})
	list := []net.Addr{&net.IPNet{IP: net.IPv4(192, 168, 1, 20), Mask: net.CIDRMask(24, 32)}}
	go func() {
		defer close(done)
		beacon.Tend(ctx, s, 8443, func() ([]net.Addr, error) { return list, nil }, looks, slog.New(slog.DiscardHandler))
	}()
	first := <-s.set
	if !regexp.MustCompile(`^[0-9a-f]{16}$`).MatchString(first) {
		t.Errorf("the name is %q", first)
	}
	looks <- time.Now() // nothing has changed
	looks <- time.Now()
	select {
	case again := <-s.set:
		t.Errorf("%q is announced although nothing changed", again)
	default:
	}
	stop()
	<-done

	s = said{make(chan string, 2), make(chan string, 2), t}
	ctx, stop = context.WithCancel(t.Context())
	defer stop()
	turn := 0
	done = make(chan struct{})
	go func() {
		defer close(done)
		beacon.Tend(ctx, s, 8443, func() ([]net.Addr, error) {
			turn++
			return []net.Addr{&net.IPNet{IP: net.IPv4(192, 168, byte(turn), 20), Mask: net.CIDRMask(24, 32)}}, nil
		}, looks, slog.New(slog.DiscardHandler))
	}()
	old := <-s.set
	looks <- time.Now()
	if gone, next := <-s.removed, <-s.set; gone != old || next == old || old == first {
		t.Errorf("was %q and %q, removed %q, is %q", first, old, gone, next)
	}
	stop()
	<-done
}
