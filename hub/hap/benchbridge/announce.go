package main

import (
	"context"
	"errors"
	"log/slog"
	"net"

	"github.com/ingle-home/ingle/hub/announce"
	"github.com/ingle-home/ingle/hub/hap"
)

// announceAs keeps what mDNS says in step with the server until ctx ends. A network without multicast
// is no reason to complain: the announcer goes on trying.
func announceAs(ctx context.Context, server *hap.Server, port int, loopback bool, log *slog.Logger) error {
	voice := announce.New(announce.Options{Loopback: loopback || alone(), Log: log})
	for {
		a := server.Announcement()
		if err := voice.Set(a.Instance, port, a.TXT); err != nil && !errors.Is(err, announce.ErrSilent) {
			return errors.Join(err, voice.Close())
		}
		select {
		case <-ctx.Done():
			return voice.Close()
		case <-server.Changed():
		}
	}
}

// alone reports a machine whose loopback takes multicast and which has no other network, such as a
// network namespace for tests: there loopback is the whole network.
func alone() bool {
	all, err := net.Interfaces()
	if err != nil {
		return false
	}
	multicast := false
	for _, i := range all {
		loop := i.Flags&net.FlagLoopback != 0
		switch {
		case i.Flags&net.FlagUp == 0:
		case loop:
			multicast = i.Flags&net.FlagMulticast != 0
		default:
			return false
		}
	}
	return multicast
}
