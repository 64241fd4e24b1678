package e2e

import (
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/hap"
	"github.com/AlexxIT/go2rtc/pkg/mdns"
)

// advertised asks the network for a bridge, with go2rtc's browser: a plain question by multicast.
func advertised(t *testing.T, h bridge) *mdns.ServiceEntry {
	t.Helper()
	var seen *mdns.ServiceEntry
	until(t, 15*time.Second, "the bridge is on mDNS", func() bool {
		b, err := browser()
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		_ = b.Browse(func(e *mdns.ServiceEntry) bool { // what it fails by is that nobody answers
			if e.Complete() && e.Info[hap.TXTDeviceID] == h.DeviceID {
				seen = e
			}
			return seen != nil
		})
		return seen != nil
	})
	return seen
}

// browser asks on the machine itself, which go2rtc's own browsers leave out.
func browser() (mdns.Browser, error) {
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	return mdns.Browser{Service: mdns.ServiceHAP, Addr: mdns.MulticastAddr, Recv: conn, Sends: []net.PacketConn{conn},
		RecvTimeout: time.Second, SendTimeout: time.Second}, err
}

// configuration is the c# that the network hears.
func configuration(t *testing.T, h bridge) int {
	t.Helper()
	n, err := strconv.Atoi(advertised(t, h).Info[hap.TXTConfigNumber])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestCheck19TheNumberOfTheDatabase adds and removes things in a running hub. The number moves by one
// each time, not for values or for a thing that is gone for a while, and sessions stay.
func TestCheck19TheNumberOfTheDatabase(t *testing.T) {
	t.Parallel()
	d := startDemo(t, t.TempDir())
	h := d.server(t, "bridge")
	c := session(t, h, pair(t, h))
	before := c.things(t)
	rocket := find(t, c.accessories(t), "Rocket", fan, rotation)
	c.subscribe(t, []place{rocket})
	number := configuration(t, h)
	step := func(what string, by int) {
		t.Helper()
		var got int
		until(t, 10*time.Second, what+" is on mDNS", func() bool {
			got = configuration(t, h)
			return got >= number+by
		})
		<-time.After(300 * time.Millisecond) // and does not go on
		if got = configuration(t, h); got != number+by {
			t.Errorf("%s: c# went from %d to %d, want %d more", what, number, got, by)
		}
		number = got
		if status, _ := c.ask(t, http.MethodGet, hap.PathCharacteristics+"?id=1.2", ""); status >= 500 {
			t.Errorf("%s: the session answers %d", what, status)
		}
	}
	d.run(t, "", "do", "Rocket", "speed", "50")
	d.run(t, "", "do", "Rocket", "speed", "0")
	step("a value", 0)
	d.simulate(t, "rocket/drop")
	step("a thing that is gone for a while", 0)
	d.run(t, "", "zones", "add", "Grandma", "--lat", "52.2", "--lon", "5.3", "--radius", "100")
	step("an added accessory", 1)
	after := c.things(t)
	if len(after) != len(before)+1 {
		t.Errorf("there were %d accessories, and are %d", len(before), len(after))
	}
	until(t, 20*time.Second, "the Rocket is back", func() bool {
		status, _, _ := c.read(t, id(rocket))
		return status == http.StatusOK
	})
	step("a thing that is back", 0)
	c.put(t, `{"aid":%d,"iid":%d,"value":25}`, rocket.aid, rocket.iid)
	c.put(t, `{"aid":%d,"iid":%d,"value":0}`, rocket.aid, rocket.iid)
	d.run(t, "", "add", "buttplug", "--address", d.Simulators["rocket"], "--name", "Comet")
	step("a second toy", 1)
	name := find(t, c.accessories(t), "Comet", fan, configuredName)
	c.put(t, `{"aid":%d,"iid":%d,"value":"Tail"}`, name.aid, name.iid)
	step("a service's new name", 1)
	c.put(t, `{"aid":%d,"iid":%d,"value":"Tail"}`, name.aid, name.iid)
	step("the same name again", 0)
	d.run(t, "", "remove", d.idOf(t, "Rocket"))
	step("a removed accessory", 1)
	status, r, _ := c.read(t, id(rocket))
	if status != http.StatusMultiStatus || r.statuses()[0] != -70409 {
		t.Errorf("a removed accessory reads %d %v, want -70409", status, r.statuses())
	}
	left := map[uint64]bool{}
	for _, a := range c.things(t) {
		left[a.AID] = true
	}
	comet := find(t, c.accessories(t), "Comet", fan, rotation)
	if slices.ContainsFunc(after, func(a thing) bool { return a.AID == comet.aid }) {
		t.Errorf("the Comet has the number %d of another accessory", comet.aid)
	}
	for _, a := range after {
		if left[a.AID] != (a.AID != rocket.aid) {
			t.Errorf("after the Rocket left, accessory %d is there: %v", a.AID, left[a.AID])
		}
	}
}

// idOf is the hub's own name of a thing.
func (d *demo) idOf(t *testing.T, name string) string {
	t.Helper()
	var list []struct{ ID, Name string }
	if err := json.Unmarshal([]byte(d.run(t, "", "list", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if a.Name == name {
			return a.ID
		}
	}
	t.Fatalf("there is no %s", name)
	return ""
}

// TestCheck25WhatTheNetworkHears looks at the record of each of the hub's servers, before and after
// somebody pairs.
func TestCheck25WhatTheNetworkHears(t *testing.T) {
	t.Parallel()
	d := startDemo(t, t.TempDir())
	for _, h := range d.HomeKit {
		e := advertised(t, h)
		category, setupID := "2", h.SetupURI[len(h.SetupURI)-4:]
		if h.Kind == "camera" {
			category = "18" // the demo's Porch has a bell
		}
		hash := sha512.Sum512([]byte(setupID + h.DeviceID))
		for key, want := range map[string]string{
			"id": h.DeviceID, "s#": "1", "sf": "1", "ff": "0", "ci": category, "pv": "1.1",
			"sh": base64.StdEncoding.EncodeToString(hash[:4]), "md": e.Info["md"],
		} {
			if got := e.Info[key]; got != want || got == "" {
				t.Errorf("%s: %s is %q, want %q", h.Name, key, got, want)
			}
		}
		if n, err := strconv.Atoi(e.Info["c#"]); err != nil || n < 1 || n > 65535 || len(e.Info) != 9 {
			t.Errorf("%s: c# is %q of %v", h.Name, e.Info["c#"], e.Info)
		}
		if int(e.Port) != h.Port || strings.Contains(e.Name, ".") {
			t.Errorf("%s is announced as %q at port %d, and listens at %d", h.Name, e.Name, e.Port, h.Port)
		}
	}
	h := d.server(t, "bridge")
	paired := pair(t, h)
	state := func(want string) {
		t.Helper()
		until(t, 10*time.Second, "sf="+want, func() bool { return advertised(t, h).Info["sf"] == want })
	}
	state("0")
	leave(t, h, paired)
	state("1")
}

// TestCheck25AfterALinkBounce takes the network away and gives it back: the hub says again who it is,
// without being asked.
func TestCheck25AfterALinkBounce(t *testing.T) {
	t.Parallel()
	cable(t, "ingle0", "10.77.0.1")
	link, err := net.InterfaceByName("ingle0")
	if err != nil {
		t.Fatal(err)
	}
	ear, err := net.ListenMulticastUDP("udp4", link, mdns.MulticastAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer ear.Close()
	d := startDemo(t, t.TempDir(), "--lan")
	h := d.server(t, "bridge")
	hears := func(within time.Duration) bool {
		packet := make([]byte, 9000)
		_ = ear.SetReadDeadline(time.Now().Add(within))
		for {
			n, err := ear.Read(packet)
			if err != nil {
				return false
			}
			if said := packet[:n]; n > 12 && said[2]&0x80 != 0 && bytes.Contains(said, []byte("id="+h.DeviceID)) && bytes.Contains(said, []byte("pv=1.1")) {
				return true
			}
		}
	}
	if !hears(20 * time.Second) {
		t.Fatal("the hub does not announce itself")
	}
	for hears(3 * time.Second) { // until it has said all it says at the start
	}
	ip(t, "link", "set", "ingle0", "down")
	<-time.After(time.Second)
	ip(t, "link", "set", "ingle0", "up")
	since := time.Now()
	if !hears(20 * time.Second) {
		t.Error("after the link came back the hub does not announce itself")
	}
	t.Logf("announced again %v after the link came back", time.Since(since))
}

// cable is a network of the machine with itself.
func cable(t *testing.T, name, address string) {
	t.Helper()
	ip(t, "link", "add", name, "type", "veth", "peer", "name", name+"b")
	t.Cleanup(func() { ip(t, "link", "del", name) })
	ip(t, "addr", "add", address+"/24", "dev", name)
	ip(t, "link", "set", name+"b", "up")
	ip(t, "link", "set", name, "up")
}

// sight is what hap-controller's browser, which remembers what it has heard, says of a server.
type sight struct {
	What    string `json:"what"`
	ID      string `json:"id"`
	Address string `json:"address"`
	Port    int    `json:"port"`
	Status  int    `json:"sf"`
	Number  int    `json:"c#"`
}

// TestCheck25ABrowserFollows lets hap-controller's browser watch while the hub comes, is paired, grows,
// is left and goes.
func TestCheck25ABrowserFollows(t *testing.T) {
	t.Parallel()
	all := startPeers(t)
	cable(t, "ingle2", "10.78.0.1")
	if r := all.call(t, map[string]any{"watch": "network", "on": "ingle2"}); r.Error != "" {
		t.Fatal(r.Error)
	}
	d := startDemo(t, t.TempDir(), "--lan")
	h := d.server(t, "bridge")
	last := func() (s sight) {
		all.mu.Lock()
		defer all.mu.Unlock()
		for _, raw := range all.told["network"] {
			var v sight
			if err := json.Unmarshal(raw, &v); err != nil {
				t.Error(err)
			} else if v.ID == h.DeviceID {
				s = v
			}
		}
		return s
	}
	sees := func(what string, ok func(sight) bool) sight {
		t.Helper()
		took := until(t, 20*time.Second, "hap-controller's browser sees that the hub "+what, func() bool { return ok(last()) })
		t.Logf("seen after %v: the hub %s", took, what)
		return last()
	}
	s := sees("has come", func(s sight) bool { return s.Status == 1 })
	if !strings.HasPrefix(s.Address, "10.7") || s.Port != h.Port { // its browser hears other networks too
		t.Errorf("the hub is seen at %s:%d", s.Address, s.Port)
	}
	paired := pair(t, h)
	s = sees("is paired", func(s sight) bool { return s.ID != "" && s.Status == 0 })
	d.run(t, "", "zones", "add", "Grandma", "--lat", "52.2", "--lon", "5.3", "--radius", "100")
	sees("has grown", func(now sight) bool { return now.Number == s.Number+1 })
	leave(t, h, paired)
	sees("was left", func(s sight) bool { return s.Status == 1 })
	d.stop(t)
	sees("has gone", func(s sight) bool { return s.What == "serviceDown" })
}

func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}
