package announce_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/announce"
	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

// asker asks one machine alone, from a port of its own and an address, as go2rtc does before each stream.
// The kernel gives it answers from nowhere else.
type asker struct{ *net.UDPConn }

func askerAt(from, to string) (asker, error) {
	conn, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.ParseIP(from)}, &net.UDPAddr{IP: net.ParseIP(to), Port: 5353})
	return asker{conn}, err
}

func mustAsk(t *testing.T, from, to string) asker {
	t.Helper()
	a, err := askerAt(from, to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// browse asks once, and returns what came within the patience; nil when nothing did.
func (a asker) browse(t *testing.T, patience time.Duration) *dns.Msg {
	t.Helper()
	query := new(dns.Msg).SetQuestion(service, dns.TypePTR)
	packet, err := query.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Write(packet); err != nil && !errors.Is(err, unix.ECONNREFUSED) {
		t.Fatal(err)
	}
	a.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 9000)
	n, err := a.Read(buf)
	if err != nil { // also that nobody listens there
		return nil
	}
	answer := new(dns.Msg)
	if err := answer.Unpack(buf[:n]); err != nil || answer.Id != query.Id || !answer.Response {
		t.Fatalf("%v to question %d: %v", answer, query.Id, err)
	}
	return answer
}

// names are the servers in an answer.
func names(m *dns.Msg) string {
	var out []string
	for _, ptr := range find[*dns.PTR](m) {
		out = append(out, strings.TrimSuffix(ptr.Ptr, "."+service))
	}
	return strings.Join(out, ", ")
}

// onCable announces a server on the cable, and waits until it answers who asks it alone, or may.
func onCable(t *testing.T, instance, id string, good func(announce.Condition) bool) *announce.Announcer {
	t.Helper()
	a := announce.New(announce.Options{})
	t.Cleanup(func() { a.Close() })
	_ = a.Set(instance, 51826, txt(id, "1", "1")) // the cable may need a moment
	seen(t, a, good)
	return a
}

// elsewhere does something on another machine: a thread in a network namespace of its own.
func elsewhere(t *testing.T, do func(machine int) error) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the machine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			err = do(unix.Gettid())
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func ip(args string) error {
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", args, err, out)
	}
	return nil
}

// street puts the other end of the cable on another machine, at 192.0.2.2 and an address of another
// network, and gives sockets there.
func street(t *testing.T, sockets func() error) {
	t.Helper()
	moved, ready := make(chan int), make(chan error)
	go func() {
		ready <- ip(fmt.Sprintf("link set street netns %d", <-moved))
	}()
	elsewhere(t, func(machine int) error {
		moved <- machine
		return errors.Join(<-ready, ip("address add 192.0.2.2/24 dev street"), ip("address add 198.51.100.7/32 dev street"),
			ip("link set street up"), sockets())
	})
}

func TestAnswersWhoAsksItAlone(t *testing.T) { inOwnNetwork(t, nil, answersWhoAsksItAlone) }

