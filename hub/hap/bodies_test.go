package hap_test

import (
	"context"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/hub/hap"
)

// TestBodiesOfWrites are well formed or not, and mean what JSON says.
func TestBodiesOfWrites(t *testing.T) {
	t.Parallel()
	const far = 9007199254740993 // would be even as a float64
	a, on, _ := lamp(2, "Lamp")
	words := &hap.Characteristic{IID: far, Type: foreign(1), Format: hap.FormatString, Perms: everything}
	near := &hap.Characteristic{IID: far - 1, Type: foreign(2), Format: hap.FormatString, Perms: everything}
	a.Services[1].Characteristics = append(a.Services[1].Characteristics, words, near)
	_, _, c := paired(t, hap.Options{}, bridge(), a)
	for body, want := range map[string]string{
		`{"aid":2,"iid":9007199254740993,"value":"far"}`:                            "far",
		`{"iid":9007199254740993,"value":"\u00e4\ud83d\ude00\/\"\\\t","aid":2}`:     "ä😀/\"\\\t",
		`{"aid":2,"iid":9007199254740993,"value":"\ud83d"}`:                         "\ufffd",
		`{"aid":2,"iid":9007199254740993,"value":"\ude00\ud83dA"}`:                  "\ufffd\ufffdA",
		`{"aid":2,"iid":9007199254740993,"value":"first","value":"last"}`:           "last",
		`{"aid":9,"aid":2,"iid":9007199254740993,"value":"id"}`:                     "id",
		`{"aid":2,"iid":9007199254740993,"new":{"a":[1,{"b":null}]},"value":"new"}`: "new",
		`{"aid":2,"iid":9007199254740993,"v\u0061lue":"escaped"}`:                   "escaped",
		`{"aid":2,"iid":9007199254740993,"value":"x","remote":true,"authData":""}`:  "x",
		"{\t\"aid\" : 2 ,\r\n \"iid\":9007199254740993,\"value\":\"space\"}":        "space",
		`{"aid":2,"iid":9007199254740993,"value":"","ev":0}`:                        "",
	} {
		put(t, c, 204, body)
		if v, _ := words.Value(); v != hap.String(want) {
			t.Errorf("%s: %v", body, v)
		}
	}
	if v, _ := near.Value(); !v.Null() {
		t.Errorf("another characteristic was written: %v", v)
	}
	for body, want := range map[string]bool{`1`: true, `0`: false, `true`: true, `false`: false} {
		put(t, c, 204, `{"aid":2,"iid":9,"value":`+body+`,"ev":`+body+`}`)
		if v, _ := on.Value(); v != hap.Bool(want) {
			t.Errorf("%s: %v", body, v)
		}
		if got := entries(t, do(t, c, 200, "GET", "/characteristics?id=2.9&ev=1", "")); *got[0].EV != want {
			t.Errorf("ev %s: %v", body, *got[0].EV)
		}
	}
	for _, value := range []string{
		`18446744073709551616`, `-9223372036854775809`, `1e999`, `-1e999`, strings.Repeat("9", 5000), `0.` + strings.Repeat("1", 100),
		`{}`, `[]`, `null`, `""`, `"1"`, `2`, `-1`, `1.5`, `"` + strings.Repeat("x", 100_000) + `"`,
	} {
		if got := entries(t, put(t, c, 207, `{"aid":2,"iid":9,"value":`+value+`}`)); *got[0].Status != -70410 {
			t.Errorf("%.40s: %+v", value, got)
		}
	}
}

