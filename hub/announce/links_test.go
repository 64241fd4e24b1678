package announce_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/announce"
	"github.com/miekg/dns"
)

// soonEnough is for a machine that does much else meanwhile; the measured time is logged.
const soonEnough = 4 * time.Second

func TestFollowsTheNetwork(t *testing.T) { inOwnNetwork(t, nil, followsTheNetwork) }

func followsTheNetwork(t *testing.T) {
	cable(t)
	const id = "C3D41A2B"
	a := announce.New(announce.Options{Both: true})
	defer a.Close()
	_ = a.Set("Ingle "+id, 51826, txt(id, "1", "1")) // the cable may need a moment
	house, err := net.InterfaceByName("house")
	if err != nil {
		t.Fatal(err)
	}
	four := listen(t, "udp4", house, "224.0.0.251")
	said := func(kind string) func(*dns.Msg) bool {
		return func(m *dns.Msg) bool {
			text := find[*dns.TXT](m)
			for _, a := range find[*dns.A](m) {
				if a.A.String() == kind && len(text) > 0 {
					return true
				}
			}
			return kind == "" && len(text) > 0
		}
	}
	within(t, "the first announcement", func() { hearWhen(t, four, id, said("192.0.2.1")) })
	if _, err := os.Stat("/proc/net/if_inet6"); err == nil {
		six := listen(t, "udp6", house, "ff02::fb")
		within(t, "the announcement by IPv6", func() {
			hearWhen(t, six, id, func(m *dns.Msg) bool { return len(find[*dns.AAAA](m)) > 0 && len(find[*dns.A](m)) > 0 })
		})
		seen(t, a, func(c announce.Condition) bool {
			return heard(c) && slices.Contains(c.Sights, announce.Sight{Interface: "house", IPv6: true, Outcome: announce.Heard})
		})
	}
	run(t, "ip", "link", "set", "house", "down")
	eventually(t, "it knows that it is cut off", func() bool { return a.State()[0].Trouble == announce.TroubleSilent })
	drain(four)
	run(t, "ip", "link", "set", "house", "up")
	within(t, "the announcement after the cable came back", func() { hearWhen(t, four, id, said("192.0.2.1")) })
	run(t, "ip", "address", "add", "192.0.2.9/24", "dev", "house")
	within(t, "the new address", func() { hearWhen(t, four, id, said("192.0.2.9")) })
	// Too short for anyone to look: the kernel told.
	run(t, "ip", "-batch", batch(t, "link set house down\nlink set house up\n"))
	drain(four)
	within(t, "the announcement after a flicker", func() { hearWhen(t, four, id, said("192.0.2.9")) })
	a.Close()
	within(t, "the goodbye", func() {
		hearWhen(t, four, id, func(m *dns.Msg) bool { return len(m.Answer) > 0 && m.Answer[0].Header().Ttl == 0 })
	})
}

// What is sent to this machine alone is for whoever was on the port before us, avahi for one.
func TestLeavesUnicastToOthers(t *testing.T) { inOwnNetwork(t, nil, leavesUnicastToOthers) }

func leavesUnicastToOthers(t *testing.T) {
	run(t, "ip", "link", "set", "lo", "up")
	other, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353}) // at every address
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	a, id := onLoopback(t), token()
	_ = a.Set("Ingle "+id, 51826, txt(id, "1", "1")) // a bare loopback may take no multicast; the port is taken
	sender, err := net.Dial("udp4", "127.0.0.1:5353")
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	if _, err := sender.Write([]byte("for you alone")); err != nil {
		t.Fatal(err)
	}
	other.SetReadDeadline(time.Now().Add(10 * time.Second))
	for buf, got := make([]byte, 9000), ""; got != "for you alone"; { // it hears the group besides
		n, err := other.Read(buf)
		if err != nil {
			t.Fatalf("the other one does not get it: %v", err)
		}
		got = string(buf[:n])
	}
}

// A machine without IPv6 is asked to speak both.
func TestStartsWithoutIPv6(t *testing.T) { inOwnNetwork(t, nil, startsWithoutIPv6) }

func startsWithoutIPv6(t *testing.T) {
	for _, which := range []string{"all", "default"} {
		if err := os.WriteFile("/proc/sys/net/ipv6/conf/"+which+"/disable_ipv6", []byte("1"), 0o644); err != nil {
			t.Skipf("this machine does not let IPv6 be switched off: %v", err)
		}
	}
	cable(t)
	a := announce.New(announce.Options{Both: true})
	defer a.Close()
	_ = a.Set("Ingle 1A2B", 51826, nil) // the cable may need a moment
	all := seen(t, a, heard)
	if !slices.Equal(all[0].Sights, []announce.Sight{{Interface: "house", Outcome: announce.Heard}}) {
		t.Errorf("it is seen %+v", all)
	}
}

func batch(t *testing.T, lines string) string {
	t.Helper()
	path := t.TempDir() + "/batch"
	write(t, path, lines)
	return path
}