func answersWhoAsksItAlone(t *testing.T) {
	cable(t)
	run(t, "ip", "address", "add", "192.0.2.9/24", "dev", "house")
	run(t, "ip", "link", "add", "garden", "type", "veth", "peer", "name", "path")
	run(t, "ip", "address", "add", "203.0.113.1/24", "dev", "garden")
	run(t, "ip", "link", "set", "garden", "up")
	run(t, "ip", "link", "set", "path", "up")
	var neighbour, second, across, stranger, all asker
	street(t, func() error {
		if err := ip("route add 203.0.113.1 dev street"); err != nil {
			return err
		}
		for to, at := range map[*asker][2]string{
			&neighbour: {"192.0.2.2", "192.0.2.1"}, &second: {"192.0.2.2", "192.0.2.9"}, &across: {"192.0.2.2", "203.0.113.1"},
			&stranger: {"198.51.100.7", "192.0.2.1"}, &all: {"192.0.2.2", "192.0.2.255"},
		} {
			var err error
			if *to, err = askerAt(at[0], at[1]); err != nil {
				return err
			}
		}
		return nil
	})
	run(t, "ip", "route", "add", "198.51.100.0/24", "dev", "house") // an answer would get there
	a := onCable(t, "Ingle C3D41A2B", "C3D41A2B", heard)
	_ = a.Set("Porch", 51827, map[string]string{"ci": "17"})
	eventually(t, "both are told", func() bool { return names(neighbour.browse(t, time.Second)) == `Porch, Ingle\ C3D41A2B` })
	for what, from := range map[string]asker{
		"a neighbour": neighbour, "who asks the second address": second, "who asks the address of another network": across,
		"this machine": mustAsk(t, "192.0.2.1", "192.0.2.1"), "its loopback": mustAsk(t, "127.0.0.1", "127.0.0.1"),
		"its other network": mustAsk(t, "203.0.113.1", "192.0.2.1"),
	} {
		got := from.browse(t, 5*time.Second)
		if len(find[*dns.SRV](got)) != 2 || len(find[*dns.TXT](got)) != 2 || len(find[*dns.A](got)) == 0 {
			t.Errorf("%s gets %v", what, got)
			continue
		}
		if h := got.Answer[0].Header(); h.Ttl > 10 || h.Class != dns.ClassINET {
			t.Errorf("plain DNS was given %v", h)
		}
	}
	for what, from := range map[string]asker{"another network": stranger, "who asks everybody": all} {
		if got := from.browse(t, 300*time.Millisecond); got != nil {
			t.Errorf("%s gets %v", what, got)
		}
	}
}

// By IPv6 the socket of the group hears them too.
func TestAnswersWhoAsksItAloneByIPv6(t *testing.T) { inOwnNetwork(t, nil, answersByIPv6) }

func answersByIPv6(t *testing.T) {
	if _, err := os.Stat("/proc/net/if_inet6"); err != nil {
		t.Skip("this machine has no IPv6")
	}
	cable(t)
	run(t, "ip", "address", "add", "2001:db8::1/64", "dev", "house", "nodad")
	a := announce.New(announce.Options{Both: true})
	t.Cleanup(func() { a.Close() })
	const id = "C3D41A2B"
	_ = a.Set("Ingle "+id, 51826, txt(id, "1", "1")) // the cable may need a moment
	conn, err := net.DialUDP("udp6", nil, &net.UDPAddr{IP: net.ParseIP("2001:db8::1"), Port: 5353})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	eventually(t, "it answers", func() bool { return len(find[*dns.AAAA](asker{conn}.browse(t, time.Second))) > 0 })
}

// A question to the group is heard by one socket, though there are two.
func TestAnswersTheGroupOnce(t *testing.T) { inOwnNetwork(t, nil, answersTheGroupOnce) }

func answersTheGroupOnce(t *testing.T) {
	cable(t)
	onCable(t, "Ingle C3D41A2B", "C3D41A2B", heard)
	eventually(t, "it hears who asks it alone", func() bool { return mustAsk(t, "192.0.2.1", "192.0.2.1").browse(t, time.Second) != nil })
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	packet, err := new(dns.Msg).SetQuestion(service, dns.TypePTR).Pack()
	if err != nil {
		t.Fatal(err)
	}
	run(t, "ip", "route", "add", "224.0.0.0/4", "dev", "house")
	if _, err := socket.WriteTo(packet, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353}); err != nil {
		t.Fatal(err)
	}
	answers := 0
	for buf := make([]byte, 9000); ; answers++ {
		wait := 300 * time.Millisecond
		if answers == 0 {
			wait = 10 * time.Second
		}
		socket.SetReadDeadline(time.Now().Add(wait))
		if _, err := socket.Read(buf); errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
	}
	if answers != 1 {
		t.Errorf("%d answers", answers)
	}
}

// Another responder gets what is sent to this machine alone, whether it was there before us or comes
// later; when it is gone, we do.
func TestGivesWayToAnotherResponder(t *testing.T) { inOwnNetwork(t, nil, givesWayToAnotherResponder) }

