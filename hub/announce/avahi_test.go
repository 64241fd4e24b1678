package announce_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/announce"
)

// insideEnv tells the test binary that it runs in the network namespace it asked for.
const insideEnv = "INGLE_TEST_NETWORK"

// TestSeenByAvahi lets Debian's avahi look for the hub, as a machine that is not ours would. The
// test starts itself again in a network of its own, so nothing leaves the machine and nothing on
// it is disturbed.
func TestSeenByAvahi(t *testing.T) {
	if os.Getenv(insideEnv) != "" {
		seenByAvahi(t)
		return
	}
	if os.Getuid() != 0 {
		t.Skip("only root can make a network namespace")
	}
	for _, tool := range []string{"unshare", "ip", "mount", "dbus-daemon", "avahi-daemon", "avahi-browse"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "unshare", "-n", "-m", "true").CombinedOutput(); err != nil {
		t.Skipf("this machine makes no namespaces: %v: %s", err, out)
	}
	again := exec.CommandContext(ctx, "unshare", "-n", "-m", "--", os.Args[0], "-test.run=^TestSeenByAvahi$", "-test.v")
	again.Env = append(os.Environ(), insideEnv+"=1")
	out, err := again.CombinedOutput()
	switch {
	case err != nil:
		t.Fatalf("%v\n%s", err, out)
	case bytes.Contains(out, []byte("--- SKIP")):
		t.Skipf("%s", out)
	case !bytes.Contains(out, []byte("--- PASS: TestSeenByAvahi")):
		t.Fatalf("the test did not run in its network:\n%s", out)
	}
}

func seenByAvahi(t *testing.T) {
	a := announce.New(announce.Options{})
	defer a.Close()
	const instance = "Ingle v1.2 1A2B"
	// The cable is plugged in later: the announcer finds out by itself.
	if err := a.Set(instance, 51826, txt("1", "1")); !errors.Is(err, announce.ErrSilent) {
		t.Fatalf("error without a network is %v", err)
	}
	network(t)
	startAvahi(t)
	// interface ; protocol ; name ; type ; domain ; host ; address ; port ; TXT
	line := browse(t, func(out string) bool { return strings.HasPrefix(out, "=") })
	want := `=;house;IPv4;Ingle\032v1\.2\0321A2B;_hap._tcp;local;ingle-v1-2-1a2b.local;192.0.2.1;51826;`
	if !strings.HasPrefix(line, want) {
		t.Errorf("avahi sees %s\nwant %s…", line, want)
	}
	for key, value := range txt("1", "1") {
		if !strings.Contains(line, fmt.Sprintf("%q", key+"="+value)) {
			t.Errorf("avahi does not see %s=%s in %s", key, value, line)
		}
	}
	if err := a.Set(instance, 51826, txt("2", "0")); err != nil {
		t.Fatal(err)
	}
	browse(t, func(out string) bool {
		return strings.HasPrefix(out, "=") && strings.Contains(out, `"c#=2"`) && strings.Contains(out, `"sf=0"`)
	})
	a.Close()
	browse(t, func(out string) bool { return out == "" })
}

// network gives the new namespace one interface with an address. It is a pair of virtual
// Ethernets, since avahi does not look at loopback.
func network(t *testing.T) {
	t.Helper()
	run(t, "ip", "link", "set", "lo", "up")
	if out, err := exec.Command("ip", "link", "add", "house", "type", "veth", "peer", "name", "street").CombinedOutput(); err != nil {
		t.Skipf("this machine has no virtual Ethernet: %v: %s", err, out)
	}
	run(t, "ip", "address", "add", "192.0.2.1/24", "dev", "house")
	run(t, "ip", "link", "set", "house", "up")
	run(t, "ip", "link", "set", "street", "up")
	run(t, "mount", "-t", "tmpfs", "tmpfs", "/run") // avahi's socket and pid file have fixed places
}

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=/run/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
<allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>`

const avahiConfig = `[server]
host-name=neighbour
use-ipv4=yes
use-ipv6=no
allow-interfaces=house
enable-dbus=yes
[publish]
disable-publishing=yes
[rlimits]
`

func startAvahi(t *testing.T) {
	t.Helper()
	folder := t.TempDir()
	write(t, filepath.Join(folder, "bus.conf"), busConfig)
	write(t, filepath.Join(folder, "avahi.conf"), avahiConfig)
	if err := os.MkdirAll("/run/avahi-daemon", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/run/bus")
	start(t, "dbus-daemon", "--nofork", "--nopidfile", "--config-file="+filepath.Join(folder, "bus.conf"))
	eventually(t, "the bus is there", func() bool {
		_, err := os.Stat("/run/bus")
		return err == nil
	})
	start(t, "avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits", "-f", filepath.Join(folder, "avahi.conf"))
	eventually(t, "avahi answers", func() bool {
		return exec.CommandContext(t.Context(), "avahi-browse", "-t", "_none._tcp").Run() == nil
	})
}

// browse asks avahi until what it prints is good, and returns that.
func browse(t *testing.T, good func(string) bool) (found string) {
	t.Helper()
	eventually(t, "avahi-browse shows it", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		out, err := exec.CommandContext(ctx, "avahi-browse", "-rpt", "_hap._tcp").CombinedOutput()
		if err != nil {
			return false
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		found = lines[len(lines)-1] // the resolved line comes last
		return good(found)
	})
	return found
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	limit := time.After(30 * time.Second)
	for !done() {
		select {
		case <-limit:
			t.Fatalf("not within 30 s: %s", what)
		case <-again.C:
		}
	}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
}

// start runs a daemon until the end of the test.
func start(t *testing.T, name string, args ...string) {
	t.Helper()
	said := new(bytes.Buffer)
	daemon := exec.Command(name, args...)
	daemon.Stdout, daemon.Stderr = said, said
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		daemon.Process.Kill()
		daemon.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, said)
		}
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
