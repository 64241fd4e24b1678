package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// On a hub without an owner no port answers but the one where it is claimed, and there nothing but the claim,
// the state and the security contact. Once it has an owner, the listeners are those that its ready line names.
func TestAnUnclaimedHubAnswersOnOnePort(t *testing.T) {
	t.Parallel()
	p, c := running(t, shortDir(t), "--watch-port", "0")
	api := strings.TrimPrefix(p.ready.API, "https://")
	_, apiPort, _ := net.SplitHostPort(api)
	listening := listeners(t, p.cmd.Process.Pid)
	for _, port := range listening {
		if strconv.Itoa(port) != apiPort {
			t.Errorf("an unclaimed hub listens on port %d: %s", port, says(t, port))
		}
	}
	if len(listening) != 1 {
		t.Errorf("it listens on %v", listening)
	}
	if said := says(t, listening[0]); said != "" {
		t.Errorf("its port speaks without TLS: %q", said)
	}
	for _, path := range []string{"/", "/api/v1/people", "/api/v1/openapi.yaml", "/api/v1/docs", "/api/v1/tokens", "/api/v1/events"} {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "OPTIONS"} {
			resp, body := raw(t, api, method+" "+path, "Authorization: Bearer ingle_AAAAAAAAAAAAAAAAAAAAAAAAAA\r\n")
			if resp.StatusCode != 403 || !strings.Contains(body, wire.CodeUnclaimed) {
				t.Errorf("%s %s: %d %s", method, path, resp.StatusCode, body)
			}
		}
	}
	must[wire.SetupAnswer](t)(c.Setup(t.Context(), password))
	status := must[wire.Status](t)(c.Status(t.Context()))
	allowed := map[int]bool{}
	port, _ := strconv.Atoi(apiPort)
	allowed[port] = true
	for _, h := range status.HomeKit {
		allowed[h.Port] = true
	}
	soon(t, "HomeKit listens", func() bool { return len(listeners(t, p.cmd.Process.Pid)) > 1 })
	extra := 0
	for _, port := range listeners(t, p.cmd.Process.Pid) {
		if !allowed[port] {
			extra++ // the door for watches, which opens with the first watch
		}
	}
	if extra > 1 {
		t.Errorf("it listens on %v, and names %v", listeners(t, p.cmd.Process.Pid), allowed)
	}
}

// says is what a port answers to somebody who speaks HTTP in the clear.
func says(t *testing.T, port int) string {
	t.Helper()
	var d net.Dialer
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return ""
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
	var said []byte
	buf := make([]byte, 512)
	for len(said) < 4096 {
		n, err := conn.Read(buf)
		said = append(said, buf[:n]...)
		if err != nil {
			break
		}
	}
	if !strings.HasPrefix(string(said), "HTTP/") {
		return "" // an alert of TLS
	}
	if strings.Contains(string(said), "HTTP request to an HTTPS server") {
		return "" // Go's own words to who forgot TLS: no version, no name
	}
	return string(said)
}

// listeners are the TCP ports on which a process listens, as the kernel has it.
func listeners(t *testing.T, pid int) []int {
	t.Helper()
	own := map[string]bool{}
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil || len(links) == 0 {
		t.Fatalf("the hub's files are not to be seen: %v", err)
	}
	for _, l := range links {
		if to, err := os.Readlink(l); err == nil && strings.HasPrefix(to, "socket:[") {
			own[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] = true
		}
	}
	var ports []int
	for _, table := range []string{"tcp", "tcp6"} {
		f, err := os.Open(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			continue // a kernel without IPv6
		}
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			is := strings.Fields(lines.Text())
			if len(is) < 10 || is[3] != "0A" || !own[is[9]] {
				continue
			}
			_, port, _ := strings.Cut(is[1], ":")
			number, err := hex.DecodeString(port)
			if err != nil || len(number) != 2 {
				t.Fatalf("a line of the kernel: %s", lines.Text())
			}
			ports = append(ports, int(number[0])<<8|int(number[1]))
		}
		_ = f.Close() // it was only read
	}
	return ports
}
