package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/hap"
)

// event is a change that a controller was told.
type event struct {
	AID   uint64 `json:"aid"`
	IID   uint64 `json:"iid"`
	Value any    `json:"value"`

	at      time.Time
	message int // which of the session's event messages brought it, from 0

	answered int64 // answers that the session had before
}

// controller is a session of go2rtc's client: its pairing and its cipher. Its own reader of events is
// not reachable from outside, so the answers and the events are told apart here.
type controller struct {
	conn    net.Conn
	line    *line // below the cipher, where it was opened here
	answers chan *http.Response
	events  chan event

	answered atomic.Int64
}

// pair pairs with a server by its printed code.
func pair(t *testing.T, h bridge) *hap.Client {
	t.Helper()
	c, err := hap.Pair(fmt.Sprintf("homekit://127.0.0.1:%d?device_id=%s&pin=%s", h.Port, h.DeviceID, h.SetupCode))
	if err != nil {
		t.Fatalf("pairing with %s: %v", h.Name, err)
	}
	return c
}

// connect opens a session of a controller that has been paired.
func connect(t *testing.T, paired *hap.Client) *controller {
	t.Helper()
	session, err := hap.Dial(paired.URL())
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	return converse(t, session.Conn)
}

// converse reads what comes over an encrypted connection until the test ends.
func converse(t *testing.T, conn net.Conn) *controller {
	t.Helper()
	c := &controller{conn: conn, answers: make(chan *http.Response, 16), events: make(chan event, 100_000)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.listen(t)
	}()
	t.Cleanup(func() {
		_ = c.conn.Close()
		<-done
	})
	return c
}

// listen sorts what comes until the session ends.
func (c *controller) listen(t *testing.T) {
	defer close(c.answers)
	in := bufio.NewReader(c.conn)
	for messages := 0; ; {
		res, err := hap.ReadResponse(in, nil)
		if err != nil {
			return
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return
		}
		res.Body = io.NopCloser(bytes.NewReader(body))
		if res.Proto != hap.ProtoEvent {
			c.answered.Add(1)
			c.answers <- res
			continue
		}
		var v struct {
			Characteristics []event `json:"characteristics"`
		}
		if err := json.Unmarshal(body, &v); err != nil {
			t.Errorf("an event that is not JSON: %q", body)
			return
		}
		for _, e := range v.Characteristics {
			e.at, e.message, e.answered = time.Now(), messages, c.answered.Load()
			c.events <- e
		}
		messages++
	}
}

// ask sends a request and gives the answer's status and body.
func (c *controller) ask(t *testing.T, method, path, body string) (int, []byte) {
	t.Helper()
	status, raw, err := c.try(method, path, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return status, raw
}

// try is ask for sessions that may have ended.
func (c *controller) try(method, path, body string) (int, []byte, error) {
	req, err := http.NewRequest(method, "http://hub"+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", hap.MimeJSON)
	if err := req.Write(c.conn); err != nil {
		return 0, nil, err
	}
	return c.answer()
}

// answer waits for the next answer.
func (c *controller) answer() (int, []byte, error) {
	select {
	case res, ok := <-c.answers:
		if !ok {
			return 0, nil, errEnded
		}
		raw, err := io.ReadAll(res.Body) // read from memory
		return res.StatusCode, raw, err
	case <-time.After(20 * time.Second):
		return 0, nil, errSilent
	}
}

// ends waits for the end of the session, which may answer a last request before.
func (c *controller) ends() error {
	for {
		if _, _, err := c.answer(); err != nil {
			return err
		}
	}
}

var (
	errEnded  = errors.New("the session has ended")
	errSilent = errors.New("no answer")
)

// accessories reads the whole database.
func (c *controller) accessories(t *testing.T) []*hap.Accessory {
	t.Helper()
	var v hap.JSONAccessories
	status, raw := c.ask(t, http.MethodGet, hap.PathAccessories, "")
	if err := json.Unmarshal(raw, &v); err != nil || status != http.StatusOK {
		t.Fatalf("the accessories: %d, %v: %s", status, err, raw)
	}
	return v.Value
}

// put writes to /characteristics and wants it taken.
func (c *controller) put(t *testing.T, body string, args ...any) {
	t.Helper()
	body = fmt.Sprintf(`{"characteristics":[`+body+`]}`, args...)
	if status, said := c.ask(t, http.MethodPut, hap.PathCharacteristics, body); status != http.StatusNoContent {
		t.Fatalf("PUT %s: %d %s", body, status, said)
	}
}

// place is where a characteristic is.
type place struct {
	aid, iid uint64
	value    any
}

// find finds the characteristic of a type in a service type of the accessory with a name.
func find(t *testing.T, accessories []*hap.Accessory, name, service, characteristic string) place {
	t.Helper()
	for _, a := range accessories {
		if nameOf(a) != name {
			continue
		}
		for _, s := range a.Services {
			for _, c := range s.Characters {
				if s.Type == service && c.Type == characteristic {
					return place{uint64(a.AID), c.IID, c.Value}
				}
			}
		}
	}
	var names []string
	for _, a := range accessories {
		names = append(names, nameOf(a))
	}
	t.Fatalf("%s has no %s/%s; there are %s", name, service, characteristic, strings.Join(names, ", "))
	return place{}
}

func nameOf(a *hap.Accessory) string {
	for _, s := range a.Services {
		for _, c := range s.Characters {
			if s.Type == "3E" && c.Type == "23" {
				name, _ := c.Value.(string)
				return name
			}
		}
	}
	return ""
}

// shape is the database without its values: what must stay the same for ever.
func shape(accessories []*hap.Accessory) string {
	var b strings.Builder
	for _, a := range accessories {
		fmt.Fprintf(&b, "%d %s:", a.AID, nameOf(a))
		for _, s := range a.Services {
			fmt.Fprintf(&b, " %d=%s", s.IID, s.Type)
			for _, c := range s.Characters {
				fmt.Fprintf(&b, ",%d=%s", c.IID, c.Type)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
