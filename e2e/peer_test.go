package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// peers is a process in which clients of npm's hap-controller live.
type peers struct {
	in      io.Writer
	mu      sync.Mutex // below
	n       int
	waiting map[int]chan reply
	told    map[string][]json.RawMessage // events, by the client's name
	ended   chan struct{}
}

// reply is what became of one call.
type reply struct {
	N      int             `json:"n"`
	Value  json.RawMessage `json:"value"`
	Error  string          `json:"error"`
	Status int             `json:"status"` // of HTTP, or the error of a pairing message
	Body   json.RawMessage `json:"body"`
	Of     string          `json:"of"`
	Event  json.RawMessage `json:"event"`
}

// startPeers starts the process; tests without npm's packages are skipped.
func startPeers(t *testing.T) *peers {
	t.Helper()
	if _, err := os.Stat("node_modules/hap-controller"); err != nil {
		t.Skip("npm's hap-controller is not installed here: run `npm ci --ignore-scripts` in e2e, or `make test`")
	}
	cmd := exec.Command("node", "peer.js")
	log, err := os.Create(filepath.Join(t.TempDir(), "node"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &peers{in: in, waiting: map[int]chan reply{}, told: map[string][]json.RawMessage{}, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.listen(out)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = in.Close()
		select {
		case <-p.ended:
		case <-time.After(5 * time.Second): // it spins for ever on a frame that it cannot decrypt
			t.Error("hap-controller does not end")
			_ = cmd.Process.Kill()
			<-p.ended
		}
		if said, _ := os.ReadFile(log.Name()); t.Failed() && len(said) > 0 {
			t.Logf("hap-controller said:\n%s", said)
		}
	})
	return p
}

func (p *peers) listen(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r reply
		if json.Unmarshal(lines.Bytes(), &r) != nil {
			continue
		}
		p.mu.Lock()
		if r.Of != "" {
			p.told[r.Of] = append(p.told[r.Of], r.Event)
		} else if w := p.waiting[r.N]; w != nil {
			delete(p.waiting, r.N)
			w <- r
		}
		p.mu.Unlock()
	}
}

// call sends an order and waits for what becomes of it. A client that cannot decrypt never answers.
func (p *peers) call(t *testing.T, order map[string]any) reply {
	t.Helper()
	answer := make(chan reply, 1)
	p.mu.Lock()
	p.n++
	order["n"] = p.n
	p.waiting[p.n] = answer
	p.mu.Unlock()
	line, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		t.Fatalf("hap-controller has ended: %v", err)
	}
	select {
	case r := <-answer:
		return r
	case <-p.ended:
		t.Fatalf("hap-controller ended instead of an answer to %s", line)
	case <-time.After(30 * time.Second):
		t.Fatalf("hap-controller has no answer to %s: lost, or not to be decrypted", line)
	}
	return reply{}
}

// phone is one client of hap-controller.
type phone struct {
	all  *peers
	name string
	hub  bridge
}

// identity is what hap-controller keeps of a pairing.
type identity struct {
	AccessoryID string `json:"AccessoryPairingID"`
	AccessoryPK string `json:"AccessoryLTPK"`
	ID          string `json:"iOSDevicePairingID"` // hex
	Secret      string `json:"iOSDeviceLTSK"`
	Public      string `json:"iOSDeviceLTPK"`
}

// phone makes a client; pairing is nil for one that is not paired yet. It keeps one connection for its
// requests and its events.
func (p *peers) phone(t *testing.T, hub bridge, pairing *identity) *phone {
	t.Helper()
	p.mu.Lock()
	name := fmt.Sprintf("phone %d", p.n)
	p.mu.Unlock()
	options := map[string]bool{"usePersistentConnections": true, "subscriptionsUseSameConnection": true}
	order := map[string]any{"new": name, "id": hub.DeviceID, "port": hub.Port, "options": options}
	if pairing != nil {
		order["pairing"] = pairing
	}
	if r := p.call(t, order); r.Error != "" {
		t.Fatal(r.Error)
	}
	return &phone{all: p, name: name, hub: hub}
}

// try calls a method of the client.
func (p *phone) try(t *testing.T, method string, args ...any) reply {
	t.Helper()
	return p.all.call(t, map[string]any{"of": p.name, "do": method, "args": args})
}

// must calls a method that has to succeed, and reads what it gives.
func (p *phone) must(t *testing.T, into any, method string, args ...any) {
	t.Helper()
	r := p.try(t, method, args...)
	if r.Error != "" {
		t.Fatalf("hap-controller, %s: %s (%d) %s", method, r.Error, r.Status, r.Body)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(r.Value, into); err != nil {
		t.Fatalf("%s gave %s: %v", method, r.Value, err)
	}
}

// pair pairs by the code; method 1 is what hap-controller takes unless told otherwise.
func (p *phone) pair(t *testing.T, method int) identity {
	t.Helper()
	p.must(t, nil, "pairSetup", p.hub.SetupCode, method)
	return p.identity(t)
}

func (p *phone) identity(t *testing.T) identity {
	t.Helper()
	var who identity
	p.must(t, &who, "getLongTermData")
	return who
}

// events are the changes that the client was told so far.
func (p *phone) events(t *testing.T) []event {
	t.Helper()
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	var all []event
	for i, raw := range p.all.told[p.name] {
		var v struct {
			Characteristics []event `json:"characteristics"`
		}
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatalf("an event that is not JSON: %s", raw)
		}
		for _, e := range v.Characteristics {
			e.message = i
			all = append(all, e)
		}
	}
	return all
}

// results is the answer to a read or a write.
type results struct {
	Characteristics []struct {
		AID    uint64 `json:"aid"`
		IID    uint64 `json:"iid"`
		Status *int   `json:"status"`
		Value  any    `json:"value"`
	} `json:"characteristics"`
}

// statuses are those of the entries, in their order; 0 stands for none.
func (r results) statuses() []int {
	var all []int
	for _, c := range r.Characteristics {
		n := 0
		if c.Status != nil {
			n = *c.Status
		}
		all = append(all, n)
	}
	return all
}
