package hap_test

import (
	"context"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"

	"log/slog"
)

// TestPanicsStayWithTheirAccessory: a controller hears that it is unreachable,
// the log says it once, without the words of the panic, and all else goes on.
func TestPanicsStayWithTheirAccessory(t *testing.T) {
	t.Parallel()
	var log lines
	secret := func() (hap.Value, error) { panic("where Mia is") }
	broken, on, brightness := lamp(7, "Broken")
	on.OnWrite = func(context.Context, *hap.Peer, hap.Value) (hap.Value, error) { return secret() }
	brightness.OnRead = func(context.Context, *hap.Peer) (hap.Value, error) { return secret() }
	locked := &hap.Characteristic{Type: "25", Format: hap.FormatBool, Perms: everything | hap.PermAuth, Authorize: func([]byte) bool { panic("key") }}
	b, good, _ := lamp(2, "Lamp")
	var none []byte
	first := bridge()
	first.Services[0].Characteristics[0].OnWrite = func(context.Context, *hap.Peer, hap.Value) (hap.Value, error) { return secret() }
	o := hap.Options{
		Log:      slog.New(slog.NewTextHandler(&log, nil)),
		Snapshot: func(_ context.Context, p hap.Picture) ([]byte, error) { return []byte{none[p.AID]}, nil },
	}
	h := open(t, o, &disk{}, first, b, broken, sensor(9, "Locked", locked))
	if got := do(t, h.dial(t), 400, "POST", "/identify", ""); !strings.Contains(string(got), "-70402") {
		t.Errorf("identify: %s", got)
	}
	creds, err := haptest.Pair(h.ctx, h.addr, h.Setup().Code, haptest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := h.session(t, creds)
	for range 6 { // more often than a hung device would be asked
		for name, got := range map[string][]byte{
			"write":    put(t, c, 207, `{"aid":7,"iid":9,"value":true}`),
			"read":     do(t, c, 207, "GET", "/characteristics?id=7.10,2.10", ""),
			"snapshot": do(t, c, 207, "POST", "/resource", `{"aid":5,"image-width":640,"image-height":480,"resource-type":"image"}`),
		} {
			if !strings.Contains(string(got), "-70402") {
				t.Errorf("%s: %s", name, got)
			}
			if name == "read" && !strings.Contains(string(got), `"aid":2,"iid":10,"status":0`) {
				t.Errorf("the neighbour reads %s", got)
			}
		}
		if got := put(t, c, 207, `{"aid":9,"iid":9,"value":true,"authData":"AA=="},{"aid":2,"iid":9,"value":true}`); strings.Contains(string(got), `"aid":9,"iid":9,"status":0`) {
			t.Errorf("authorized by a panic: %s", got)
		}
	}
	if v, _ := good.Value(); !v.Bool() {
		t.Error("another accessory of the same request was not written")
	}
	text := log.String()
	for _, aid := range []string{"aid=1 ", "aid=5 ", "aid=7 ", "aid=9 "} {
		if n := strings.Count(text, aid); n != 1 {
			t.Errorf("%s is logged %d times", aid, n)
		}
	}
	if strings.Contains(text, "Mia") || !strings.Contains(text, "index out of range") {
		t.Errorf("log: %s", text)
	}
}
