//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	line     = "out0"       // the line to the world
	end      = "end0"       // where that line ends: it has no address, so all that comes is dropped
	resolver = "192.0.2.53" // where names are asked for (RFC 5737: nobody's address)

	tryTime = 5 * time.Second
	askTime = 300 * time.Millisecond // a question is sent at once; the answer never comes
)

// build gives this process's network its links and routes, and hides the resolvers of the system.
func build() error {
	for _, args := range []string{
		"link set lo up", "link set lo multicast on", "route add 224.0.0.0/4 dev lo",
		"link add " + line + " type veth peer name " + end,
		"link set " + end + " multicast off arp off up", "link set " + line + " multicast off arp off", "addr add 192.168.77.2/32 dev " + line,
		"link set " + line + " up", "route add default dev " + line,
	} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", args, err, out)
		}
	}
	if hasIPv6() {
		for _, args := range []string{"-6 addr add fd00:77::2/128 dev " + line + " nodad", "-6 route add default dev " + line} {
			if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
				return fmt.Errorf("ip %s: %w: %s", args, err, out)
			}
		}
	}
	return resolve()
}

// hasIPv6 says whether the kernel speaks it at all.
func hasIPv6() bool {
	off, err := os.ReadFile("/proc/sys/net/ipv6/conf/" + line + "/disable_ipv6")
	return err == nil && strings.TrimSpace(string(off)) == "0"
}

// resolve has names asked for at the resolver, and nowhere else.
func resolve() error {
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("mounts of its own: %w", err)
	}
	conf, err := filepath.EvalSymlinks("/etc/resolv.conf")
	if err != nil {
		return err
	}
	for _, dir := range []string{"/run/nscd", "/run/systemd/resolve"} {
		if strings.HasPrefix(conf, dir+"/") {
			continue // the file in it is covered; its sockets are named nowhere but in nsswitch.conf, after dns
		}
		if err := syscall.Mount("none", dir, "tmpfs", 0, ""); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("hide %s: %w", dir, err)
		}
	}
	f, err := os.CreateTemp("", "resolv")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // the mount keeps it
	if _, err := f.WriteString("nameserver " + resolver + "\noptions timeout:1 attempts:1\n"); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Chmod(0o644); err != nil {
		return errors.Join(err, f.Close())
	}
	return errors.Join(f.Close(), syscall.Mount(f.Name(), conf, "", syscall.MS_BIND, ""))
}

// try proves that the counter sees what it is there for, and closes it.
func try(c *counter) error {
	ctx, cancel := context.WithTimeout(context.Background(), tryTime)
	defer cancel()
	calls := []string{"192.0.2.1:9"}
	if hasIPv6() {
		calls = append(calls, "[2001:db8::1]:9")
	}
	for _, address := range calls {
		if err := speak(ctx, address); err != nil {
			c.close()
			return fmt.Errorf("the try: %w", err)
		}
	}
	pure := net.Resolver{PreferGo: true}
	asking, enough := context.WithTimeout(ctx, askTime)
	defer enough()
	_, _ = pure.LookupHost(asking, "control.invalid.example.") // nobody answers
	seen := c.close()
	if seen.outside != len(calls) || seen.lookups == 0 {
		return fmt.Errorf("of %d calls to the internet and a look-up the counter saw: %v", len(calls), seen)
	}
	return nil
}

// speak sends one datagram.
func speak(ctx context.Context, address string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "udp", address)
	if err != nil {
		return err
	}
	_, err = c.Write([]byte("x"))
	return errors.Join(err, c.Close())
}
