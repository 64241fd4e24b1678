package hap_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// rubbish is what a broken driver may say.
func rubbish() []hap.Value {
	return []hap.Value{
		{}, hap.Float(math.NaN()), hap.Float(math.Inf(1)), hap.Float(math.Inf(-1)), hap.Float(1e300), hap.Float(-1e300), hap.Float(0.5),
		hap.Int(-1), hap.Int(101), hap.Int(math.MinInt64), hap.Int(math.MaxInt64), hap.Uint(math.MaxUint64),
		hap.String(strings.Repeat("x", 10_000)), hap.String("a\xff\xfe"), hap.String("\x00"), hap.String(""), hap.String(strings.Repeat("é", 65)),
		hap.Bytes(make([]byte, 3<<20)), hap.Bytes([]byte{1}),
	}
}

// broken is an accessory of a driver that reports rubbish wherever it can.
func broken() (a *hap.Accessory, all []*hap.Characteristic) {
	a, on, _ := lamp(3, "Broken")
	on.OnWrite = func(context.Context, *hap.Peer, hap.Value) (hap.Value, error) { return hap.Float(math.NaN()), nil }
	warmth := &hap.Characteristic{IID: 11, Type: "11", Format: hap.FormatFloat, Perms: everything, Min: hap.Float(0), Max: hap.Float(100)}
	words := &hap.Characteristic{IID: 12, Type: foreign(12), Format: hap.FormatString, Perms: everything}
	raw := &hap.Characteristic{IID: 13, Type: foreign(13), Format: hap.FormatTLV8, Perms: everything | hap.PermWriteResponse, MaxBytes: 4}
	next := 0
	raw.OnWrite = func(context.Context, *hap.Peer, hap.Value) (hap.Value, error) {
		next++
		return rubbish()[next%len(rubbish())], nil
	}
	live := &hap.Characteristic{IID: 14, Type: foreign(14), Format: hap.FormatUint8, Perms: everything, Max: hap.Int(9)}
	live.OnRead = func(context.Context, *hap.Peer) (hap.Value, error) {
		next++
		return rubbish()[next%len(rubbish())], nil
	}
	s := a.Services[1]
	s.Characteristics = append(s.Characteristics, warmth, words, raw, live)
	return a, s.Characteristics
}

// TestDriverThatReportsRubbish: reads, events and pairings of the others go on,
// and nothing that does not fit reaches a controller.
func TestDriverThatReportsRubbish(t *testing.T) {
	t.Parallel()
	lampA, onA, _ := lamp(2, "Lamp A")
	lampB, onB, _ := lamp(4, "Lamp B")
	bad, all := broken()
	h, creds, c := paired(t, hap.Options{Limits: hap.Limits{Window: time.Millisecond}}, bridge(), lampA, bad, lampB)
	watcher := h.session(t, creds)
	put(t, watcher, 204, `{"aid":2,"iid":9,"ev":true},{"aid":4,"iid":9,"ev":true}`)
	for _, c := range all {
		put(t, watcher, 204, strings.ReplaceAll(`{"aid":3,"iid":IID,"ev":true}`, "IID", hap.Uint(c.IID).String()))
	}
	state := false
	for _, v := range rubbish() {
		for _, c := range all {
			before, _ := c.Value()
			if err := c.Set(v); err != nil && !errors.Is(err, hap.StatusInvalidValue) {
				t.Errorf("%s: %v", c.Type, err)
			} else if after, _ := c.Value(); err != nil && after != before {
				t.Errorf("%s: a refused value has replaced %v with %v", c.Type, before, after)
			}
		}
		state = !state
		onA.Set(hap.Bool(state))
		onB.Set(hap.Bool(state))
		want := hap.Bool(state).String()
		seen := map[uint64]bool{}
		for len(seen) < 2 {
			for _, e := range next(t, watcher) {
				sane(t, e)
				if e.AID != 3 && string(e.Value) == want {
					seen[e.AID] = true
				}
			}
		}
		for _, e := range entries(t, do(t, c, 207, "GET", "/characteristics?id=2.9,3.9,3.10,3.11,3.12,3.13,3.14,4.9,4.99&meta=1", "")) {
			sane(t, e)
			if e.IID == 9 && e.AID != 3 && string(e.Value) != want {
				t.Errorf("another's value: %+v", e)
			}
		}
		for _, e := range entries(t, put(t, c, 207, `{"aid":3,"iid":13,"value":"AQ==","r":true},{"aid":3,"iid":9,"value":true,"r":true},{"aid":2,"iid":10,"value":7}`)) {
			sane(t, e)
		}
		database := do(t, c, 200, "GET", "/accessories", "")
		if !json.Valid(database) || !utf8.Valid(database) || bytes.Contains(database, []byte(strings.Repeat("x", 65))) {
			t.Errorf("database: %.200q", database)
		}
	}
	second := h.newcomer(t, c, 1)
	do(t, h.session(t, second), 200, "GET", "/characteristics?id=2.9", "")
	twin, _, _ := lamp(5, "Lamp A") // with the serial number of another
	var fault *hap.AccessoryError
	if err := h.Publish(h.ctx, bridge(), lampA, bad, lampB, twin); !errors.As(err, &fault) || fault.AID != 5 {
		t.Errorf("a second accessory with one serial number: %v", err)
	}
	onA.Set(hap.Bool(!state))
	if got := next(t, watcher); got[0].AID != 2 {
		t.Errorf("%+v", got)
	}
}

