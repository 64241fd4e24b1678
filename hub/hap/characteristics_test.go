package hap_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
)

func TestAccessoryDatabase(t *testing.T) {
	t.Parallel()
	a, on, _ := lamp(2, "Lamp")
	a.Services[1].Primary = true
	button := &hap.Characteristic{Type: "73", Format: hap.FormatUint8, Perms: hap.PermRead | hap.PermEvents, ValidValues: []int64{0, 2}}
	h, _, c := paired(t, hap.Options{}, bridge(), a, sensor(3, "Button", button))
	on.Set(hap.Bool(true))
	button.Set(hap.Int(2))
	body := do(t, c, 200, "GET", "/accessories", "")
	var db struct {
		Accessories []struct {
			AID      uint64
			Services []struct {
				IID             uint64
				Type            string
				Primary         bool
				Characteristics []map[string]json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(body, &db); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	if len(db.Accessories) != 3 || db.Accessories[1].AID != 2 || !db.Accessories[1].Services[1].Primary {
		t.Fatalf("%s", body)
	}
	chars := db.Accessories[1].Services[1].Characteristics
	for i, want := range []string{
		`{"format":"bool","iid":9,"perms":["pr","pw","ev"],"type":"25","value":true}`,
		`{"format":"int","iid":10,"maxValue":100,"minStep":1,"minValue":0,"perms":["pr","pw","ev"],"type":"8","unit":"percentage","value":0}`,
	} {
		if got, _ := json.Marshal(chars[i]); string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	if got := db.Accessories[2].Services[1].Characteristics[0]; string(got["value"]) != "null" || string(got["valid-values"]) != "[0,2]" {
		t.Errorf("button: %v", got)
	}
	if _, ok := db.Accessories[0].Services[0].Characteristics[0]["value"]; ok {
		t.Error("a write-only characteristic has a value")
	}
	if h.Announcement().TXT["c#"] != "1" {
		t.Errorf("c# %s", h.Announcement().TXT["c#"])
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	a, on, brightness := lamp(2, "Lamp")
	_, _, c := paired(t, hap.Options{}, bridge(), a)
	on.Set(hap.Bool(true))
	brightness.Set(hap.Int(40))
	for query, want := range map[string]string{
		"id=2.9":               `{"characteristics":[{"aid":2,"iid":9,"value":true}]}`,
		"id=2.9,2.10":          `{"characteristics":[{"aid":2,"iid":9,"value":true},{"aid":2,"iid":10,"value":40}]}`,
		"id=2.9&ev=1&type=1":   `{"characteristics":[{"aid":2,"iid":9,"value":true,"type":"25","ev":false}]}`,
		"id=2.9&meta=1":        `{"characteristics":[{"aid":2,"iid":9,"value":true,"format":"bool"}]}`,
		"perms=1&id=2.9":       `{"characteristics":[{"aid":2,"iid":9,"value":true,"perms":["pr","pw","ev"]}]}`,
		"id=1.5&new=1&other=x": `{"characteristics":[{"aid":1,"iid":5,"value":"Bridge"}]}`,
	} {
		if got := do(t, c, 200, "GET", "/characteristics?"+query, ""); string(got) != want {
			t.Errorf("%s: %s", query, got)
		}
	}
	brightness.SetStatus(hap.StatusUnreachable)
	got := do(t, c, 207, "GET", "/characteristics?id=2.9,2.10,2.77,1.2,18446744073709551615.1", "")
	want := `{"characteristics":[{"aid":2,"iid":9,"status":0,"value":true},{"aid":2,"iid":10,"status":-70402},` +
		`{"aid":2,"iid":77,"status":-70409},{"aid":1,"iid":2,"status":-70405},{"aid":18446744073709551615,"iid":1,"status":-70409}]}`
	if string(got) != want {
		t.Errorf("got %s", got)
	}
	for query, code := range map[string]int{"id=2.9,2.9": 422, "id=": 400, "": 400, "id=2": 400, "id=a.b": 400, "id=18446744073709551616.1": 400} {
		if got := do(t, c, code, "GET", "/characteristics?"+query, ""); string(got) != `{"status":-70410}` {
			t.Errorf("%s: %s", query, got)
		}
	}
}

// foreign is a type that is not Apple's.
func foreign(n uint64) string { return fmt.Sprintf("%08X-0000-1000-8000-0123456789AB", n) }

// obstacles is a lamp with a characteristic for each reason to refuse a write.
func obstacles() (a *hap.Accessory, brightness, words *hap.Characteristic) {
	a, _, brightness = lamp(2, "Lamp")
	with := func(iid uint64, perms hap.Perms) *hap.Characteristic {
		return &hap.Characteristic{IID: iid, Type: foreign(iid), Format: hap.FormatUint8, Max: hap.Int(1), Perms: perms}
	}
	admin := with(22, everything)
	admin.AdminOnly = true
	guarded := with(23, everything|hap.PermAuth)
	guarded.Authorize = func(b []byte) bool { return string(b) == "secret" }
	raw := &hap.Characteristic{IID: 26, Type: "118", Format: hap.FormatTLV8, Perms: everything | hap.PermWriteResponse}
	raw.OnWrite = func(_ context.Context, _ *hap.Peer, v hap.Value) (hap.Value, error) {
		return hap.Bytes(append(v.Bytes(), 9)), nil
	}
	words = &hap.Characteristic{IID: 27, Type: foreign(27), Format: hap.FormatString, Perms: everything, MaxLen: 5}
	s := a.Services[1]
	s.Characteristics = append(s.Characteristics, with(20, hap.PermRead), with(21, hap.PermRead|hap.PermWrite), admin, guarded,
		with(24, everything|hap.PermTimed), raw, words)
	broken := func(iid uint64, err error) {
		c := with(iid, everything)
		c.OnWrite = func(context.Context, *hap.Peer, hap.Value) (hap.Value, error) { return hap.Value{}, err }
		s.Characteristics = append(s.Characteristics, c)
	}
	broken(30, hap.StatusNotAllowed)
	broken(31, fmt.Errorf("radio: %w", errors.New("gone")))
	broken(32, context.DeadlineExceeded)
	return a, brightness, words
}

// refusedWrites are bodies of one entry, and the status that each must get.
func refusedWrites() map[string]int {
	return map[string]int{
		`{"aid":9,"iid":9,"value":1}`:                        -70409,
		`{"aid":2,"iid":99,"value":1}`:                       -70409,
		`{"aid":2,"iid":9}`:                                  -70410,
		`{"aid":2,"iid":21,"ev":true}`:                       -70406,
		`{"aid":2,"iid":20,"value":1}`:                       -70404,
		`{"aid":2,"iid":23,"value":1}`:                       -70411,
		`{"aid":2,"iid":23,"value":1,"authData":"c2VjcmVU"}`: -70411,
		`{"aid":2,"iid":24,"value":1}`:                       -70410,
		`{"aid":2,"iid":10,"value":101}`:                     -70410,
		`{"aid":2,"iid":10,"value":-1}`:                      -70410,
		`{"aid":2,"iid":10,"value":50.5}`:                    -70410,
		`{"aid":2,"iid":10,"value":"50"}`:                    -70410,
		`{"aid":2,"iid":10,"value":null}`:                    -70410,
		`{"aid":2,"iid":10,"value":{}}`:                      -70410,
		`{"aid":2,"iid":10,"value":18446744073709551615}`:    -70410,
		`{"aid":2,"iid":9,"value":2}`:                        -70410,
		`{"aid":2,"iid":9,"ev":"yes"}`:                       -70410,
		`{"aid":2,"iid":26,"value":"%%%"}`:                   -70410,
		`{"aid":2,"iid":27,"value":"longer"}`:                -70410,
		`{"aid":2,"iid":30,"value":1}`:                       -70412,
		`{"aid":2,"iid":31,"value":1}`:                       -70402,
		`{"aid":2,"iid":32,"value":1}`:                       -70408,
	}
}

func TestWriteStatuses(t *testing.T) {
	t.Parallel()
	a, brightness, words := obstacles()
	h, _, c := paired(t, hap.Options{}, bridge(), a)
	for body, want := range refusedWrites() {
		got := entries(t, put(t, c, 207, body))
		if len(got) != 1 || got[0].Status == nil || *got[0].Status != want {
			t.Errorf("%s: %+v, want %d", body, got, want)
		}
	}
	for _, body := range []string{
		`{"aid":2,"iid":9,"value":1}`, `{"aid":2,"iid":9,"value":false}`, `{"aid":2,"iid":10,"value":50}`, `{"aid":2,"iid":10,"value":50.0}`,
		`{"aid":2,"iid":22,"value":1}`, `{"aid":2,"iid":23,"value":1,"authData":"c2VjcmV0"}`, `{"aid":2,"iid":27,"value":"K\u00fcch\u0065"}`,
		`{"aid":1,"iid":2,"value":true}`,
	} {
		put(t, c, 204, body)
	}
	if v, _ := brightness.Value(); v != hap.Int(50) {
		t.Errorf("brightness %v", v)
	}
	if v, _ := words.Value(); v != hap.String("Küche") {
		t.Errorf("words %v", v)
	}
	got := put(t, c, 207, `{"aid":2,"iid":26,"value":"AQID","r":true},{"aid":2,"iid":9,"value":1},{"aid":2,"iid":77,"value":1}`)
	want := `{"characteristics":[{"aid":2,"iid":26,"status":0,"value":"AQIDCQ=="},{"aid":2,"iid":9,"status":0},{"aid":2,"iid":77,"status":-70409}]}`
	if string(got) != want {
		t.Errorf("write response: %s", got)
	}

	guest := h.guest(t, c)
	if got := entries(t, put(t, guest, 207, `{"aid":2,"iid":22,"value":1}`)); *got[0].Status != -70401 {
		t.Errorf("a guest wrote what only admins may: %+v", got)
	}
}

func TestBadRequestsLeaveTheSessionAlive(t *testing.T) {
	t.Parallel()
	a, _, _ := lamp(2, "Lamp")
	_, _, c := paired(t, hap.Options{}, bridge(), a)
	for _, body := range []string{
		``, `{`, `[]`, `{}`, `{"characteristics":[]}`, `{"characteristics":{}}`, `{"characteristics":[{"aid":2}]}`, `{"characteristics":[{"aid":2,"iid":9}]} x`,
		`{"characteristics":[{"aid":-2,"iid":9}]}`, `{"characteristics":[{"aid":2.0,"iid":9}]}`, strings.Repeat("[", 100),
		`{"x":` + strings.Repeat("[", 100), `{"pid":"a","characteristics":[{"aid":2,"iid":9,"value":1}]}`,
	} {
		if got := do(t, c, 400, "PUT", "/characteristics", body); string(got) != `{"status":-70410}` {
			t.Errorf("%q: %s", body, got)
		}
	}
	put(t, c, 422, `{"aid":2,"iid":9,"value":1},{"aid":2,"iid":9,"value":0}`)
	do(t, c, 400, "POST", "/characteristics", `{}`)
	do(t, c, 400, "PUT", "/prepare", `{"ttl":1}`)
	do(t, c, 400, "POST", "/resource", `{}`)
	do(t, c, 400, "POST", "/pair-setup", "\x06\x01\x01")
	do(t, c, 400, "POST", "/pair-verify", "\x06\x01\x01")
	do(t, c, 400, "POST", "/identify", "")
	if got := do(t, c, 404, "GET", "/nothing", ""); string(got) != `{"status":-70409}` {
		t.Errorf("unknown path: %s", got)
	}
	put(t, c, 204, `{"aid":2,"iid":9,"value":1}`)
}

func TestTimedWrite(t *testing.T) {
	t.Parallel()
	a, _, _ := lamp(2, "Lamp")
	lock := &hap.Characteristic{IID: 20, Type: "1E", Format: hap.FormatUint8, Perms: everything | hap.PermTimed}
	a.Services[1].Characteristics = append(a.Services[1].Characteristics, lock)
	_, _, c := paired(t, hap.Options{}, bridge(), a)
	write := func(want int, pid string) {
		t.Helper()
		do(t, c, want, "PUT", "/characteristics", `{"characteristics":[{"aid":2,"iid":20,"value":1}],"pid":`+pid+`}`)
	}
	prepare := func(ttl int, pid string) {
		t.Helper()
		if got := do(t, c, 200, "PUT", "/prepare", fmt.Sprintf(`{"ttl":%d,"pid":%s}`, ttl, pid)); string(got) != `{"status":0}` {
			t.Errorf("prepare: %s", got)
		}
	}
	const large = "18446744073709551615" // would not survive a float64
	write(207, large)
	prepare(20000, large)
	write(207, "18446744073709551614")
	write(204, large)
	write(207, large) // used up
	prepare(0, "5")
	write(207, "5") // late
	prepare(20000, "5")
	prepare(20000, "6")
	write(207, "5") // replaced
	write(204, "6")
	got := do(t, c, 207, "PUT", "/characteristics", `{"characteristics":[{"aid":2,"iid":9,"value":1},{"aid":2,"iid":10,"value":1}],"pid":7}`)
	for _, e := range entries(t, got) {
		if *e.Status != -70410 {
			t.Errorf("entry of a rejected timed write: %s", got)
		}
	}
}

// TestHungDevice has a device that answers no read and no write in time.
func TestHungDevice(t *testing.T) {
	t.Parallel()
	a, on, brightness := lamp(2, "Lamp")
	b, other, _ := lamp(3, "Other")
	hang := func(ctx context.Context) (hap.Value, error) {
		<-ctx.Done()
		return hap.Value{}, ctx.Err()
	}
	brightness.OnRead = func(ctx context.Context, _ *hap.Peer) (hap.Value, error) { return hang(ctx) }
	on.OnWrite = func(ctx context.Context, _ *hap.Peer, _ hap.Value) (hap.Value, error) { return hang(ctx) }
	other.OnRead = func(context.Context, *hap.Peer) (hap.Value, error) { return hap.Bool(true), nil }
	limits := hap.Limits{DeviceRead: 200 * time.Millisecond, DeviceWrite: 200 * time.Millisecond}
	_, _, c := paired(t, hap.Options{Limits: limits}, bridge(), a, b)
	got := do(t, c, 207, "GET", "/characteristics?id=2.9,2.10,3.9", "")
	want := `{"characteristics":[{"aid":2,"iid":9,"status":0,"value":false},{"aid":2,"iid":10,"status":-70408},{"aid":3,"iid":9,"status":0,"value":true}]}`
	if string(got) != want {
		t.Errorf("read: %s", got)
	}
	do(t, c, 200, "GET", "/accessories", "") // asks no device, or this would take for ever
	got = put(t, c, 207, `{"aid":2,"iid":9,"value":1},{"aid":2,"iid":10,"value":5},{"aid":3,"iid":9,"value":1}`)
	want = `{"characteristics":[{"aid":2,"iid":9,"status":-70408},{"aid":2,"iid":10,"status":-70408},{"aid":3,"iid":9,"status":0}]}`
	if string(got) != want {
		t.Errorf("write: %s", got)
	}
	if v, _ := brightness.Value(); !v.Null() {
		t.Errorf("a value was kept whose turn never came: %v", v)
	}
}

// TestWritesOfOneRequest run side by side for two accessories and in order for one.
func TestWritesOfOneRequest(t *testing.T) {
	t.Parallel()
	a, onA, brightnessA := lamp(2, "Lamp A")
	b, onB, _ := lamp(3, "Lamp B")
	met := make(chan struct{})
	calls := make(chan string, 3)
	onA.OnWrite = func(_ context.Context, p *hap.Peer, _ hap.Value) (hap.Value, error) {
		if !p.Admin() || p.Controller == "" || len(p.Secret) != 32 || !p.Remote.IsValid() {
			calls <- "bad peer"
		}
		met <- struct{}{} // returns only while B is being written
		calls <- "on"
		return hap.Value{}, nil
	}
	brightnessA.OnWrite = func(context.Context, *hap.Peer, hap.Value) (hap.Value, error) {
		calls <- "brightness"
		return hap.Value{}, nil
	}
	onB.OnWrite = func(context.Context, *hap.Peer, hap.Value) (hap.Value, error) {
		<-met
		return hap.Value{}, nil
	}
	_, _, c := paired(t, hap.Options{}, bridge(), a, b)
	put(t, c, 204, `{"aid":2,"iid":9,"value":1},{"aid":2,"iid":10,"value":7},{"aid":3,"iid":9,"value":1}`)
	if first, second := <-calls, <-calls; first != "on" || second != "brightness" {
		t.Errorf("order: %s, %s", first, second)
	}
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	h, _, c := paired(t, hap.Options{Snapshot: func(_ context.Context, p hap.Picture) ([]byte, error) {
		switch p.AID {
		case 2:
			return fmt.Appendf(nil, "JPEG %dx%d, %d", p.Width, p.Height, p.Reason), nil
		case 3:
			return nil, hap.StatusNotAllowed
		case 4:
			return nil, errors.New("no picture")
		}
		return nil, hap.StatusNotFound
	}}, bridge())
	ask := func(want, aid int, answer string) {
		t.Helper()
		body := fmt.Sprintf(`{"image-width":640,"image-height":360,"resource-type":"image","reason":0,"aid":%d}`, aid)
		if got := do(t, c, want, "POST", "/resource", body); string(got) != answer {
			t.Errorf("aid %d: %s", aid, got)
		}
	}
	ask(200, 2, "JPEG 640x360, 1")
	ask(207, 3, `{"status":-70412}`)
	ask(207, 4, `{"status":-70402}`)
	ask(404, 5, `{"status":-70409}`)
	do(t, h.dial(t), 470, "POST", "/resource", `{}`)
}
