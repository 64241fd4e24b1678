package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/onvif"
	"github.com/ingle-home/ingle/accessories/onvif/sim"
	"github.com/ingle-home/ingle/hub/keeper"
)

// A camera is found by multicast, in a network that is made for it, and opens at the address that was
// found. Another client finds it as well.
func TestACameraIsFound(t *testing.T) {
	const inside = "INGLE_TEST_CAMERA_NETWORK"
	if os.Getenv(inside) == "" {
		again(t, inside)
		return
	}
	for _, line := range []string{
		"link set lo up", "link add v0 type veth peer name v1", "addr add 10.99.0.1/24 dev v0",
		"link set v0 up", "link set v1 up", "route add 224.0.0.0/4 dev v0",
	} {
		if out, err := exec.CommandContext(t.Context(), "ip", strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", line, err, out)
		}
	}
	camera, err := sim.Start(sim.Options{Listen: "10.99.0.1:0", Multicast: true, WrongHost: "192.0.2.7", Width: 320, Height: 240, Dir: os.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = camera.Close() }()
	lan := keeper.NewLAN(nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var found []device.Candidate
	if err := onvif.New().Discover(ctx, lan, func(c device.Candidate) {
		found = append(found, c)
		cancel()
	}); err != nil {
		t.Fatal(err)
	}
	want := device.Candidate{Driver: "onvif", Name: "Porch Cam", Model: "Sim 1", Address: camera.Address()}
	if len(found) != 1 || found[0].Name != want.Name || found[0].Model != want.Model || found[0].Address != want.Address {
		t.Fatalf("found %+v, not %+v", found, want)
	}
	s, err := onvif.New().Open(t.Context(), device.Config{
		Address: found[0].Address, Fields: map[string]string{"user": "hub"}, Net: lan, Now: time.Now,
		Secret: func(string) device.Secret { return device.NewSecret("porch-light") },
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.Offer().Model != "Sim 1" {
		t.Errorf("it is a %s", s.Offer().Model)
	}
	foundByAnother(t)
}

// foundByAnother has npm's onvif look for the camera, where it is installed.
func foundByAnother(t *testing.T) {
	t.Helper()
	const judge = "../accessories/onvif/testdata/judge"
	if _, err := os.Stat(judge + "/node_modules/onvif"); err != nil {
		t.Log("npm's onvif is not installed here: run `npm ci` in accessories/onvif/testdata/judge, or `make test`")
		return
	}
	cmd := exec.CommandContext(t.Context(), "node", "judge.js", "find")
	cmd.Dir = judge
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("192.0.2.7")) {
		t.Errorf("another client finds %s, %v", out, err)
	}
}

// again runs the test once more, in a network of its own.
func again(t *testing.T, mark string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can make a network namespace")
	}
	for _, tool := range []string{"unshare", "ip"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "unshare", "-n", "true").CombinedOutput(); err != nil {
		t.Skipf("this machine makes no namespaces: %v: %s", err, out)
	}
	cmd := exec.CommandContext(ctx, "unshare", "-n", "--", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(slices.Clone(os.Environ()), mark+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Fatalf("%v\n%s", err, out)
	}
}