// TestMalformedBodies are refused as a whole, and the session lives.
func TestMalformedBodies(t *testing.T) {
	t.Parallel()
	a, on, _ := lamp(2, "Lamp")
	_, _, c := paired(t, hap.Options{}, bridge(), a)
	entry := func(value string) string { return `{"characteristics":[{"aid":2,"iid":9,"value":` + value + `}]}` }
	for _, body := range []string{
		``, ` `, `null`, `1`, `"x"`, `{`, `}`, `{}`, `[]`, `{"characteristics":null}`, `{"characteristics":[]}`, `{"characteristics":[1]}`,
		`{"characteristics":[{}]}`, `{"characteristics":[{"iid":9,"value":1}]}`, `{"characteristics":[{"aid":"2","iid":9,"value":1}]}`,
		`{"characteristics":[{"aid":2,"iid":18446744073709551616,"value":1}]}`, `{"characteristics":[{"aid":2.0,"iid":9,"value":1}]}`,
		`{"characteristics":[{"aid":2,"iid":9,"value":1},]}`, `{"characteristics":[{"aid":2,"iid":9,"value":1}]`, entry(`1`) + `x`, entry(`1`) + entry(`1`),
		entry(`01`), entry(`1.`), entry(`.5`), entry(`+1`), entry(`NaN`), entry(`Infinity`), entry(`tru`), entry(`"a`), entry(`"\x"`), entry(`"\u12"`),
		entry("\"\n\""), entry("'a'"), entry(strings.Repeat("[", 17) + strings.Repeat("]", 17)), strings.Repeat(`{"a":`, 100_000),
		`{"pid":-1,` + entry(`1`)[1:], `{"pid":null,` + entry(`1`)[1:], `{"pid":18446744073709551616,` + entry(`1`)[1:], "\xef\xbb\xbf" + entry(`1`), "\x00",
	} {
		if got := do(t, c, 400, "PUT", "/characteristics", body); string(got) != `{"status":-70410}` {
			t.Errorf("%.60q: %s", body, got)
		}
	}
	for _, body := range []string{``, `{}`, `[]`, `{"ttl":1}`, `{"pid":1}`, `{"ttl":-1,"pid":1}`, `{"ttl":1,"pid":1.5}`, `{"ttl":1,"pid":"1"}`, `{"ttl":1e9,"pid":1}`, `{"ttl":1,"pid":1}]`} {
		if got := do(t, c, 400, "PUT", "/prepare", body); string(got) != `{"status":-70410}` {
			t.Errorf("prepare %q: %s", body, got)
		}
	}
	if v, _ := on.Value(); !v.Null() {
		t.Errorf("something was written: %v", v)
	}
	put(t, c, 204, `{"aid":2,"iid":9,"value":1}`)
}

