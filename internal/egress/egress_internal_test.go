//go:build linux

package main

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// actingEnv has the binary of these tests be the program.
const actingEnv = "INGLE_EGRESS_ACTING"

func TestMain(m *testing.M) {
	if os.Getenv(actingEnv) != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestWhatLeavesIsSeen has commands call the internet and ask for names, and others that do not.
func TestWhatLeavesIsSeen(t *testing.T) {
	if out, err := exec.CommandContext(t.Context(), "unshare", "-r", "-n", "-m", "true").CombinedOutput(); err != nil {
		t.Skipf("this machine gives no network of its own: %v: %s", err, out)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, script string
		status       int
		says         string
	}{
		{"nothing", "true", 0, "outside=0 lookups=0"},
		{"loopback", "exec 3<> /dev/udp/127.0.0.1/9; echo x >&3", 0, "outside=0 lookups=0"},
		{"at home", "echo x > /dev/udp/192.168.1.20/9", 0, "outside=0 lookups=0 home=1"},
		{"IPv4", "echo x > /dev/udp/198.51.100.7/9", 1, "outside=1 lookups=0 home=0\n  to 198.51.100.7:9"},
		{"IPv6", "echo x > /dev/udp/2001:db8::7/9", 1, "outside=1 lookups=0 home=0\n  to [2001:db8::7]:9"},
		{"TCP", "timeout 0.3 bash -c 'echo > /dev/tcp/198.51.100.7/443'; true", 1, "to 198.51.100.7:443"},
		{"a name", "getent hosts somebody.example.org; true", 1, "to 192.0.2.53:53"},
		{"a name server at home", "echo x > /dev/udp/192.168.1.1/53", 1, "outside=0 lookups=1"},
		{"a group of the internet", "echo x > /dev/udp/ff0e::fb/5353", 1, "outside=1"},
		{"its own status", "exit 7", 7, "outside=0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := os.Stat("/proc/net/if_inet6"); err != nil && strings.Contains(c.script, "::") {
				t.Skip("no IPv6 here")
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, program, "bash", "-c", c.script)
			cmd.Env = append(os.Environ(), actingEnv+"=1")
			out, _ := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != c.status || !strings.Contains(string(out), c.says) {
				t.Errorf("status %d, want %d with %q:\n%s", got, c.status, c.says, out)
			}
		})
	}
}
