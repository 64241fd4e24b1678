package find_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/onvif"
	"github.com/ingle-home/ingle/accessories/onvif/sim"
	"github.com/ingle-home/ingle/hub/find"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/keeper"
)

const avahiConfig = `[server]
host-name=yard
use-ipv4=yes
use-ipv6=no
allow-interfaces=v0
enable-dbus=no
[rlimits]
`

const avahiService = `<?xml version="1.0"?><!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group><name>Yard Cam</name><service><type>_rtsp._tcp</type><port>8554</port><txt-record>path=live/main</txt-record></service></service-group>
`

// TestCamerasOfANetwork finds a simulated camera by WS-Discovery, and by DNS-SD what Debian's avahi
// announces as a camera does, in a network that is made for it.
func TestCamerasOfANetwork(t *testing.T) {
	const inside = "INGLE_TEST_FIND_NETWORK"
	if os.Getenv(inside) == "" {
		again(t, inside)
		return
	}
	for _, line := range []string{
		"ip link set lo up", "ip link add v0 type veth peer name v1", "ip addr add 10.99.0.1/24 dev v0",
		"ip link set v0 up", "ip link set v1 up", "ip route add 224.0.0.0/4 dev v0",
		"mount -t tmpfs tmpfs /run", "mount -t tmpfs tmpfs /etc/avahi/services", "mkdir -p /run/avahi-daemon",
	} {
		words := strings.Fields(line)
		if out, err := exec.CommandContext(t.Context(), words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
	}
	avahi(t)
	camera, err := sim.Start(sim.Options{Listen: "10.99.0.1:0", Multicast: true, Width: 320, Height: 240, Dir: os.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = camera.Close() }()
	o := find.Options{
		Drivers: []device.Driver{onvif.New()}, Net: keeper.NewLAN(nil),
		Home: []home.Accessory{{ID: "a-porch", Kind: "camera", Driver: "onvif", Address: camera.Address()}},
	}
	deadline := time.Now().Add(30 * time.Second)
	for { // avahi needs a moment to be sure of its name
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		var said []string
		for _, f := range find.Search(ctx, o) {
			said = append(said, strings.Join([]string{f.Driver, f.Name, f.Address, f.Known}, " "))
		}
		cancel()
		// Both are on one host here, so what ONVIF found stands for the other.
		want := "onvif Porch Cam " + camera.Address() + " a-porch"
		alone := searchDNS(t, o)
		if strings.Join(said, ", ") == want && alone == "rtsp Yard Cam rtsp://10.99.0.1:8554/live/main a-porch" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("found %q, and by DNS-SD %q", said, alone)
		}
	}
}

// searchDNS is a search without the drivers.
func searchDNS(t *testing.T, o find.Options) string {
	t.Helper()
	o.Drivers = nil
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	var said []string
	for _, f := range find.Search(ctx, o) {
		said = append(said, strings.Join([]string{f.Driver, f.Name, f.Address, f.Known}, " "))
	}
	return strings.Join(said, ", ")
}

// avahi announces a camera until the test ends.
func avahi(t *testing.T) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "avahi.conf")
	for name, text := range map[string]string{config: avahiConfig, "/etc/avahi/services/yard.service": avahiService} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits", "-f", config)
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
}

// again runs the test once more, in a network of its own.
func again(t *testing.T, mark string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can make a network namespace")
	}
	for _, tool := range []string{"unshare", "ip", "mount", "avahi-daemon", "ffmpeg"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "unshare", "-n", "-m", "true").CombinedOutput(); err != nil {
		t.Skipf("this machine makes no namespaces: %v: %s", err, out)
	}
	cmd := exec.CommandContext(ctx, "unshare", "-n", "-m", "--", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), mark+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Fatalf("%v\n%s", err, out)
	}
}
