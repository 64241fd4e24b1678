// Package sim is a Buttplug server with one toy, "Rocket", for tests and the demo. It speaks versions
// 3 and 4 of the protocol over real WebSockets and is stricter than real servers: what is out of range
// or out of order is an error, a late ping stops the toy, and so does the loss of a line.
package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Steps is how many speeds Rocket's motor has.
const Steps = 20

// Options say what kind of server it is.
type Options struct {
	Listen      string        // address to listen on; empty is any free port of loopback
	Versions    []int         // versions that it accepts; empty is 3 and 4
	MaxPingTime time.Duration // silence after which it stops the toy; 0 wants no pings
	MessageGap  time.Duration // what it asks clients to keep between two commands
	// Heard, where set, is called with every frame that a client sends.
	Heard func(version int, frame []byte)
}

// State is what the toy last received.
type State struct {
	Writes []int   `json:"writes"` // steps in the order in which they were written to the motor; a stop is 0
	Level  float64 `json:"level"`  // 0–1, what the motor does now
}

// Sim is a running server.
type Sim struct {
	options Options
	listen  *gate
	server  *http.Server
	wg      sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	clients map[*client]bool
	writes  []int
	step    int
	driver  *client // who wrote to the motor last: only its loss stops the toy
	battery int
	here    bool // the toy is switched on
	found   bool // a scan has found it
}

// Start starts the server.
func Start(o Options) (*Sim, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if len(o.Versions) == 0 {
		o.Versions = []int{3, 4}
	}
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("buttplug sim: %w", err)
	}
	s := &Sim{options: o, listen: newGate(l), clients: map[*client]bool{}, battery: 80, here: true}
	s.server = &http.Server{Handler: http.HandlerFunc(s.accept), ReadHeaderTimeout: 5 * time.Second}
	s.wg.Go(func() { _ = s.server.Serve(s.listen) })
	return s, nil
}

// Address is what goes into the address of the driver.
func (s *Sim) Address() string { return "ws://" + s.listen.Addr().String() }

// Events lists what Do can do.
func (s *Sim) Events() []string {
	return []string{"add", "battery", "drop", "freeze", "remove", "thaw"}
}

// Do makes something happen: drop cuts every line; freeze stops answering until thaw;
// battery?level=0…100 sets the charge; remove switches the toy off and add on again.
func (s *Sim) Do(_ context.Context, event string, args url.Values) error {
	switch event {
	case "drop":
		s.listen.drop()
	case "freeze":
		s.listen.freeze()
	case "thaw":
		s.listen.thaw()
	case "battery":
		level, err := strconv.Atoi(args.Get("level"))
		if err != nil || level < 0 || level > 100 {
			return fmt.Errorf("buttplug sim: battery: level must be 0 to 100")
		}
		s.change(func() { s.battery = level })
	case "remove":
		s.change(func() { s.here = false; s.moveLocked(0) })
	case "add":
		s.change(func() { s.here = true })
	default:
		return fmt.Errorf("buttplug sim: no event %q", event)
	}
	return nil
}

// State is what the toy last received.
func (s *Sim) State() any { return s.Toy() }

// Toy is State with its type.
func (s *Sim) Toy() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return State{Writes: append([]int{}, s.writes...), Level: float64(s.step) / Steps}
}

// Close ends the server and waits for it.
func (s *Sim) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	err := s.server.Close()
	s.listen.drop()
	s.wg.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// accept serves one client until its line ends; then the toy stops, as after a lost link.
func (s *Sim) accept(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.wg.Add(1)
	s.mu.Unlock()
	defer s.wg.Done()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // it has nothing to steal
	if err != nil {
		return
	}
	c := &client{sim: s, conn: conn, news: make(chan struct{}, 1)}
	s.mu.Lock()
	s.clients[c] = true
	s.mu.Unlock()
	c.serve()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, c)
	s.loseLocked(c)
}

// change changes something and lets every client see it.
func (s *Sim) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	for c := range s.clients {
		select {
		case c.news <- struct{}{}:
		default:
		}
	}
}

// move writes a step to the motor.
func (s *Sim) move(c *client, step int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.driver = c
	s.writes = append(s.writes, step)
	s.step = step
}

// moveLocked is the toy's own stop: one that changes nothing is not written.
func (s *Sim) moveLocked(step int) {
	if s.step != step {
		s.writes = append(s.writes, step)
		s.step = step
	}
}

// loseLocked stops what a client drove when it is lost.
func (s *Sim) loseLocked(c *client) {
	if s.driver == c {
		s.moveLocked(0)
	}
}

func (s *Sim) look() (battery int, listed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.battery, s.here && s.found
}

func (s *Sim) scan() { s.change(func() { s.found = true }) }

func (s *Sim) speaks(version int) bool { return slices.Contains(s.options.Versions, version) }
