package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/hap"
	"github.com/AlexxIT/go2rtc/pkg/mdns"
)

// server of the hub by its kind and name, as it is now.
func (d *demo) named(t *testing.T, name string) bridge {
	t.Helper()
	for _, h := range d.now(t).HomeKit {
		if h.Name == name {
			return h
		}
	}
	t.Fatalf("there is no server %s", name)
	return bridge{}
}

// TestAServerOfItsOwn moves a camera to a server of its own and back, draws a new code for it and has
// it forget everybody. Nobody's session on another server notices.
func TestAServerOfItsOwn(t *testing.T) {
	d := startDemo(t, t.TempDir())
	main, porch := d.server(t, "bridge"), d.server(t, "camera")
	paired := pair(t, main)
	c := session(t, main, paired)
	atPorch := session(t, porch, pair(t, porch))
	before, number := len(c.things(t)), configuration(t, main)

	d.run(t, "", "homekit", "move", "Garden", "alone")
	garden := d.named(t, "Garden")
	if n := len(c.things(t)); n != before-1 {
		t.Errorf("without the Garden there are %d accessories on the bridge, and were %d", n, before)
	}
	until(t, 10*time.Second, "the bridge says so", func() bool { return configuration(t, main) == number+1 })
	if garden.DeviceID == main.DeviceID || garden.SetupCode == main.SetupCode || garden.Port == main.Port {
		t.Errorf("the Garden's server is %+v, the bridge %+v", garden, main)
	}
	advertised(t, garden)
	d.run(t, "", "homekit", "new-code", "Garden")
	fresh := d.named(t, "Garden")
	if _, err := tryPair(garden, garden.SetupCode); err == nil || !strings.Contains(err.Error(), "verification failed") {
		t.Errorf("the old code gives %v", err)
	}
	guest := pair(t, fresh)
	atGarden := session(t, fresh, guest)
	if all := atGarden.things(t); len(all) != 1 || all[0].AID != 1 {
		t.Errorf("the Garden's server shows %+v", all)
	}
	d.run(t, "", "homekit", "forget", "Garden", "--yes")
	if err := atGarden.ends(); err != errEnded {
		t.Errorf("a session of the server that forgot: %v", err)
	}
	if lets(t, fresh, guest) {
		t.Error("the server that forgot lets its controller in")
	}
	if !open(t, fresh) {
		t.Error("the server that forgot cannot be paired")
	}
	d.run(t, "", "homekit", "move", "Garden", "bridge")
	if n := len(c.things(t)); n != before {
		t.Errorf("with the Garden there are %d accessories on the bridge, and were %d", n, before)
	}
	atPorch.things(t)
	if status, _ := c.ask(t, http.MethodGet, hap.PathCharacteristics+"?id=1.5", ""); status >= 500 {
		t.Errorf("the bridge's session: %d", status)
	}
}

// TestThePrivateServer hides a toy: it has left the bridge, and its server answers while it is armed.
func TestThePrivateServer(t *testing.T) {
	d := startDemo(t, t.TempDir())
	main := d.server(t, "bridge")
	c := session(t, main, pair(t, main))
	rocket := find(t, c.accessories(t), "Rocket", fan, rotation)
	d.run(t, "", "homekit", "move", "Rocket", "private")
	if status, r, _ := c.read(t, id(rocket)); status != http.StatusMultiStatus || r.statuses()[0] != -70409 {
		t.Errorf("a toy that was hidden reads %d %v on the bridge", status, r.statuses())
	}
	var armed struct {
		bridge
		Until time.Time `json:"armed_until"`
	}
	said := d.run(t, "", "homekit", "arm", "--json")
	if err := json.Unmarshal([]byte(said), &armed); err != nil || armed.Port == 0 {
		t.Fatalf("arm says %s: %v", said, err)
	}
	advertised(t, armed.bridge)
	paired := pair(t, armed.bridge)
	hidden := session(t, armed.bridge, paired)
	all := hidden.accessories(t)
	if strings.Contains(shape(all), "Rocket") {
		t.Errorf("the private server says what the toy is called: %s", shape(all))
	}
	there := find(t, all, "Fan 1", fan, rotation)
	hidden.put(t, `{"aid":%d,"iid":%d,"value":25}`, there.aid, there.iid)
	hidden.put(t, `{"aid":%d,"iid":%d,"value":0}`, there.aid, there.iid)
	leave(t, armed.bridge, paired)

	d.run(t, "", "homekit", "disarm")
	if _, err := tryPair(armed.bridge, armed.SetupCode); err == nil {
		t.Error("the private server takes pairings while it is locked")
	}
	if heard(t, armed.bridge) {
		t.Error("the private server is announced while it is locked")
	}
	c.things(t)
}

// heard asks the network for a bridge once, for two seconds.
func heard(t *testing.T, h bridge) bool {
	t.Helper()
	b, err := browser()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	seen := false
	b.RecvTimeout = 2 * time.Second
	_ = b.Browse(func(e *mdns.ServiceEntry) bool {
		seen = seen || e.Info[hap.TXTDeviceID] == h.DeviceID
		return seen
	})
	return seen
}
