package homekit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/homekit"
)

// serve runs the server with the given key for as long as the test lasts.
func (w *world) serve(key string) (*hap.Server, string) {
	w.t.Helper()
	for _, s := range w.servers {
		if s.Key != key {
			continue
		}
		server, err := hap.New(w.t.Context(), hap.Options{
			Name: s.Name, Model: s.Model, Category: s.Category, Memory: &hap.Fleeting{},
			Snapshot: func(ctx context.Context, p hap.Picture) ([]byte, error) {
				return w.house.Snapshot(ctx, key, p)
			},
		})
		if err != nil {
			w.t.Fatal(err)
		}
		if err := server.Publish(w.t.Context(), s.Accessories...); err != nil {
			w.t.Fatal(err)
		}
		return server, w.answer(server)
	}
	w.t.Fatalf("no server %q", key)
	return nil, ""
}

func (w *world) answer(server *hap.Server) string {
	l, err := server.Listen(w.t.Context(), "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, l) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("Serve ended with %v", err)
		}
	})
	return l.Addr().String()
}

// join pairs with a server and opens a session.
func (w *world) join(key string) (*haptest.Client, *hap.Server) {
	w.t.Helper()
	server, address := w.serve(key)
	creds, err := haptest.Pair(w.t.Context(), address, server.Setup().Code, haptest.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := haptest.Open(w.t.Context(), address, creds)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	return c, server
}

func (w *world) ask(c *haptest.Client, method, path, body string, want int) string {
	w.t.Helper()
	var sent []byte
	if body != "" {
		sent = []byte(body)
	}
	status, answer, err := c.Do(method, path, sent)
	if err != nil || status != want {
		w.t.Fatalf("%s %s %s: %d %s %v, want %d", method, path, body, status, answer, err, want)
	}
	return string(answer)
}

// at is how a controller names a characteristic.
func (w *world) at(path string) (aid, iid uint64) {
	name, _, _ := strings.Cut(path, "/")
	return w.named(name).AID, w.of(path).IID
}

func (w *world) put(c *haptest.Client, path, what string, want int) string {
	w.t.Helper()
	aid, iid := w.at(path)
	return w.ask(c, "PUT", "/characteristics", fmt.Sprintf(`{"characteristics":[{"aid":%d,"iid":%d,%s}]}`, aid, iid, what), want)
}

// hears waits for an event with a value.
func (w *world) hears(c *haptest.Client, path, value string) {
	w.t.Helper()
	aid, iid := w.at(path)
	want := fmt.Sprintf(`{"aid":%d,"iid":%d,"value":%s}`, aid, iid, value)
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for {
		select {
		case e, ok := <-c.Events():
			if !ok {
				w.t.Fatal("the session ended")
			}
			if strings.Contains(string(e.Body), want) {
				return
			}
		case <-deadline.C:
			w.t.Fatalf("no event %s", want)
		}
	}
}

func TestAControllerAtARealServer(t *testing.T) {
	w := newWorld(t, &paper{})
	w.show(family(), offers())
	w.run()
	w.obey = func(_ context.Context, accessory string, cmd trait.Command) error {
		if v, ok := trait.Speed.Want(cmd); ok {
			w.bus.Publish(bus.Change{Accessory: accessory, Reading: trait.Speed.Of(v, now())})
		}
		if cmd.Trait == trait.Find.Any() {
			return fmt.Errorf("no echo: %w", context.DeadlineExceeded)
		}
		return nil
	}
	c, server := w.join(homekit.MainServer)

	var database struct {
		Accessories []struct{ AID uint64 } `json:"accessories"`
	}
	if err := json.Unmarshal([]byte(w.ask(c, "GET", "/accessories", "", 200)), &database); err != nil || len(database.Accessories) != 9 {
		t.Errorf("the database has %d accessories, %v", len(database.Accessories), err)
	}
	for _, path := range []string{"Mia SOS/85/22", "Mia SOS/89/73", "Mia at Home/86/71", "Mia's watch/96/79", active} {
		w.put(c, path, `"ev":true`, 204)
	}

	say := func(accessory string, r trait.Reading) { w.bus.Publish(bus.Change{Accessory: accessory, Reading: r}) }
	say("a-watch", trait.Reachable.Of(true, now()))
	say("a-rocket", trait.Reachable.Of(true, now()))
	say("a-watch", trait.SOS.Of(true, now()))
	w.hears(c, "Mia SOS/89/73", "0")
	say("a-watch", trait.SOS.Of(true, now()))
	w.hears(c, "Mia SOS/89/73", "0")
	say(home.EmergencyID("p-mia"), trait.Emergency.Of(true, now()))
	w.hears(c, "Mia SOS/85/22", "true")
	say(home.EmergencyID("p-mia"), trait.Emergency.Of(false, now()))
	w.hears(c, "Mia SOS/85/22", "false")
	say(home.PresenceID("p-mia", "z-home"), trait.Occupied.Of(true, now()))
	w.hears(c, "Mia at Home/86/71", "1")
	say("a-watch", trait.Battery.Of(7, now()))
	w.hears(c, "Mia's watch/96/79", "1")

	w.put(c, speed, `"value":50`, 204)
	w.hears(c, active, "1")
	w.put(c, active, `"value":0`, 204)
	if got := w.did(); got != "a-rocket speed 50, a-rocket speed 0" {
		t.Errorf("commanded: %s", got)
	}
	if got := w.put(c, "Mia's watch/49/25", `"value":true`, 207); !strings.Contains(got, "-70408") {
		t.Errorf("find without an echo: %s", got)
	}
	w.removeWhileWatching(c, server)
}

// removeWhileWatching takes an accessory away under a controller's eyes.
func (w *world) removeWhileWatching(c *haptest.Client, server *hap.Server) {
	aid, iid := w.at(speed)
	number := server.Announcement().TXT["c#"]
	w.show(without(family(), "a-rocket"), nil)
	if err := server.Publish(w.t.Context(), w.servers[0].Accessories...); err != nil {
		w.t.Fatal(err)
	}
	if got := w.ask(c, "GET", fmt.Sprintf("/characteristics?id=%d.%d", aid, iid), "", 207); !strings.Contains(got, "-70409") {
		w.t.Errorf("what has gone reads %s", got)
	}
	if now := server.Announcement().TXT["c#"]; now == number {
		w.t.Errorf("c# stayed %s", now)
	}
	w.bus.Publish(bus.Change{Accessory: home.PresenceID("p-mia", "z-home"), Reading: trait.Occupied.Of(false, now())})
	w.hears(c, "Mia at Home/86/71", "0")
}

func TestACameraOfItsOwn(t *testing.T) {
	w := newWorld(t, &paper{})
	w.show(family(), nil)
	w.run()
	c, server := w.join("a-porch")
	motion := homekit.Offer{Traits: []string{"motion"}}
	w.show(family(), map[string]homekit.Offer{"a-porch": motion})
	if err := server.Publish(t.Context(), w.servers[1].Accessories...); err != nil {
		t.Fatal(err)
	}
	w.put(c, "Porch/85/22", `"ev":true`, 204)
	w.bus.Publish(bus.Change{Accessory: "a-porch", Reading: trait.Reachable.Of(true, now())})
	w.bus.Publish(bus.Change{Accessory: "a-porch", Reading: trait.Motion.Of(true, now())})
	w.hears(c, "Porch/85/22", "true") // so it is known to be there
	if ci := server.Announcement().TXT["ci"]; ci != "17" {
		t.Errorf("a camera announces itself as %s", ci)
	}
	if got := w.ask(c, "POST", "/resource", `{"image-width":64,"image-height":48,"resource-type":"image"}`, 200); got != "a-porch 64x48" {
		t.Errorf("its picture is %s", got)
	}
	if _, err := w.house.Snapshot(t.Context(), "a-porch", hap.Picture{AID: 2, Width: 64, Height: 48}); !errors.Is(err, hap.StatusNotFound) {
		t.Errorf("a second camera: %v", err)
	}
}

// TestACameraObeysTheHousehold reads and writes the operating mode as a controller does. The formats are
// those of HAP-NodeJS, since the library of the other definitions is older than this service.
func TestACameraObeysTheHousehold(t *testing.T) {
	w := newWorld(t, &paper{})
	doorbell := map[string]homekit.Offer{"a-porch": {Traits: []string{"motion", "doorbell"}}}
	w.show(family(), doorbell)
	w.run()
	c, server := w.join("a-porch")
	if ci := server.Announcement().TXT["ci"]; ci != "18" {
		t.Errorf("a doorbell announces itself as %s", ci)
	}
	for _, path := range []string{"Porch/21A/21B", "Porch/21A/227", "Porch/85/75", "Porch/121/73"} {
		w.put(c, path, `"ev":true`, 204)
	}
	says := func(accessory string, r trait.Reading) { w.bus.Publish(bus.Change{Accessory: accessory, Reading: r}) }
	says("a-porch", trait.Reachable.Of(true, now()))
	w.hears(c, "Porch/85/75", "true")
	says(home.PrivacySwitch, trait.Privacy.Of(true, now()))
	w.hears(c, "Porch/21A/227", "true")
	says("a-porch", trait.Active.Of(false, now()))
	w.hears(c, "Porch/85/75", "false") // it sees nothing
	says("a-porch", trait.Doorbell.Of(true, now()))
	w.hears(c, "Porch/121/73", "0")
	if got := w.of("Porch/21A/21B"); got.Format != hap.FormatUint8 || got.Perms != hap.PermRead|hap.PermWrite|hap.PermEvents {
		t.Errorf("HomeKitCameraActive is %s %b", got.Format, got.Perms)
	}
	w.reads("Porch/21A/21B", "0", hap.StatusOK)
	w.put(c, "Porch/21A/21B", `"value":1`, 204)
	if did := w.did(); did != "a-porch active true" {
		t.Errorf("did %q", did)
	}
	const still = `{"image-width":64,"image-height":48,"resource-type":"image","reason":%d}`
	for reason, path := range []string{"Porch/21A/225", "Porch/21A/223"} {
		w.ask(c, "POST", "/resource", fmt.Sprintf(still, reason), 200)
		w.put(c, path, `"value":0`, 204)
		if got := w.ask(c, "POST", "/resource", fmt.Sprintf(still, reason), 207); !strings.Contains(got, "-70412") {
			t.Errorf("a refused picture: %s", got)
		}
	}
	again := newWorld(t, w.paper) // after a restart
	again.show(family(), doorbell)
	again.reads("Porch/21A/223", "0", hap.StatusOK)
	again.reads("Porch/21A/225", "0", hap.StatusOK)
}