func givesWayToAnotherResponder(t *testing.T) {
	cable(t)
	from := mustAsk(t, "192.0.2.1", "192.0.2.1")
	for _, when := range []string{"before", "later"} {
		var other *net.UDPConn
		open := func() (err error) {
			other, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353}) // shared, at every address
			return err
		}
		if when == "before" {
			if err := open(); err != nil {
				t.Fatal(err)
			}
			onCable(t, "Ingle C3D41A2B", "C3D41A2B", heard)
		} else if err := open(); err != nil {
			t.Fatalf("one that comes later is refused: %v", err)
		}
		if got := from.browse(t, 200*time.Millisecond); got != nil {
			t.Errorf("%s: taken from the other: %v", when, got)
		}
		other.Close()
		eventually(t, "it answers when the other is gone", func() bool { return from.browse(t, time.Second) != nil })
	}
}

// The first of two hubs answers; when it goes, the second does.
func TestTwoHubsShareThePort(t *testing.T) { inOwnNetwork(t, nil, twoHubsShareThePort) }

func twoHubsShareThePort(t *testing.T) {
	cable(t)
	from := mustAsk(t, "192.0.2.1", "192.0.2.1")
	first := onCable(t, "Ingle C3D41A2B", "C3D41A2B", heard)
	onCable(t, "Porch 0D0E0F00", "0D0E0F00", heard)
	if got := names(from.browse(t, 10*time.Second)); got != `Ingle\ C3D41A2B` {
		t.Errorf("the first answers %s", got)
	}
	first.Close()
	eventually(t, "the second answers", func() bool { return names(from.browse(t, time.Second)) == `Porch\ 0D0E0F00` })
}

// A demo on its loopback was there first: the network's questions are still for the hub.
func TestADemoLeavesTheNetwork(t *testing.T) { inOwnNetwork(t, nil, aDemoLeavesTheNetwork) }

func aDemoLeavesTheNetwork(t *testing.T) {
	cable(t)
	run(t, "ip", "link", "set", "lo", "multicast", "on")
	demo := onLoopback(t)
	set(t, demo, "Demo 0D0E0F00", 51826, txt("0D0E0F00", "1", "1"))
	seen(t, demo, heard)
	inside, outside := mustAsk(t, "127.0.0.1", "127.0.0.1"), mustAsk(t, "192.0.2.1", "192.0.2.1")
	eventually(t, "the demo answers", func() bool { return inside.browse(t, time.Second) != nil })
	onCable(t, "Ingle C3D41A2B", "C3D41A2B", heard)
	eventually(t, "the hub answers", func() bool { return names(outside.browse(t, time.Second)) == `Ingle\ C3D41A2B` })
	if got := names(inside.browse(t, 5*time.Second)); got != `Demo\ 0D0E0F00` {
		t.Errorf("on its loopback answers %s", got)
	}
}

// Debian's avahi starts after the hub: it is not refused, sees the hub, and gets what is sent to this
// machine alone until it ends.
func TestAvahiMayComeLater(t *testing.T) {
	inOwnNetwork(t, []string{"dbus-daemon", "avahi-daemon", "avahi-browse"}, avahiMayComeLater)
}

func avahiMayComeLater(t *testing.T) {
	cable(t)
	from := mustAsk(t, "192.0.2.1", "192.0.2.1")
	onCable(t, "Ingle C3D41A2B", "C3D41A2B", heard)
	eventually(t, "it answers", func() bool { return from.browse(t, time.Second) != nil })
	stop := startAvahi(t, "no")
	browse(t, func(out string) bool { return strings.HasPrefix(out, "=;house;IPv4;Ingle") })
	if got := from.browse(t, 300*time.Millisecond); got != nil {
		t.Errorf("taken from avahi: %v", got)
	}
	stop()
	eventually(t, "it answers again", func() bool { return from.browse(t, time.Second) != nil })
}