func within(t *testing.T, what string, wait func()) {
	t.Helper()
	start := time.Now()
	wait()
	took := time.Since(start)
	t.Logf("%s came after %v", what, took.Round(time.Millisecond))
	if took > soonEnough {
		t.Errorf("%s took %v", what, took)
	}
}

func listen(t *testing.T, network string, on *net.Interface, group string) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenMulticastUDP(network, on, &net.UDPAddr{IP: net.ParseIP(group), Port: 5353})
	if err != nil {
		t.Skipf("%s takes no multicast: %v", on.Name, err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// drain forgets what was heard so far.
func drain(conn *net.UDPConn) {
	conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	for buf := make([]byte, 9000); ; {
		if _, err := conn.Read(buf); err != nil {
			return
		}
	}
}

func hearWhen(t *testing.T, group *net.UDPConn, token string, good func(*dns.Msg) bool) {
	t.Helper()
	for !good(hear(t, group, token)) {
	}
}

// A second machine on the cable claims our name, and a third one is our copy.
func TestTwoMachines(t *testing.T) { inOwnNetwork(t, nil, twoMachines) }

func twoMachines(t *testing.T) {
	cable(t)
	const id, other = "C3D41A2B", "0D0E0F00"
	a := announce.New(announce.Options{})
	defer a.Close()
	_ = a.Set("Ingle "+id, 51826, txt(id, "1", "1")) // the cable may need a moment
	seen(t, a, heard)
	b := neighbour(t, "Ingle "+id, other)
	if c := b.until(heard); c.Name != "Ingle "+id+" 2" {
		t.Errorf("the neighbour is %+v", c)
	}
	seen(t, a, heard)
	b.leave()
	eventually(t, "the cable is gone with the neighbour", func() bool {
		_, err := net.InterfaceByName("house")
		return err != nil
	})
	run(t, "ip", "link", "add", "house", "type", "veth", "peer", "name", "street")
	run(t, "ip", "address", "add", "192.0.2.1/24", "dev", "house")
	run(t, "ip", "link", "set", "house", "up")
	b = neighbour(t, "Ingle "+id, id)
	conflict := func(c announce.Condition) bool { return c.Trouble == announce.TroubleConflict }
	c, ours := b.until(conflict), seen(t, a, conflict)
	if c.Name != "Ingle "+id || ours[0].Name != "Ingle "+id {
		t.Errorf("a copy was renamed: %+v %+v", c, ours)
	}
	b.leave()
}

// machine is another machine: a test process in a network namespace of its own.
type machine struct {
	t     *testing.T
	lines *bufio.Scanner
	stop  func()
}

const neighbourEnv = "INGLE_TEST_NEIGHBOUR"

// neighbour starts a hub on another machine, at the other end of the cable.
func neighbour(t *testing.T, instance, id string) *machine {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "unshare", "-n", "--", os.Args[0], "-test.run=^TestNeighbour$", "-test.v")
	cmd.Env = append(os.Environ(), neighbourEnv+"="+instance, neighbourEnv+"_ID="+id)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, lines: bufio.NewScanner(out), stop: func() { cancel(); io.Copy(io.Discard, out); cmd.Wait() }}
	t.Cleanup(m.stop)
	for m.lines.Scan() && m.lines.Text() != "here" { // it is in its namespace
	}
	run(t, "ip", "link", "set", "street", "netns", strconv.Itoa(cmd.Process.Pid))
	return m
}

func (m *machine) until(good func(announce.Condition) bool) announce.Condition {
	m.t.Helper()
	var last string
	for m.lines.Scan() {
		var c announce.Condition
		switch err := json.Unmarshal(m.lines.Bytes(), &c); {
		case err != nil:
			m.t.Log(m.lines.Text())
			continue
		case good(c):
			return c
		}
		last = m.lines.Text()
	}
	m.t.Fatalf("the neighbour is gone; it said %s", last)
	return announce.Condition{}
}

func (m *machine) leave() { m.stop() }

// TestNeighbour is no test but the other machine.
func TestNeighbour(t *testing.T) {
	instance, id := os.Getenv(neighbourEnv), os.Getenv(neighbourEnv+"_ID")
	if instance == "" {
		t.Skip("this is the other machine of another test")
	}
	fmt.Println("here")
	eventually(t, "the cable is plugged in", func() bool {
		_, err := net.InterfaceByName("street")
		return err == nil
	})
	run(t, "ip", "link", "set", "lo", "up") // what a machine says to itself goes this way
	run(t, "ip", "address", "add", "192.0.2.2/24", "dev", "street")
	run(t, "ip", "link", "set", "street", "up")
	a := announce.New(announce.Options{})
	defer a.Close()
	_ = a.Set(instance, 51826, txt(id, "1", "1"))
	say := json.NewEncoder(os.Stdout)
	eventually(t, "somebody ends this", func() bool {
		return say.Encode(a.Check(t.Context())[0]) != nil
	})
}
