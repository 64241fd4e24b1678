package setracker_test

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/setracker"
)

// after lets a test's own time pass.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// inside runs a test of the door in its own time, with one expected watch.
func inside(t *testing.T, f func(t *testing.T, s *street, r *running)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStreet(t)
		r := begin(t, setracker.New(), s.config(watch))
		f(t, s, r)
		r.end(t)
	})
}

func TestOfOneSubnetEightStay(t *testing.T) {
	inside(t, func(t *testing.T, s *street, _ *running) {
		live := s.call("203.0.113.200")
		wantText(t, "known", live.say(frame(watch, "LK", "")), "[3G*3456789012*0002*LK]")
		for _, net := range []string{"203.0.113.%d", "2001:db8:7:%d::1"} {
			stay := 0
			for i := range 100 {
				if c := s.call(fmt.Sprintf(net, i)); !c.closed() {
					stay++
				}
			}
			if stay != 8 {
				t.Errorf("%d of 100 stay, want 8", stay)
			}
		}
		wantText(t, "known", live.say(frame(watch, "LK", "")), "[3G*3456789012*0002*LK]")
	})
}

func TestOfAllStrangersSixtyFourStayAndMakeRoomAgain(t *testing.T) {
	inside(t, func(t *testing.T, s *street, _ *running) {
		var stay []*caller
		for i := range 200 {
			if c := s.call(fmt.Sprintf("10.1.%d.1", i)); !c.closed() {
				stay = append(stay, c)
			}
		}
		if len(stay) != 64 {
			t.Fatalf("%d stay, want 64", len(stay))
		}
		if n := strings.Count(s.logged(), "too many unknown"); n != 1 {
			t.Errorf("136 refusals at one time gave %d lines of log", n)
		}
		stay[0].Close()
		synctest.Wait()
		if s.call("10.2.0.1").closed() {
			t.Error("the place of one who left is not free")
		}
		if !s.call("10.2.0.2").closed() {
			t.Error("one more than 64 stays")
		}
	})
}

func TestOneConnectionSpeaksForThreeIDs(t *testing.T) {
	inside(t, func(t *testing.T, s *street, r *running) {
		c := s.call("10.0.0.1")
		for i := range 3 {
			id := fmt.Sprint(7000000001 + i)
			wantText(t, id, c.say(frame(id, "LK", "")), "[3G*"+id+"*0002*LK]")
		}
		wantText(t, "an expected ID that is not the first", c.say(frame(watch, "LK", "1,2,3")), "")
		if !c.closed() {
			t.Error("four IDs, and it is open")
		}
		wantText(t, "reported", r.reported(), "")
	})
}

func TestOneConnectionIsHeardForItsFirstIDOnly(t *testing.T) {
	inside(t, func(t *testing.T, s *street, r *running) {
		c := s.call("10.0.0.1")
		c.say(frame("7000000001", "LK", "1,2,3"))
		c.say(frame(watch, "LK", "1,2,3"))
		wantText(t, "reported", r.reported(), "")
	})
}

func TestTimeRunsOut(t *testing.T) {
	inside(t, func(t *testing.T, s *street, _ *running) {
		silent, slow, idle := s.call("10.0.0.1"), s.call("10.0.1.1"), s.call("10.0.2.1")
		idle.say(frame(watch, "LK", ""))
		for i := range 29 {
			slow.say("[3G*3456789012*0010*LK,1234567890123"[i : i+1])
			after(time.Second)
		}
		if silent.closed() || slow.closed() {
			t.Error("closed before 30 s")
		}
		after(2 * time.Second)
		if !silent.closed() || !slow.closed() {
			t.Error("no frame in 30 s, and it is open")
		}
		after(14 * time.Minute)
		if idle.closed() {
			t.Error("closed before 15 minutes")
		}
		after(2 * time.Minute)
		if !idle.closed() {
			t.Error("15 minutes idle, and it is open")
		}
	})
}

func TestFloodIsCutOffAndHasteIsNot(t *testing.T) {
	inside(t, func(t *testing.T, s *street, _ *running) {
		flood := s.call("10.0.0.1")
		got := flood.say(strings.Repeat(frame(watch, "LK", ""), 1000))
		if n := strings.Count(got, "LK"); n != 200 || !flood.closed() {
			t.Errorf("%d of 1000 frames answered, closed: %v", n, flood.closed())
		}
		fast := s.call("10.0.0.1")
		for range 60 {
			fast.say(strings.Repeat(frame(watch, "LK", ""), 20))
			after(time.Second)
		}
		if fast.closed() {
			t.Error("20 frames a second are allowed")
		}
	})
}

