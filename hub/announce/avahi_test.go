package announce_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/announce"
	"github.com/miekg/dns"
)

// TestSeenByAvahi lets Debian's avahi look for the hub, as a machine that is not ours would.
func TestSeenByAvahi(t *testing.T) {
	inOwnNetwork(t, []string{"dbus-daemon", "avahi-daemon", "avahi-browse"}, seenByAvahi)
}

func seenByAvahi(t *testing.T) {
	a := announce.New(announce.Options{})
	defer a.Close()
	const instance, id = "Ingle v1.2 1A2B", "C3D41A2B"
	// The cable is plugged in later: the announcer finds out by itself.
	if err := a.Set(instance, 51826, txt(id, "1", "1")); !errors.Is(err, announce.ErrSilent) {
		t.Fatalf("error without a network is %v", err)
	}
	cable(t)
	startAvahi(t, "no")
	// interface ; protocol ; name ; type ; domain ; host ; address ; port ; TXT
	line := browse(t, func(out string) bool { return strings.HasPrefix(out, "=") })
	want := `=;house;IPv4;Ingle\032v1\.2\0321A2B;_hap._tcp;local;ingle-v1-2-1a2b.local;192.0.2.1;51826;`
	if !strings.HasPrefix(line, want) {
		t.Errorf("avahi sees %s\nwant %s…", line, want)
	}
	for key, value := range txt(id, "1", "1") {
		if !strings.Contains(line, fmt.Sprintf("%q", key+"="+value)) {
			t.Errorf("avahi does not see %s=%s in %s", key, value, line)
		}
	}
	if err := a.Set(instance, 51826, txt(id, "2", "0")); err != nil {
		t.Fatal(err)
	}
	browse(t, func(out string) bool {
		return strings.HasPrefix(out, "=") && strings.Contains(out, `"c#=2"`) && strings.Contains(out, `"sf=0"`)
	})
	a.Close()
	browse(t, func(out string) bool { return out == "" })
}

// TestReflectedByAvahi has avahi on this machine carry everything between two networks: what comes back
// is our own, though it names the address of the other network.
func TestReflectedByAvahi(t *testing.T) {
	inOwnNetwork(t, []string{"dbus-daemon", "avahi-daemon", "avahi-browse"}, reflectedByAvahi)
}

func reflectedByAvahi(t *testing.T) {
	cable(t)
	run(t, "ip", "link", "add", "garden", "type", "veth", "peer", "name", "path")
	run(t, "ip", "address", "add", "198.51.100.1/24", "dev", "garden")
	run(t, "ip", "link", "set", "garden", "up")
	run(t, "ip", "link", "set", "path", "up")
	startAvahi(t, "yes")
	garden, err := net.InterfaceByName("garden")
	if err != nil {
		t.Fatal(err)
	}
	group := listen(t, "udp4", garden, "224.0.0.251")
	a := announce.New(announce.Options{})
	defer a.Close()
	const id = "C3D41A2B"
	_ = a.Set("Ingle "+id, 51826, txt(id, "1", "1")) // the cable may need a moment
	hearWhen(t, group, id, func(m *dns.Msg) bool {   // the address of the house, in the garden
		return slices.ContainsFunc(find[*dns.A](m), func(rr *dns.A) bool { return rr.A.String() == "192.0.2.1" })
	})
	if err := a.Set("Ingle "+id, 51826, txt(id, "2", "0")); err != nil {
		t.Fatal(err)
	}
	all := seen(t, a, func(c announce.Condition) bool { return heard(c) && len(c.Sights) == 2 })
	if all[0].Name != "Ingle "+id {
		t.Errorf("its own echo renamed it: %+v", all)
	}
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
allow-interfaces=house,garden
enable-dbus=yes
[publish]
disable-publishing=yes
[reflector]
enable-reflector=%s
[rlimits]
`

func startAvahi(t *testing.T, reflect string) (stop func()) {
	t.Helper()
	run(t, "mount", "-t", "tmpfs", "tmpfs", "/run") // avahi's socket and pid file have fixed places
	folder := t.TempDir()
	write(t, filepath.Join(folder, "bus.conf"), busConfig)
	write(t, filepath.Join(folder, "avahi.conf"), fmt.Sprintf(avahiConfig, reflect))
	if err := os.MkdirAll("/run/avahi-daemon", 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/run/bus")
	start(t, "dbus-daemon", "--nofork", "--nopidfile", "--config-file="+filepath.Join(folder, "bus.conf"))
	eventually(t, "the bus is there", func() bool {
		_, err := os.Stat("/run/bus")
		return err == nil
	})
	stop = start(t, "avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits", "-f", filepath.Join(folder, "avahi.conf"))
	eventually(t, "avahi answers", func() bool {
		return exec.CommandContext(t.Context(), "avahi-browse", "-t", "_none._tcp").Run() == nil
	})
	return stop
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
