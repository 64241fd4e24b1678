package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/hap"
)

// post asks the hub's own API, over the socket that its commands use.
func (d *demo) post(t *testing.T, path string, body any) {
	t.Helper()
	c := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(d.dir, "hub.sock"))
		},
	}}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Post("http://hub/api/v1"+path, "application/json", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if said, _ := io.ReadAll(res.Body); res.StatusCode >= 300 {
		t.Fatalf("%s: %s %s", path, res.Status, said)
	}
}

// bridges are the servers that hold many accessories, in the hub's order.
func (d *demo) bridges() []bridge {
	return slices.DeleteFunc(slices.Clone(d.HomeKit), func(h bridge) bool { return h.Kind == "camera" })
}

// TestCheck21MoreThanOneBridgeHolds brings 160 places into the home: each is an accessory, "Mia at …".
func TestCheck21MoreThanOneBridgeHolds(t *testing.T) {
	d := startDemo(t, t.TempDir())
	first := d.server(t, "bridge")
	paired := []*hap.Client{pair(t, first)}
	c := session(t, first, paired[0])
	for i := range 160 {
		d.post(t, "/zones", map[string]any{"name": fmt.Sprintf("Place %d", i), "lat": 50 + float64(i)/100, "lon": 5, "radius": 100})
	}
	was := d.now(t).bridges()
	if len(was) != 2 || was[0].DeviceID != first.DeviceID || was[0].Port != first.Port || was[1].Port == first.Port {
		t.Fatalf("the bridges are %+v; the first was %+v", was, first)
	}
	paired = append(paired, pair(t, was[1]))
	second := session(t, was[1], paired[1])
	shapes := []string{shape(c.accessories(t)), shape(second.accessories(t))}
	many, more := len(c.things(t)), len(second.things(t))
	if many != 150 || many+more < 162 {
		t.Errorf("the bridges show %d and %d accessories", many, more)
	}

	d.kill(t)
	again := startDemo(t, d.dir)
	again.run(t, d.Password+"\n", "unlock", "--password-stdin")
	is := again.now(t).bridges()
	if len(is) != 2 || is[0].DeviceID != was[0].DeviceID || is[1].DeviceID != was[1].DeviceID || is[0].Port != was[0].Port || is[1].Port != was[1].Port {
		t.Fatalf("the bridges were %+v and are %+v", was, is)
	}
	c, second = session(t, is[0], paired[0]), session(t, is[1], paired[1])
	for i, s := range []*controller{c, second} {
		if now := shape(s.accessories(t)); now != shapes[i] {
			t.Errorf("the accessories of bridge %d were\n%sand are\n%s", i, shapes[i], now)
		}
	}
	leave(t, is[0], paired[0])
	if err := c.ends(); err != errEnded {
		t.Errorf("the session of the bridge that was left: %v", err)
	}
	if now := shape(second.accessories(t)); now != shapes[1] {
		t.Error("unpairing one bridge changed the other")
	}
}
