package keeper

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
)

const maxDatagram = 64 << 10 // bytes

// asked is when a multicast is sent, from its beginning on: datagrams get lost, and devices that
// sleep need a moment.
func asked() []time.Duration {
	return []time.Duration{0, 300 * time.Millisecond, 1500 * time.Millisecond, 5 * time.Second}
}

// Multicast sends a datagram to a group on every network at home, four times within five seconds, and
// calls heard with each answer from home until ctx ends. device.ErrUnreachable where there is no such
// network.
func (l *LAN) Multicast(ctx context.Context, group string, datagram []byte, heard func(from string, answer []byte)) error {
	to, err := netip.ParseAddrPort(group)
	if err != nil || !to.Addr().Is4() || !to.Addr().IsMulticast() {
		return fmt.Errorf("%w: %q is no group", device.ErrRefused, group)
	}
	homes, err := homeAddresses()
	if err != nil {
		return fmt.Errorf("%w: %w", device.ErrUnreachable, err)
	}
	if len(homes) == 0 {
		return fmt.Errorf("%w: no home network", device.ErrUnreachable)
	}
	var one sync.Mutex
	errs := make([]error, len(homes))
	var asking sync.WaitGroup
	for i, home := range homes {
		asking.Go(func() {
			errs[i] = ask(ctx, home, to, datagram, func(from string, answer []byte) {
				one.Lock()
				defer one.Unlock()
				heard(from, answer)
			})
		})
	}
	asking.Wait()
	for _, err := range errs {
		if err == nil {
			return nil // one network that works is enough
		}
	}
	return fmt.Errorf("%w: %w", device.ErrUnreachable, errors.Join(errs...))
}

// homeAddresses lists our private IPv4 addresses on networks that carry multicasts.
// Connected says whether this machine is in a network that is asked for things.
func (l *LAN) Connected() bool {
	all, err := homeAddresses()
	return err == nil && len(all) > 0
}

func homeAddresses() ([]netip.Addr, error) {
	links, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var homes []netip.Addr
	for _, link := range links {
		if link.Flags&net.FlagUp == 0 || link.Flags&net.FlagMulticast == 0 {
			continue
		}
		addrs, err := link.Addrs()
		if err != nil {
			return nil, err
		}
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			if err == nil && p.Addr().Is4() && atHome(p.Addr()) && !p.Addr().IsLoopback() {
				homes = append(homes, p.Addr())
			}
		}
	}
	return homes, nil
}

// ask asks on one network. A socket that is bound to one of our addresses sends its multicasts there.
func ask(ctx context.Context, home netip.Addr, to netip.AddrPort, datagram []byte, heard func(string, []byte)) error {
	socket, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(home, 0)))
	if err != nil {
		return err
	}
	listening, cancel := context.WithCancel(ctx)
	defer context.AfterFunc(listening, func() { _ = socket.Close() })()
	var sending sync.WaitGroup
	var failed error
	sending.Go(func() {
		if failed = send(listening, socket, to, datagram); failed != nil {
			cancel() // nobody was asked
		}
	})
	defer sending.Wait()
	defer cancel()
	buf := make([]byte, maxDatagram)
	for {
		n, from, err := socket.ReadFromUDPAddrPort(buf)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			cancel()
			sending.Wait()
			return errors.Join(failed, err)
		}
		if a := from.Addr().Unmap(); atHome(a) {
			heard(a.String(), buf[:n])
		}
	}
}

func send(ctx context.Context, socket *net.UDPConn, to netip.AddrPort, datagram []byte) error {
	begin := time.Now()
	for _, at := range asked() {
		wait := time.NewTimer(time.Until(begin.Add(at)))
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil
		case <-wait.C:
		}
		if _, err := socket.WriteToUDPAddrPort(datagram, to); err != nil && at == 0 {
			return err
		}
	}
	return nil
}
