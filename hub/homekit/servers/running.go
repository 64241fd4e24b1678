package servers

import (
	"context"
	"net"
	"sync"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/homekit"
)

// running is one HAP server that listens.
type running struct {
	spec   homekit.Server
	server *hap.Server
	port   int
	wake   chan struct{} // whether it is hidden has changed
	end    context.CancelFunc
	work   sync.WaitGroup
}

// start listens, as far as it can on the port that the server had before, and announces.
func (s *Servers) start(ctx context.Context, spec homekit.Server, server *hap.Server) error {
	listener, err := server.Listen(ctx, s.options.Address(spec.Key))
	if err != nil {
		return err
	}
	living, end := context.WithCancel(context.WithoutCancel(ctx)) // it outlives whoever asked for it
	r := &running{spec: spec, server: server, port: listener.Addr().(*net.TCPAddr).Port, wake: make(chan struct{}, 1), end: end}
	r.work.Go(func() {
		if err := server.Serve(living, listener); err != nil && living.Err() == nil {
			s.log.Error("a HomeKit server stopped", "server", spec.Key, "err", err)
			s.options.Faults.Raise(CodeStopped, "", nil)
		}
	})
	r.work.Go(func() { s.announce(living, r) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[spec.Key] = r
	s.order = append(s.order, spec.Key)
	return nil
}

// stop ends the server with its sessions and waits for it.
func (r *running) stop() {
	r.end()
	r.work.Wait()
}

// announce keeps what mDNS says in step with the server until ctx ends.
func (s *Servers) announce(ctx context.Context, r *running) {
	said := ""
	defer func() { s.options.Voice.Remove(said) }()
	for {
		said = s.say(r, said)
		s.options.Changed()
		select {
		case <-ctx.Done():
			return
		case <-r.server.Changed():
		case <-r.wake:
		}
	}
}

// say announces the server as it is now, or takes the announcement back while it is hidden; said is
// the name under which it was announced before.
func (s *Servers) say(r *running, said string) string {
	a, hidden := r.server.Announcement(), s.hidden(r.spec.Key)
	if said != "" && (hidden || said != a.Instance) {
		s.options.Voice.Remove(said)
	}
	if hidden {
		return ""
	}
	if err := s.options.Voice.Set(a.Instance, r.port, a.TXT); err != nil {
		s.log.Warn("HomeKit is not announced", "server", r.spec.Key, "err", err)
	}
	return a.Instance
}
