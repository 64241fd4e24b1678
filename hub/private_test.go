package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	buttplug "github.com/ingle-home/ingle/accessories/buttplug/sim"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/homekit"
)

// markPrivate is how somebody calls what nobody else shall read of.
const markPrivate = "Quetzal Feather"

// fan is a controller's session with the private server, and the fan that it shows.
type fan struct {
	*haptest.Client
	aid           uint64
	active, speed uint64
}

// fanOf opens a session and finds the fan.
func fanOf(t *testing.T, address string, creds haptest.Credentials) fan {
	t.Helper()
	f := fan{Client: must[*haptest.Client](t)(haptest.Open(t.Context(), address, creds))}
	t.Cleanup(func() { _ = f.Close() })
	_, raw, err := f.Do("GET", "/accessories", nil)
	if err != nil || strings.Contains(string(raw), markPrivate) {
		t.Fatalf("it shows %s, %v", raw, err)
	}
	var shown struct {
		Accessories []struct {
			AID      uint64
			Services []struct {
				Type            string
				Characteristics []struct {
					IID  uint64
					Type string
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &shown); err != nil {
		t.Fatal(err)
	}
	for _, a := range shown.Accessories {
		for _, s := range a.Services {
			for _, c := range s.Characteristics {
				switch s.Type + "/" + c.Type {
				case "B7/B0":
					f.aid, f.active = a.AID, c.IID
				case "B7/29":
					f.speed = c.IID
				}
			}
		}
	}
	if f.aid == 0 {
		t.Fatalf("there is no fan in %s", raw)
	}
	return f
}

// set writes a speed and gives the answer; empty is success.
func (f fan) set(t *testing.T, percent int) string {
	t.Helper()
	_, answer, err := f.Do("PUT", "/characteristics", fmt.Appendf(nil, `{"characteristics":[{"aid":%d,"iid":%d,"value":%d}]}`, f.aid, f.speed, percent))
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// reads gives both values.
func (f fan) reads(t *testing.T) string {
	t.Helper()
	_, answer, err := f.Do("GET", fmt.Sprintf("/characteristics?id=%d.%d,%d.%d", f.aid, f.active, f.aid, f.speed), nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// private is what the hub says of the private server.
func private(t *testing.T, c *client.Client) wire.HomeKit {
	t.Helper()
	for _, s := range must[[]wire.HomeKit](t)(c.HomeKit(t.Context())) {
		if s.ID == homekit.PrivateServer {
			return s
		}
	}
	return wire.HomeKit{}
}

// at asks whether a toy's motor has a level.
func at(level float64, toy *buttplug.Sim) func() bool {
	return func() bool { return toy.Toy().Level == level }
}

// armedFan adds a private toy and arms its server, which is not there before.
func armedFan(t *testing.T, c *client.Client, toy string) (wire.Accessory, wire.HomeKit) {
	t.Helper()
	refusedAs(t, wire.CodeNoPrivate, func() error { _, err := c.Arm(t.Context(), homekit.PrivateServer, time.Minute); return err })
	refusedAs(t, wire.CodeNotPrivate, func() error { return c.Disarm(t.Context(), homekit.MainServer) })
	a := must[wire.Accessory](t)(c.Add(t.Context(), wire.AddRequest{Driver: "buttplug", Name: markPrivate, Address: toy, Private: true}))
	if s := private(t, c); s.Kind != "private" || s.Port != 0 || s.SetupCode != "" || !a.Private {
		t.Errorf("before it is armed it is %+v", s)
	}
	armed := must[wire.HomeKit](t)(c.Arm(t.Context(), homekit.PrivateServer, 10*time.Minute))
	if armed.ArmedUntil == nil || time.Until(*armed.ArmedUntil) > 10*time.Minute {
		t.Fatalf("armed it is %+v", armed)
	}
	return a, armed
}

// What is private works while its owner has armed it, stops with everything else, and is locked, at
// rest and nameless otherwise; with a real toy, a real hub and a real controller.
func TestThePrivateServer(t *testing.T) {
	t.Parallel()
	toy := must[*buttplug.Sim](t)(buttplug.Start(buttplug.Options{}))
	t.Cleanup(func() { _ = toy.Close() })
	dir := shortDir(t)
	p, c := running(t, dir)
	must[wire.SetupAnswer](t)(c.Setup(t.Context(), password))
	a, armed := armedFan(t, c, toy.Address())
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(armed.Port))
	creds := must[haptest.Credentials](t)(haptest.Pair(t.Context(), address, armed.SetupCode, haptest.Options{}))
	f := fanOf(t, address, creds)
	soon(t, "the toy answers", func() bool { return f.set(t, 60) == "" })
	soon(t, "it turns", at(0.6, toy))

	stopAll(t, c, true)
	soon(t, "everything stops", at(0, toy))
	if got := f.set(t, 60); !strings.Contains(got, "-70412") {
		t.Errorf("while everything is stopped: %s", got)
	}
	stopAll(t, c, false)
	soon(t, "it obeys again", func() bool { return f.set(t, 40) == "" })
	soon(t, "it turns again", at(0.4, toy))
	if err := c.Disarm(t.Context(), homekit.PrivateServer); err != nil {
		t.Fatal(explain(err))
	}
	if got := toy.Toy().Level; got != 0 {
		t.Errorf("locked, it turns at %v", got)
	}
	f.isLocked(t)
	stopAll(t, c, true) // works locked, too
	stopAll(t, c, false)

	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	said := p.log.String()
	p, c = running(t, dir)
	if err := c.Unlock(t.Context(), password); err != nil {
		t.Fatal(explain(err))
	}
	after := private(t, c)
	if after.ArmedUntil != nil || after.DeviceID != armed.DeviceID || !after.Paired {
		t.Errorf("after a restart it is %+v", after)
	}
	address = net.JoinHostPort("127.0.0.1", strconv.Itoa(after.Port)) // another one, if somebody took it meanwhile
	fanOf(t, address, creds).isLocked(t)
	moved := must[wire.Accessory](t)(c.Place(t.Context(), a.ID, wire.Placement{}))
	if moved.Private {
		t.Errorf("public, it is %+v", moved)
	}
	if said += p.log.String(); strings.Contains(said, markPrivate) || strings.Contains(said, "Quetzal") {
		t.Errorf("the log tells of it: %s", said)
	}
}

// isLocked checks that the fan reads as at rest and refuses.
func (f fan) isLocked(t *testing.T) {
	t.Helper()
	if got := f.reads(t); strings.Count(got, `"value":0`) != 2 || strings.Contains(got, "-70") {
		t.Errorf("locked, it reads %s", got)
	}
	if got := f.set(t, 30); !strings.Contains(got, "-70401") {
		t.Errorf("locked, a write: %s", got)
	}
}

func stopAll(t *testing.T, c *client.Client, on bool) {
	t.Helper()
	if err := c.Do(t.Context(), home.StopSwitch, wire.Do{Trait: "stop-all", Value: strconv.AppendBool(nil, on)}); err != nil {
		t.Fatal(explain(err))
	}
}

// refusedAs wants a refusal with a code.
func refusedAs(t *testing.T, code string, ask func() error) {
	t.Helper()
	var p *wire.Problem
	if err := ask(); !errors.As(err, &p) || p.Code != code {
		t.Errorf("%v, want %s", err, code)
	}
}

// Only a toy can be private, and what becomes private while it turns comes to rest.
func TestOnlyAToyIsPrivate(t *testing.T) {
	t.Parallel()
	toy := must[*buttplug.Sim](t)(buttplug.Start(buttplug.Options{}))
	t.Cleanup(func() { _ = toy.Close() })
	h := opened(t)
	cam := must[home.Accessory](t)(h.home.AddAccessory(t.Context(), home.Accessory{Name: "Porch", Driver: "rtsp", Kind: "camera"}, nil))
	refusedAs(t, wire.CodePublic, func() error { _, err := h.Place(t.Context(), cam.ID, wire.Placement{Private: true}); return err })
	if a := must[wire.Accessory](t)(h.Place(t.Context(), cam.ID, wire.Placement{Alone: true})); !a.Alone {
		t.Errorf("alone, it is %+v", a)
	}
	rocket := must[wire.Accessory](t)(h.Add(t.Context(), wire.AddRequest{Driver: "buttplug", Name: "Rocket", Address: toy.Address()}))
	soon(t, "it turns", func() bool {
		err := h.daemon.Do(t.Context(), rocket.ID, wire.Do{Trait: "speed", Value: json.RawMessage("50")})
		return err == nil && toy.Toy().Level == 0.5
	})
	if a := must[wire.Accessory](t)(h.Place(t.Context(), rocket.ID, wire.Placement{Private: true})); !a.Private || toy.Toy().Level != 0 {
		t.Errorf("private, it is %+v and turns at %v", a, toy.Toy().Level)
	}
	if err := h.close(); err != nil {
		t.Error(err)
	}
}