// TestOrderOfRefusals: where an entry breaks several rules, HAP says which one
// it hears of.
func TestOrderOfRefusals(t *testing.T) {
	t.Parallel()
	a, _, _ := lamp(2, "Lamp")
	reached := make(chan uint64, 16)
	with := func(iid uint64, perms hap.Perms, admin bool) {
		c := &hap.Characteristic{IID: iid, Type: foreign(iid), Format: hap.FormatBool, Perms: perms, AdminOnly: admin, Authorize: func(b []byte) bool { return len(b) > 0 }}
		c.OnWrite = func(context.Context, *hap.Peer, hap.Value) (hap.Value, error) {
			reached <- iid
			return hap.Value{}, nil
		}
		a.Services[1].Characteristics = append(a.Services[1].Characteristics, c)
	}
	with(20, hap.PermRead, true)
	with(21, hap.PermRead|hap.PermWrite|hap.PermAuth|hap.PermTimed, true)
	with(22, hap.PermRead|hap.PermWrite|hap.PermAuth|hap.PermTimed, false)
	with(23, hap.PermRead|hap.PermWrite|hap.PermTimed, false)
	h, _, admin := paired(t, hap.Options{}, bridge(), a)
	guest := h.guest(t, admin)
	write := func(entry, pid string) int {
		t.Helper()
		got := entries(t, do(t, guest, 207, "PUT", "/characteristics", `{`+pid+`"characteristics":[`+entry+`]}`))
		if got[0].Status == nil || len(got[0].Value) > 0 {
			t.Fatalf("%s: %+v", entry, got)
		}
		return *got[0].Status
	}
	for _, test := range []struct {
		entry, pid string
		want       int
	}{
		{`{"aid":2,"iid":99}`, `"pid":5,`, -70409},
		{`{"aid":9,"iid":9,"value":1,"ev":true,"r":true}`, ``, -70409},
		{`{"aid":2,"iid":20,"value":1,"ev":true}`, `"pid":5,`, -70410},
		{`{"aid":2,"iid":20,"r":true}`, ``, -70410},
		{`{"aid":2,"iid":20,"value":"x","ev":true}`, ``, -70406},
		{`{"aid":2,"iid":20,"value":"x"}`, ``, -70404},
		{`{"aid":2,"iid":21,"value":"x"}`, ``, -70401},
		{`{"aid":2,"iid":22,"value":"x"}`, ``, -70411},
		{`{"aid":2,"iid":22,"value":"x","authData":"AQ=="}`, ``, -70410},
		{`{"aid":2,"iid":23,"value":true}`, ``, -70410},
		{`{"aid":2,"iid":9,"value":true,"ev":2}`, ``, -70410},
	} {
		if got := write(test.entry, test.pid); got != test.want {
			t.Errorf("%s %s: %d, want %d", test.entry, test.pid, got, test.want)
		}
	}
	if len(reached) != 0 {
		t.Errorf("a refused value reached the device: %d", <-reached)
	}
	do(t, guest, 200, "PUT", "/prepare", `{"ttl":20000,"pid":6}`)
	if got := do(t, guest, 204, "PUT", "/characteristics", `{"pid":6,"characteristics":[{"aid":2,"iid":22,"value":1,"authData":"AQ=="},{"aid":2,"iid":23,"value":1}]}`); len(got) != 0 {
		t.Errorf("%s", got)
	}
	if first, second := <-reached, <-reached; first != 22 || second != 23 {
		t.Errorf("%d, then %d", first, second)
	}
}

// TestWriteResponse is given where it is asked for and allowed, and fits.
func TestWriteResponse(t *testing.T) {
	t.Parallel()
	a, _, _ := lamp(2, "Lamp")
	raw := &hap.Characteristic{IID: 20, Type: foreign(1), Format: hap.FormatTLV8, Perms: hap.PermRead | hap.PermWrite | hap.PermWriteResponse, MaxBytes: 8}
	raw.OnWrite = func(_ context.Context, _ *hap.Peer, v hap.Value) (hap.Value, error) {
		switch string(v.Bytes()) {
		case "none":
			return hap.Value{}, nil
		case "long":
			return hap.Bytes(make([]byte, 9)), nil
		case "kind":
			return hap.Int(1), nil
		case "busy":
			return hap.Bytes([]byte("ignored")), hap.StatusBusy
		}
		return hap.Bytes([]byte("answer")), nil
	}
	a.Services[1].Characteristics = append(a.Services[1].Characteristics, raw)
	_, _, c := paired(t, hap.Options{}, bridge(), a)
	for word, want := range map[string]string{
		"good": `"status":0,"value":"YW5zd2Vy"`, "none": `"status":0`, "long": `"status":-70402`, "kind": `"status":-70402`, "busy": `"status":-70403`,
	} {
		got := put(t, c, 207, `{"aid":2,"iid":20,"value":`+hap.Bytes([]byte(word)).String()+`,"r":true}`)
		if string(got) != `{"characteristics":[{"aid":2,"iid":20,`+want+`}]}` {
			t.Errorf("%s: %s", word, got)
		}
	}
	put(t, c, 204, `{"aid":2,"iid":20,"value":"`+"AQ=="+`"}`)
	got := put(t, c, 207, `{"aid":2,"iid":9,"value":true,"r":1}`)
	if want := `{"characteristics":[{"aid":2,"iid":9,"status":0}]}`; string(got) != want {
		t.Errorf("without the permission: %s", got)
	}
	if v, _ := raw.Value(); v != hap.Bytes([]byte{1}) {
		t.Errorf("the response was kept instead of the value: %v", v)
	}
}
