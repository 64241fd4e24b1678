package devicetest

import (
	"context"
	"net"
)

// Answers names a simulator (host:port, UDP) that answers multicasts of this world.
func (w *World) Answers(address string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.group = append(w.group, address)
}

func (w *World) answering() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.group)
}

// Multicast implements device.Multicaster: every simulator of this world gets the datagram.
func (w *World) Multicast(ctx context.Context, _ string, datagram []byte, heard func(from string, answer []byte)) error {
	var config net.ListenConfig
	socket, err := config.ListenPacket(ctx, "udp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer func() { _ = socket.Close() }()
	defer context.AfterFunc(ctx, func() { _ = socket.Close() })()
	w.mu.Lock()
	group := w.group
	w.mu.Unlock()
	for _, address := range group {
		to, err := net.ResolveUDPAddr("udp", address)
		if err != nil {
			return err
		}
		if _, err := socket.WriteTo(datagram, to); err != nil && ctx.Err() == nil {
			return err
		}
	}
	buf := make([]byte, 64<<10)
	for {
		n, from, err := socket.ReadFrom(buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		heard(from.(*net.UDPAddr).IP.String(), buf[:n])
	}
}
