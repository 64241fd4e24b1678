package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/hap"
)

// The places of the benchmark bridge's first lamp, by the order of its accessories.
const firstLamp = 2

// Apple's types of lamps.
const (
	lamp, on, brightness = "43", "25", "8"
	information, name    = "3E", "23"
	identifyKind         = "14"
)

// thing is an accessory as every session reads it, without go2rtc's limit of 255 for its number.
type thing struct {
	AID      uint64 `json:"aid"`
	Services []struct {
		Type            string `json:"type"`
		IID             uint64 `json:"iid"`
		Characteristics []struct {
			Type  string   `json:"type"`
			IID   uint64   `json:"iid"`
			Value any      `json:"value"`
			Perms []string `json:"perms"`
		} `json:"characteristics"`
	} `json:"services"`
}

// things reads the whole database.
func (c *controller) things(t *testing.T) []thing {
	t.Helper()
	var v struct {
		Accessories []thing `json:"accessories"`
	}
	status, raw := c.ask(t, http.MethodGet, hap.PathAccessories, "")
	if err := json.Unmarshal(raw, &v); err != nil || status != http.StatusOK {
		t.Fatalf("the accessories: %d, %v: %.200s", status, err, raw)
	}
	return v.Accessories
}

// every finds all characteristics of a type in services of a type.
func every(things []thing, service, characteristic string) []place {
	var all []place
	for _, a := range things {
		for _, s := range a.Services {
			for _, c := range s.Characteristics {
				if s.Type == service && c.Type == characteristic {
					all = append(all, place{a.AID, c.IID, c.Value})
				}
			}
		}
	}
	return all
}

// pairedBench is a bridge, a controller that is paired with it, and a session.
func pairedBench(t *testing.T, accessories int, store string) (*bench, *hap.Client, *controller) {
	t.Helper()
	b := startBench(t, accessories, store)
	paired, err := tryPair(b.bridge, b.SetupCode)
	if err != nil {
		t.Fatal(err)
	}
	return b, paired, session(t, b.bridge, paired)
}

// TestCheck07VerifyThenRequest asks at once, or soon, after a verification. Nothing may be lost.
func TestCheck07VerifyThenRequest(t *testing.T) {
	n := times(51, 450)
	waits := []time.Duration{0, 5 * time.Millisecond, 50 * time.Millisecond}
	b := startBench(t, 3, "")
	all := startPeers(t)
	admin := all.phone(t, b.bridge, nil)
	who := admin.pair(t, 0)
	id := fmt.Sprintf("%d.3", firstLamp)
	t.Run("hap-controller", func(t *testing.T) {
		for i := range n { // it verifies and asks by itself: there is no pause that one could set
			p := all.phone(t, b.bridge, &who)
			var r results
			p.must(t, &r, "getCharacteristics", []string{id})
			if len(r.Characteristics) != 1 {
				t.Fatalf("request %d was answered by %+v", i, r)
			}
			p.must(t, nil, "close")
		}
	})
	admin.must(t, nil, "removePairing", map[string]string{"hex": who.ID})
	paired, err := tryPair(b.bridge, b.SetupCode)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("go2rtc", func(t *testing.T) {
		for i := range n {
			l := dial(t, b.bridge, nil)
			c := sessionFrom(t, l, paired)
			<-time.After(waits[i%len(waits)])
			if status, raw := c.ask(t, http.MethodGet, hap.PathCharacteristics+"?id="+id, ""); status != http.StatusOK {
				t.Fatalf("request %d was answered by %d %s", i, status, raw)
			}
			_ = l.Close()
		}
	})
}

