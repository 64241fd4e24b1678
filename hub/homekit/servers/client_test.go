package servers_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// notes is a log that tests can read.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

func (n *notes) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(n, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// phone is a controller with an open session.
type phone struct {
	*haptest.Client
	w *world
}

// open opens a session with a server.
func (w *world) open(key string, creds haptest.Credentials) phone {
	w.Helper()
	c, err := haptest.Open(w.Context(), w.address(key), creds)
	if err != nil {
		w.Fatalf("%s: %v", key, err)
	}
	w.Cleanup(func() { _ = c.Close() })
	return phone{c, w}
}

// dial is a stranger's connection to a server.
func (w *world) dial(key string) phone {
	w.Helper()
	c, err := haptest.Dial(w.Context(), w.address(key))
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = c.Close() })
	return phone{c, w}
}

// shown is an accessory as a controller sees it.
type shown struct {
	AID      uint64
	Services []struct {
		IID             uint64
		Type            string
		Linked          []uint64
		Characteristics []struct {
			IID   uint64
			Type  string
			Perms []string
			Value any
		}
	}
}

// text is the value of the first characteristic of a type of the AccessoryInformation.
func (a shown) text(typ string) string { return fmt.Sprint(a.value("3E", typ)) }

func (a shown) value(service, typ string) any {
	for _, s := range a.Services {
		for _, c := range s.Characteristics {
			if s.Type == service && c.Type == typ {
				return c.Value
			}
		}
	}
	return nil
}

// iid is the number of a characteristic, 0 where there is none.
func (a shown) iid(service, typ string) uint64 {
	for _, s := range a.Services {
		for _, c := range s.Characteristics {
			if s.Type == service && c.Type == typ {
				return c.IID
			}
		}
	}
	return 0
}

// ask sends a request and wants an HTTP status.
func (p phone) ask(method, path, body string, want int) string {
	p.w.Helper()
	var sent []byte
	if body != "" {
		sent = []byte(body)
	}
	status, answer, err := p.Do(method, path, sent)
	if err != nil || status != want {
		p.w.Fatalf("%s %s %s: %d %s %v, want %d", method, path, body, status, answer, err, want)
	}
	return string(answer)
}

// accessories are all that the server shows, by name.
func (p phone) accessories() map[string]shown {
	p.w.Helper()
	var database struct{ Accessories []shown }
	if err := json.Unmarshal([]byte(p.ask("GET", "/accessories", "", 200)), &database); err != nil {
		p.w.Fatal(err)
	}
	all := map[string]shown{}
	for _, a := range database.Accessories {
		all[a.text("23")] = a
	}
	return all
}

// at is how a controller names a characteristic of an accessory.
func (p phone) at(name, service, typ string) string {
	p.w.Helper()
	a := p.accessories()[name]
	if a.iid(service, typ) == 0 {
		p.w.Fatalf("%s has no %s/%s", name, service, typ)
	}
	return fmt.Sprintf("%d.%d", a.AID, a.iid(service, typ))
}

// read gives the answer to a read of one characteristic.
func (p phone) read(id string) string {
	p.w.Helper()
	_, answer, err := p.Do("GET", "/characteristics?id="+id, nil)
	if err != nil {
		p.w.Fatal(err)
	}
	return string(answer)
}

// put writes and wants an HTTP status; what is `"value":1` or `"ev":true`.
func (p phone) put(id, what string, want int) string {
	p.w.Helper()
	aid, iid, _ := strings.Cut(id, ".")
	return p.ask("PUT", "/characteristics", fmt.Sprintf(`{"characteristics":[{"aid":%s,"iid":%s,%s}]}`, aid, iid, what), want)
}

// hears waits for an event with a value.
func (p phone) hears(id, value string) {
	p.w.Helper()
	p.hearsAll(map[string]string{id: value})
}

// hearsAll waits for events with values, by characteristic, which may come together.
func (p phone) hearsAll(values map[string]string) {
	p.w.Helper()
	missing := map[string]bool{}
	for id, value := range values {
		aid, iid, _ := strings.Cut(id, ".")
		missing[fmt.Sprintf(`{"aid":%s,"iid":%s,"value":%s}`, aid, iid, value)] = true
	}
	end := time.NewTimer(patience)
	defer end.Stop()
	for len(missing) > 0 {
		select {
		case e, ok := <-p.Events():
			if !ok {
				p.w.Fatal("the session ended")
			}
			for want := range missing {
				if strings.Contains(string(e.Body), want) {
					delete(missing, want)
				}
			}
		case <-end.C:
			p.w.Fatalf("no event %v", missing)
		}
	}
}

// hearsOnly waits for a press of one button, and wants none of another before it.
func (p phone) hearsOnly(id, other string) {
	p.w.Helper()
	name := func(id string) string {
		aid, iid, _ := strings.Cut(id, ".")
		return fmt.Sprintf(`{"aid":%s,"iid":%s,`, aid, iid)
	}
	end := time.NewTimer(patience)
	defer end.Stop()
	for {
		select {
		case e := <-p.Events():
			if strings.Contains(string(e.Body), name(other)) {
				p.w.Errorf("%s was pressed: %s", other, e.Body)
			}
			if strings.Contains(string(e.Body), name(id)) {
				return
			}
		case <-end.C:
			p.w.Fatalf("%s was not pressed", id)
		}
	}
}

// ended says whether the session is over.
func (p phone) ended() bool {
	select {
	case <-p.Ended():
		return true
	default:
		return false
	}
}