// Every state is stored, so whoever knows an ID could fill the disk with ever new connections.
func TestCallingAgainIsNoWayToFlood(t *testing.T) {
	inside(t, func(t *testing.T, s *street, r *running) {
		for range 20 {
			c := s.call("10.0.0.1")
			c.say(strings.Repeat(frame(watch, "LK", "5,0,70"), 150))
			c.Close()
			after(time.Second)
		}
		if n := strings.Count(r.reported(), "battery"); n < 200 || n > 200+21*20 {
			t.Errorf("%d states of 3000 in 20 s were reported, want 200 and 20 a second", n)
		}
		c := s.call("10.0.0.1")
		c.say(frame(watch, "AL", where))
		if got := r.reported(); !strings.Contains(got, "sos") && !strings.Contains(got, "alarm") {
			t.Errorf("an alarm after the flood was not told: %q", got)
		}
	})
}

func TestLockedFirmwareIsNamed(t *testing.T) {
	inside(t, func(t *testing.T, s *street, _ *running) {
		c := s.call("10.0.0.1")
		c.say("\xffAQ")
		if c.closed() {
			t.Error("closed too early")
		}
		c.say("SH\x00\x10")
		if !c.closed() || !strings.Contains(s.logged(), "locked to its maker") {
			t.Errorf("closed: %v, log: %s", c.closed(), s.logged())
		}
	})
}

func TestGarbageHarmsNobody(t *testing.T) {
	inside(t, func(t *testing.T, s *street, r *running) {
		c := s.call("10.0.0.1")
		for _, junk := range []string{"GET / HTTP/1.1\r\n\r\n", strings.Repeat("[[[*", 9000), "\x16\x03\x01\x02\x00\x01",
			"[3G*1*0002*LK]", "[3G*345678901234567890123*0002*LK]", "[3G*3456789012*zzzz*LK]"} {
			wantText(t, "answer to junk", c.say(junk), "")
		}
		wantText(t, "after junk", c.say(frame(watch, "LK", "5,0,70")), "[3G*3456789012*0002*LK]")
		wantText(t, "reported", r.reported(), "battery=70 steps=5")
	})
}

func TestStrangersSeeWhatTheWatchSees(t *testing.T) {
	inside(t, func(t *testing.T, s *street, r *running) {
		const stranger = "7000000001"
		known, unknown := s.call("10.0.0.1"), s.call("10.0.1.1")
		for _, m := range [][2]string{{"LK", ""}, {"LK", "1,2,3"}, {"INIT", "x"}, {"CONFIG", "TY:a"}, {"UD", where}, {"TKQ", ""}} {
			a, b := known.say(frame(watch, m[0], m[1])), unknown.say(frame(stranger, m[0], m[1]))
			wantText(t, m[0], strings.ReplaceAll(b, stranger, watch), a)
			if m[0] != "UD" && a == "" {
				t.Errorf("%s is not answered", m[0])
			}
		}
		r.reported()
		unknown.say(frame(stranger, "AL", where))
		unknown.say(frame(stranger, "heart", "80"))
		wantText(t, "reported of a stranger", r.reported(), "")
	})
}

// The same over real sockets: loopback has many subnets.
func TestSubnetsOfRealSockets(t *testing.T) {
	s := &loopback{}
	r := run(t, setracker.New(), s.config(watch))
	stay := map[string]int{}
	for i := range 20 {
		for _, subnet := range []string{"127.0.1.", "127.0.2."} {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(fmt.Sprint(subnet, i+1))}}
			c, err := d.DialContext(t.Context(), "tcp", s.address())
			if err != nil {
				t.Skipf("this machine's loopback has one address only: %v", err)
			}
			defer c.Close()
			_, _ = c.Write([]byte(frame("7000000001", "LK", "")))
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
			if n, _ := c.Read(make([]byte, 64)); n > 0 {
				stay[subnet]++
			}
		}
	}
	if stay["127.0.1."] != 8 || stay["127.0.2."] != 8 {
		t.Errorf("stay: %v, want 8 of each", stay)
	}
	r.end(t)
}

func TestABrokenDoorEndsRunsAndIsOpenedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, d := newStreet(t), setracker.New()
		first, second := begin(t, d, s.config(watch)), begin(t, d, s.config("7000000001"))
		s.at.Close()
		if err := <-first.ended; !errors.Is(err, device.ErrUnreachable) {
			t.Errorf("Run gives %v", err)
		}
		again := begin(t, d, s.config(watch))
		if err := <-second.ended; !errors.Is(err, device.ErrUnreachable) {
			t.Errorf("Run gives %v", err)
		}
		wantText(t, "the new door", s.call("10.0.0.1").say(frame(watch, "LK", "")), "[3G*3456789012*0002*LK]")
		again.end(t)
		if s.opened != 2 {
			t.Errorf("the door was opened %d times", s.opened)
		}
	})
}
