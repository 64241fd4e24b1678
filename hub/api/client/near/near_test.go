package near_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/announce"
	"github.com/ingle-home/ingle/hub/announce/beacon"
	"github.com/ingle-home/ingle/hub/api/client/near"
)

// A hub that is announced on this machine is found.
func TestAHubIsFound(t *testing.T) {
	probe := announce.New(announce.Options{Loopback: true, Type: beacon.Type})
	err := probe.Set("probe", 9, nil)
	_ = probe.Close()
	if errors.Is(err, announce.ErrSilent) {
		t.Skipf("this machine's loopback takes no multicast: %v", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0") // so that the port is ours
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	address := "127.0.0.1:" + strconv.Itoa(ln.Addr().(*net.TCPAddr).Port)

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	hub, end := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- beacon.Run(hub, address, slog.New(slog.DiscardHandler)) }()
	seen := false
	near.Look(ctx, func(list []near.Hub) {
		if slices.ContainsFunc(list, func(h near.Hub) bool { return h.Address == address }) {
			seen = true
			cancel()
		}
	})
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !seen {
		t.Error("nothing was found")
	}
}
