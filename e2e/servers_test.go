package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/hap"
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
	t.Parallel()
	d := startDemo(t, t.TempDir())
	main, porch := d.server(t, "bridge"), d.server(t, "camera")
	paired := pair(t, main)
	c := session(t, main, paired)
	atPorch := session(t, porch, pair(t, porch))
	before, number := len(c.things(t)), configuration(t, main)
	was := shape(c.accessories(t))

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
	if is := shape(c.accessories(t)); is != was {
		t.Errorf("with the Garden again the bridge is not what it was:\n%sbut\n%s", was, is)
	}
	atPorch.things(t)
	if status, _ := c.ask(t, http.MethodGet, hap.PathCharacteristics+"?id=1.5", ""); status >= 500 {
		t.Errorf("the bridge's session: %d", status)
	}
}

// TestThePrivateServerKeepsItsSecret hides a toy: it has left the bridge, its own server calls it by no
// name, and takes nobody while it is locked.
func TestThePrivateServerKeepsItsSecret(t *testing.T) {
	t.Parallel()
	d := startDemo(t, t.TempDir())
	main := d.server(t, "bridge")
	c := session(t, main, pair(t, main))
	rocket := find(t, c.accessories(t), "Rocket", fan, rotation)
	d.run(t, "", "homekit", "move", "Rocket", "private")
	if status, r, _ := c.read(t, id(rocket)); status != http.StatusMultiStatus || r.statuses()[0] != -70409 {
		t.Errorf("a toy that was hidden reads %d %v on the bridge", status, r.statuses())
	}
	var armed bridge
	said := d.run(t, "", "homekit", "arm", "--json")
	if err := json.Unmarshal([]byte(said), &armed); err != nil || armed.Port == 0 {
		t.Fatalf("arm says %s: %v", said, err)
	}
	paired := pair(t, armed)
	if all := shape(session(t, armed, paired).accessories(t)); strings.Contains(all, "Rocket") {
		t.Errorf("the private server says what the toy is called: %s", all)
	}
	leave(t, armed, paired)
	d.run(t, "", "homekit", "disarm")
	if _, err := tryPair(armed, armed.SetupCode); err == nil {
		t.Error("the private server takes pairings while it is locked")
	}
	c.things(t)
}
