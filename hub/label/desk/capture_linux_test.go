package desk_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	onvifsim "github.com/ingle-home/ingle/accessories/onvif/sim"
	rtspsim "github.com/ingle-home/ingle/accessories/rtsp/sim"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// capture is what the kernel saw go to one address on the loopback network.
type capture struct {
	fd   int
	to   netip.Addr
	over chan struct{}
	done sync.WaitGroup

	packets int
	ports   map[uint16]int
	calls   map[uint16]int // packets that begin a connection
	said    []byte         // all payloads
}

func watch(t *testing.T, to string) *capture {
	t.Helper()
	all := binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, unix.ETH_P_ALL))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(all))
	if err != nil {
		t.Skipf("this test needs the right to see packets: %v", err)
	}
	c := &capture{fd: fd, to: netip.MustParseAddr(to), over: make(chan struct{}), ports: map[uint16]int{}, calls: map[uint16]int{}}
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 50_000})
	c.done.Go(c.run)
	return c
}

func (c *capture) run() {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := unix.Recvfrom(c.fd, buf, 0)
		if err != nil {
			select {
			case <-c.over:
				return // nothing is left to be read
			default:
				continue
			}
		}
		if at, ok := from.(*unix.SockaddrLinklayer); ok && at.Pkttype == unix.PACKET_OUTGOING {
			c.see(buf[:n])
		}
	}
}

func (c *capture) see(p []byte) {
	if len(p) < 40 || p[0]>>4 != 4 || p[9] != unix.IPPROTO_TCP || netip.AddrFrom4([4]byte(p[16:20])) != c.to {
		return
	}
	head := int(p[0]&15) * 4
	tcp := p[head:binary.BigEndian.Uint16(p[2:4])]
	c.packets++
	c.ports[binary.BigEndian.Uint16(tcp[2:4])]++
	if tcp[13]&2 != 0 { // SYN
		c.calls[binary.BigEndian.Uint16(tcp[2:4])]++
	}
	c.said = append(c.said, tcp[int(tcp[12]>>4)*4:]...)
}

// end stops the capture; then its numbers stand.
func (c *capture) end() {
	close(c.over)
	c.done.Wait()
	_ = unix.Close(c.fd)
}

// one greeting of TLS and nothing else may be said to a device.
func (c *capture) onlyGreeting(t *testing.T, want bool) {
	t.Helper()
	if !want && len(c.said) > 0 {
		t.Errorf("%d bytes were said: %.80q", len(c.said), c.said)
	}
	if want && (len(c.said) < 6 || c.said[0] != 22 || c.said[5] != 1 || int(binary.BigEndian.Uint16(c.said[3:5])) != len(c.said)-5) {
		t.Errorf("it is not one ClientHello: %d bytes, %.80q", len(c.said), c.said)
	}
}

// TestPackets: at most twenty packets go to a device in a look, none of them a login, whatever is open.
func TestPackets(t *testing.T) {
	ports := []string{"21", "22", "23", "2323", "554", "1883", "5000", "8000", "8080", "8554", "34567", "37777"}
	for name, c := range map[string]struct {
		at    int // the end of its address
		open  []string
		mute  bool // they say nothing by themselves
		hello bool
	}{
		"all shut":                {at: 101},
		"a usual camera":          {at: 102, open: []string{"554", "8000"}, hello: true},
		"telnet and ftp":          {at: 103, open: []string{"21", "23", "554"}, hello: true},
		"everything, and it says": {at: 104, open: ports},
		"some are mute":           {at: 105, open: []string{"21", "554", "8000", "34567"}, mute: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			host := w.host(c.at)
			w.onvif("camera", host, good(onvifsim.Options{}))
			if c.hello {
				w.web(host+":443", w.ca.issue(time.Now().AddDate(1, 0, 0), false), tls.VersionTLS13)
			}
			var doors []*door
			greeting := strings.Repeat("welcome ", 100)
			if c.mute {
				greeting = ""
			}
			for _, p := range c.open {
				doors = append(doors, w.door(host+":"+p, greeting))
			}
			seen := watch(t, host)
			l := w.check("camera")
			seen.end()
			if seen.packets > 20 || seen.packets < 5 {
				t.Errorf("%d packets: %v", seen.packets, seen.ports)
			}
			seen.onlyGreeting(t, c.hello)
			for _, d := range doors {
				if d.heard() > 0 {
					t.Errorf("a door heard %d bytes", d.heard())
				}
			}
			for port, n := range seen.calls {
				if n > 1 || port == 80 { // the hub is inside there already
					t.Errorf("%d connections to port %d", n, port)
				}
			}
			t.Logf("%d packets: %v; %s", seen.packets, seen.ports, lines(l)["doors"].Text)
		})
	}
}

// TestNoLogin: neither the look nor what the driver asks to know whether strangers may watch tries a password.
func TestNoLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host := w.host(99)
	w.rtsp("camera", "rtsp://"+host+":554", rtspsim.Options{})
	w.clock.pass(25 * time.Hour) // its evidence is old
	asked := watch(t, host)
	if err := w.desk.Refresh(t.Context(), "camera"); err != nil {
		t.Fatal(err)
	}
	asked.end()
	for _, word := range []string{"Authorization", "UsernameToken", "PASS ", "USER "} {
		if bytes.Contains(asked.said, []byte(word)) {
			t.Errorf("somebody logs in: %q", word)
		}
	}
	if !bytes.Contains(asked.said, []byte("DESCRIBE ")) {
		t.Error("nobody asked whether strangers may watch")
	}
	looked := watch(t, host)
	w.check("camera")
	looked.end()
	looked.onlyGreeting(t, false)
	if asked.packets > 10 || looked.packets > 20 {
		t.Errorf("%d and %d packets", asked.packets, looked.packets)
	}
	t.Logf("%d packets of the driver, %d of the look", asked.packets, looked.packets)
	if _, err := w.desk.Check(t.Context(), "camera", wire.LabelCheck{}); err == nil {
		t.Error("it looks twice a day")
	}
}