// sane holds a value of the broken accessory against its limits.
func sane(t *testing.T, e entry) {
	t.Helper()
	if e.AID != 3 || len(e.Value) == 0 {
		return
	}
	var v any
	if err := json.Unmarshal(e.Value, &v); err != nil || !utf8.Valid(e.Value) {
		t.Errorf("%d: %.80q: %v", e.IID, e.Value, err)
	}
	n, number := v.(float64)
	s, text := v.(string)
	_, truth := v.(bool)
	ok := map[uint64]bool{
		9: truth, 10: number && n >= 0 && n <= 100 && n == math.Trunc(n), 11: number && n >= 0 && n <= 100,
		12: text && utf8.RuneCountInString(s) <= 64, 13: text && len(s) <= 8, 14: number && n >= 0 && n <= 9,
	}
	if !ok[e.IID] {
		t.Errorf("iid %d: %.80s was sent", e.IID, e.Value)
	}
}

// TestRefusedValuesAreNamed: who wrote the driver has to know which rule it was.
func TestRefusedValuesAreNamed(t *testing.T) {
	t.Parallel()
	number := &hap.Characteristic{Type: "8", Format: hap.FormatInt, Min: hap.Int(0), Max: hap.Int(100)}
	warmth := &hap.Characteristic{Type: "11", Format: hap.FormatFloat}
	mode := &hap.Characteristic{Type: "33", Format: hap.FormatUint8, ValidValues: []int64{0, 2}}
	words := &hap.Characteristic{Type: foreign(1), Format: hap.FormatString}
	raw := &hap.Characteristic{Type: "118", Format: hap.FormatTLV8, MaxBytes: 3}
	for _, test := range []struct {
		c    *hap.Characteristic
		v    hap.Value
		rule string
	}{
		{warmth, hap.Float(math.NaN()), "finite"}, {number, hap.Float(math.Inf(1)), "finite"}, {number, hap.Float(0.5), "whole"},
		{number, hap.Int(101), "maximum"}, {number, hap.Int(-1), "minimum"}, {mode, hap.Int(256), "format"}, {mode, hap.Int(1), "valid values"},
		{words, hap.String("\xff"), "UTF-8"}, {words, hap.String(strings.Repeat("x", 10_000)), "characters"}, {words, hap.Int(1), "format"},
		{raw, hap.Bytes(make([]byte, 4)), "bytes"},
	} {
		if err := test.c.Set(test.v); err == nil || !strings.Contains(err.Error(), test.rule) {
			t.Errorf("%.20s: %v, want the word %q", test.v, err, test.rule)
		}
	}
}

// TestBadAccessoryThatWasGood goes without the sessions of the others.
func TestBadAccessoryThatWasGood(t *testing.T) {
	t.Parallel()
	a, on, _ := lamp(2, "Lamp")
	b, _, _ := lamp(3, "Other")
	h, _, c := paired(t, hap.Options{}, bridge(), a, b)
	put(t, c, 204, subscribe+`,{"aid":3,"iid":9,"ev":true}`)
	number := h.Announcement().TXT["c#"]
	worse, _, _ := lamp(3, "Other")
	worse.Services[1].Characteristics[1].Step = hap.Float(math.NaN())
	var fault *hap.AccessoryError
	if err := h.Publish(h.ctx, bridge(), a, worse); !errors.As(err, &fault) || fault.AID != 3 {
		t.Fatalf("published: %v", err)
	}
	if got := h.Announcement().TXT["c#"]; number != "1" || got != "2" {
		t.Errorf("c# went from %s to %s", number, got)
	}
	on.Set(hap.Bool(true))
	if got := next(t, c); got[0].AID != 2 {
		t.Errorf("%+v", got)
	}
	if got := entries(t, do(t, c, 207, "GET", "/characteristics?id=2.9,3.9", "")); *got[1].Status != -70409 {
		t.Errorf("%+v", got)
	}
	request := haptest.Request("GET", "/accessories", nil)
	if err := c.Send(request); err != nil {
		t.Fatal(err)
	}
	if r, err := c.Receive(); err != nil || bytes.Contains(r.Body, []byte("NaN")) || !json.Valid(r.Body) {
		t.Errorf("%s, %v", r.Body, err)
	}
}

// TestRubbishIsLoggedOnce, by number: neither again and again nor what was said.
func TestRubbishIsLoggedOnce(t *testing.T) {
	t.Parallel()
	var log lines
	a, _, brightness := lamp(2, "Lamp")
	good := false
	brightness.OnRead = func(context.Context, *hap.Peer) (hap.Value, error) {
		if good {
			return hap.Int(7), nil
		}
		return hap.String("a secret of the house"), nil
	}
	_, _, c := paired(t, hap.Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, bridge(), a)
	told := func() int { return strings.Count(log.String(), `does not fit" aid=2 iid=10`) }
	for range 20 {
		do(t, c, 207, "GET", "/characteristics?id=2.10", "")
	}
	if told() != 1 || strings.Contains(log.String(), "secret") {
		t.Errorf("log: %s", log.String())
	}
	good = true
	do(t, c, 200, "GET", "/characteristics?id=2.10", "")
	good = false
	do(t, c, 207, "GET", "/characteristics?id=2.10", "")
	if told() != 2 {
		t.Errorf("once it was good again, a bad value is news: %s", log.String())
	}
}
