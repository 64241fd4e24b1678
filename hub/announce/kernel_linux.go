package announce

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// watchLinks tells of each interface that changed, as the kernel says it (rtnetlink(7)), until ctx
// ends. down means that the interface carries nothing now.
func watchLinks(ctx context.Context, changed func(index int, down bool)) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	kernel := os.NewFile(uintptr(fd), "netlink")
	defer kernel.Close()
	const groups = unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	defer context.AfterFunc(ctx, func() { kernel.Close() })()
	buf := make([]byte, 1<<16)
	for {
		n, err := kernel.Read(buf)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, unix.ENOBUFS): // too much happened at once: something did change
			changed(0, false)
		case err != nil:
			return fmt.Errorf("netlink: %w", err)
		default:
			tellChanges(buf[:n], changed)
		}
	}
}

// tellChanges reads what one read from the kernel brought.
func tellChanges(packet []byte, changed func(index int, down bool)) {
	messages, err := syscall.ParseNetlinkMessage(packet)
	if err != nil {
		return
	}
	for _, m := range messages {
		// struct ifinfomsg and struct ifaddrmsg have the index at the same place.
		if len(m.Data) < unix.SizeofIfAddrmsg {
			continue
		}
		index := int(binary.NativeEndian.Uint32(m.Data[4:]))
		switch m.Header.Type {
		case unix.RTM_DELLINK:
			changed(index, true)
		case unix.RTM_NEWLINK:
			if len(m.Data) >= unix.SizeofIfInfomsg {
				changed(index, binary.NativeEndian.Uint32(m.Data[8:])&unix.IFF_RUNNING == 0)
			}
		case unix.RTM_NEWADDR, unix.RTM_DELADDR:
			changed(index, false)
		}
	}
}

// listenGroup opens the shared socket. By IPv4 it is bound to the group itself: bound to every address,
// as package net would do it, the last one to open it takes the unicast answers of everyone else on
// this machine. IPv6 has no such address for more than one interface.
func listenGroup(six bool) (*net.UDPConn, error) {
	if six {
		return net.ListenUDP("udp6", groupOf(true))
	}
	return listenAt(groupOf(false).AddrPort().Addr().Unmap(), true)
}

// listenDirect hears what is sent to this machine alone, unless another program does: the kernel gives a
// packet to whoever opened last, and it was first. An own address that is not to be shared is refused
// while anybody listens there or at every address, but not because of who listens to the group; so it is
// tried before. Who comes later is not refused, and gets everything from then on.
func listenDirect(own netip.Addr) (*net.UDPConn, error) {
	alone, err := listenAt(own, false)
	if err != nil {
		return nil, err
	}
	if err := alone.Close(); err != nil {
		return nil, err
	}
	if own.IsLoopback() { // a demo leaves the network to a hub beside it
		return listenAt(own, true)
	}
	return listenAt(netip.IPv4Unspecified(), true)
}

func listenAt(ip netip.Addr, shared bool) (*net.UDPConn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	file := os.NewFile(uintptr(fd), "mdns")
	defer file.Close()
	if shared {
		err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	}
	if ip.IsUnspecified() { // else it hears every group that any program joined
		err = errors.Join(err, unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0))
	}
	if err := errors.Join(err, unix.Bind(fd, &unix.SockaddrInet4{Port: mdnsPort, Addr: ip.As4()})); err != nil {
		return nil, fmt.Errorf("socket: %w", err)
	}
	conn, err := net.FilePacketConn(file)
	if err != nil {
		return nil, err
	}
	return conn.(*net.UDPConn), nil
}

// usableIPv6 looks up which addresses may be told to others: neither one that the kernel still
// checks for duplicates (nothing can be sent from it yet), nor one that is about to go or changes
// from day to day for privacy.
func usableIPv6() func(netip.Addr) bool {
	const not = unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED | unix.IFA_F_DEPRECATED | unix.IFA_F_TEMPORARY
	table, err := os.ReadFile("/proc/net/if_inet6")
	if err != nil {
		return func(netip.Addr) bool { return true }
	}
	bad := map[netip.Addr]bool{}
	lines := bufio.NewScanner(bytes.NewReader(table))
	for lines.Scan() { // address, index, prefix, scope, flags, name
		f := strings.Fields(lines.Text())
		if len(f) != 6 {
			continue
		}
		raw, err := hex.DecodeString(f[0])
		ip, ok := netip.AddrFromSlice(raw)
		flags, e := strconv.ParseUint(f[4], 16, 32)
		if err == nil && e == nil && ok && flags&not != 0 {
			bad[ip] = true
		}
	}
	return func(ip netip.Addr) bool { return !bad[ip] }
}