// TestCheck08Framing cuts requests in every way that frames and segments can be cut.
func TestCheck08Framing(t *testing.T) {
	_, _, c := pairedBench(t, 149, "")
	first := every(c.things(t), lamp, on)[0]
	get := hap.PathCharacteristics + "?id=" + id(first)
	write := fmt.Sprintf(`{"characteristics":[{"aid":%d,"iid":%d,"value":true}]}`, first.aid, first.iid)
	want := func(t *testing.T, statuses ...int) {
		t.Helper()
		for _, want := range statuses {
			if status, raw, err := c.answer(); err != nil || status != want {
				t.Fatalf("answered by %d %s, %v; want %d", status, raw, err, want)
			}
		}
	}
	say := func(t *testing.T, pieces ...string) {
		t.Helper()
		for _, p := range pieces { // each is one frame, or more if it is long
			if _, err := io.WriteString(c.conn, p); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, size := range []int{1023, 1024, 1025, 2048, 3072} {
		t.Run(fmt.Sprint(size, " bytes"), func(t *testing.T) {
			text := request("GET", get, "", size)
			if len(text) != size {
				t.Fatalf("the request has %d bytes", len(text))
			}
			say(t, text)
			want(t, 200)
			say(t, request("PUT", hap.PathCharacteristics, write, size))
			want(t, 204)
		})
	}
	t.Run("two in one frame", func(t *testing.T) {
		say(t, request("GET", get, "", 0)+request("GET", get, "", 0))
		want(t, 200, 200)
	})
	t.Run("two frames in one segment", func(t *testing.T) {
		c.line.hold = true
		say(t, request("PUT", hap.PathCharacteristics, write, 0), request("GET", get, "", 0))
		if err := c.line.release(); err != nil {
			t.Fatal(err)
		}
		want(t, 204, 200)
	})
	t.Run("head and body apart", func(t *testing.T) {
		text := request("PUT", hap.PathCharacteristics, write, 0)
		at := strings.Index(text, "{")
		say(t, text[:at], text[at:at+7], text[at+7:])
		want(t, 204)
	})
	t.Run("byte by byte", func(t *testing.T) {
		c.line.dribble = true
		defer func() { c.line.dribble = false }()
		for _, letter := range request("GET", get, "", 0) {
			say(t, string(letter))
		}
		want(t, 200)
	})
	t.Run("a megabyte of answers", func(t *testing.T) {
		var ids []string
		for i := range 9000 {
			ids = append(ids, fmt.Sprintf("1.%d", 1000+i))
		}
		text := request("GET", hap.PathCharacteristics+"?id="+strings.Join(ids, ","), "", 0)
		total := 0
		say(t, strings.Repeat(text, 4))
		for range 4 {
			status, raw, err := c.answer()
			if err != nil || status != http.StatusMultiStatus || !json.Valid(raw) {
				t.Fatalf("answered by %d, %v, %.100s", status, err, raw)
			}
			total += len(raw)
		}
		if total < 1_000_000 {
			t.Errorf("the answers have %d bytes", total)
		}
		say(t, request("GET", get, "", 0))
		want(t, 200)
	})
}

// TestCheck09AnswersAmongEvents asks all the time while a lamp changes 400 times a second. A frame that
// cannot be decrypted stops go2rtc, and lets hap-controller spin until it is stopped.
func TestCheck09AnswersAmongEvents(t *testing.T) {
	seconds := times(3, 60)
	b := startBench(t, 149, "")
	all := startPeers(t)
	p := all.phone(t, b.bridge, nil)
	p.pair(t, 0)
	paired := b.admit(t, p, "go2rtc", true)
	c := session(t, b.bridge, paired)
	first := every(c.things(t), lamp, on)[0]
	c.put(t, `{"aid":%d,"iid":%d,"ev":true}`, first.aid, first.iid)
	p.must(t, nil, "subscribeCharacteristics", []string{id(first)})

	done := make(chan error, 1)
	go func() {
		_, err := b.get(fmt.Sprintf("/emit?count=%d&us=2500", 400*seconds+1))
		done <- err
	}()
	asked := 0
	for emitting := true; emitting; asked++ {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			emitting = false
		default:
		}
		if status, raw := c.ask(t, http.MethodGet, hap.PathCharacteristics+"?id="+id(first), ""); status != http.StatusOK {
			t.Fatalf("go2rtc's request %d: %d %s", asked, status, raw)
		}
		var r results
		p.must(t, &r, "getCharacteristics", []string{id(first)})
		if len(r.Characteristics) != 1 {
			t.Fatalf("hap-controller's request %d: %+v", asked, r)
		}
	}
	final := every(c.things(t), lamp, on)[0].value
	until(t, 5*time.Second, "hap-controller was told the final value", func() bool {
		told := p.events(t)
		return len(told) > 0 && told[len(told)-1].Value == final
	})
	var last event
	until(t, 5*time.Second, "go2rtc was told the final value", func() bool {
		for {
			select {
			case last = <-c.events:
			default:
				return last.Value == final
			}
		}
	})
	t.Logf("%d requests of each client and %d + %d event messages in %d s", asked, last.message+1, len(p.events(t)), seconds)
}

// TestCheck10AStalledSubscriber asks for much and reads nothing. It costs nobody but itself.
func TestCheck10AStalledSubscriber(t *testing.T) {
	t.Parallel()
	b, paired, c := pairedBench(t, 149, "")
	lamps := every(c.things(t), lamp, on)
	c.subscribe(t, lamps)
	calm := b.memory(t).Goroutines

	l := dial(t, b.bridge, nil)
	_ = l.Conn.(*net.TCPConn).SetReadBuffer(4096)
	stalled, err := verify(l, paired)
	if err != nil {
		t.Fatal(err)
	}
	var entries []string
	for _, p := range lamps {
		entries = append(entries, fmt.Sprintf(`{"aid":%d,"iid":%d,"ev":true}`, p.aid, p.iid))
	}
	_ = stalled.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_, err = io.WriteString(stalled, request("PUT", hap.PathCharacteristics, `{"characteristics":[`+strings.Join(entries, ",")+`]}`, 0))
	for i := 0; i < 500 && err == nil; i++ { // until the hub stops reading, because it cannot write
		_, err = io.WriteString(stalled, request("GET", hap.PathAccessories, "", 0))
	}
	if n := b.memory(t).Goroutines; n <= calm {
		t.Fatalf("the stalled session is not there: %d goroutines, %d before", n, calm)
	}
	took := b.emit(t, "count=%d&all=1", 50*len(lamps)+7)
	if took > 2*time.Second {
		t.Errorf("the devices waited %v", took)
	}
	c.finals(t, lamps)
	gone := until(t, 20*time.Second, "the stalled session is gone", func() bool { return b.memory(t).Goroutines <= calm })
	t.Logf("%d changes handed over in %v, the stalled session gone %v later", 50*len(lamps)+7, took, gone)
}

// subscribe asks for the events of many places in one request.
func (c *controller) subscribe(t *testing.T, places []place) {
	t.Helper()
	var entries []string
	for _, p := range places {
		entries = append(entries, fmt.Sprintf(`{"aid":%d,"iid":%d,"ev":true}`, p.aid, p.iid))
	}
	c.put(t, strings.ReplaceAll(strings.Join(entries, ","), "%", "%%"))
}

// finals waits until the last event of each place that has changed says what is read there now.
func (c *controller) finals(t *testing.T, before []place) {
	t.Helper()
	told := map[string]any{}
	for _, p := range before {
		told[id(p)] = p.value
	}
	now := every(c.things(t), lamp, on)
	until(t, 10*time.Second, "every final value was told", func() bool {
		for {
			select {
			case e := <-c.events:
				told[fmt.Sprintf("%d.%d", e.AID, e.IID)] = e.Value
				continue
			default:
			}
			break
		}
		for _, p := range now {
			if told[id(p)] != p.value {
				return false
			}
		}
		return true
	})
}
