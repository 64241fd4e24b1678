package e2e

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/mdns"
)

// heard is who answers a question for HomeKit servers within a moment, by name.
func heard(t *testing.T) []string {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := mdns.Browser{Service: mdns.ServiceHAP, Addr: mdns.MulticastAddr, Recv: conn, Sends: []net.PacketConn{conn},
		RecvTimeout: time.Second, SendTimeout: time.Second}
	defer b.Close()
	var names []string
	_ = b.Browse(func(e *mdns.ServiceEntry) bool { // it ends by the clock
		names = append(names, e.Name)
		return false
	})
	return names
}

// named says whether a server with this beginning of a name is heard.
func named(t *testing.T, start string) bool {
	t.Helper()
	for _, name := range heard(t) {
		if strings.HasPrefix(name, start) {
			return true
		}
	}
	return false
}

// level is what the toy's motor does, 0 to 1.
func (d *demo) level(t *testing.T) float64 {
	t.Helper()
	m, err := d.rocket()
	if err != nil {
		t.Fatal(err)
	}
	return m.Level
}

// TestThePrivateServerOnTheNetwork makes the demo's toy private: nothing of it is heard before it is
// armed and after it is locked, a foreign controller pairs and moves it in between, and sees it at rest
// afterwards, in the session that it has.
func TestThePrivateServerOnTheNetwork(t *testing.T) {
	t.Parallel()
	d := startDemo(t, t.TempDir())
	d.run(t, "", "homekit", "move", "Rocket", "private")
	until(t, 15*time.Second, "the bridge is heard", func() bool { return named(t, "Ingle") })
	if named(t, "Bridge") {
		t.Error("the private server is heard before it is armed")
	}
	var private bridge
	if err := json.Unmarshal([]byte(d.run(t, "", "homekit", "arm", "--for", "10m", "--json")), &private); err != nil {
		t.Fatal(err)
	}
	until(t, 15*time.Second, "the private server is heard", func() bool { return named(t, "Bridge") })
	c := session(t, private, pair(t, private))
	speed := find(t, c.accessories(t), "Fan 1", fan, rotation)
	c.put(t, `{"aid":%d,"iid":%d,"value":50}`, speed.aid, speed.iid)
	until(t, 10*time.Second, "it turns", func() bool { return d.level(t) == 0.5 })

	d.run(t, "", "homekit", "disarm")
	if got := d.level(t); got != 0 {
		t.Errorf("locked, the toy turns at %v", got)
	}
	until(t, 15*time.Second, "the private server is silent", func() bool { return !named(t, "Bridge") })
	if status, r, _ := c.read(t, id(speed)); status != 200 || len(r.Characteristics) != 1 || r.Characteristics[0].Value != 0.0 {
		t.Errorf("locked, it reads %d %+v", status, r)
	}
}
