// Package sim is a simulated Breeze on the loopback interface. It shares no code with the driver, so
// that a mistake in one shows against the other.
package sim

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options choose the fan.
type Options struct {
	Listen   string // host:port; "" = 127.0.0.1 and any free port
	Password string // "" = evening-breeze
}

// State is what the fan last received.
type State struct {
	Step    int      `json:"step"`    // 0–10
	Battery int      `json:"battery"` // percent
	Minutes int      `json:"minutes"` // of use that it remembers
	Heard   []string `json:"heard"`   // the last commands
	Refused int      `json:"refused"` // wrong passwords
}

// Sim is one running fan.
type Sim struct {
	password string
	listener net.Listener
	wg       sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool // true once it has logged in
	state State
}

// Start switches the fan on.
func Start(o Options) (*Sim, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Password == "" {
		o.Password = "evening-breeze"
	}
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("blueprint sim: %w", err)
	}
	s := &Sim{password: o.Password, listener: l, conns: map[net.Conn]bool{}, state: State{Battery: 80, Minutes: 12}}
	s.wg.Go(s.accept)
	return s, nil
}

// Address is host:port.
func (s *Sim) Address() string { return s.listener.Addr().String() }

// Events lists what Do understands: "battery" (argument level, percent) and "drop".
func (*Sim) Events() []string { return []string{"battery", "drop"} }

// Do makes something happen to the fan.
func (s *Sim) Do(_ context.Context, event string, args url.Values) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch event {
	case "battery":
		level, err := strconv.Atoi(args.Get("level"))
		if err != nil || level < 0 || level > 100 {
			return fmt.Errorf("blueprint sim: battery needs the argument level, 0 to 100")
		}
		s.state.Battery = level
		s.tell(fmt.Sprintf("! BATTERY %d", level))
	case "drop":
		s.drop()
	default:
		return fmt.Errorf("blueprint sim: there is no event %q", event)
	}
	return nil
}

// State gives a State.
func (s *Sim) State() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state
	st.Heard = append([]string(nil), st.Heard...)
	return st
}

// Close switches the fan off and waits for it.
func (s *Sim) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	s.drop()
	s.mu.Unlock()
	s.wg.Wait()
	return err
}

// drop cuts every line; s.mu is held.
func (s *Sim) drop() {
	for c := range s.conns {
		_ = c.Close()
	}
}

// tell says something on every line that has logged in; s.mu is held.
func (s *Sim) tell(text string) {
	for c, in := range s.conns {
		if in {
			say(c, text)
		}
	}
}

func say(c net.Conn, text string) {
	_ = c.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_, _ = c.Write([]byte(text + "\n"))
}

func (s *Sim) accept() {
	for {
		c, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[c] = false
		s.mu.Unlock()
		s.wg.Go(func() { s.talk(c) })
	}
}

// talk greets, lets in who knows the password, and obeys. A fan whose line is lost stops.
func (s *Sim) talk(c net.Conn) {
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.conns[c] {
			s.state.Step = 0
		}
		delete(s.conns, c)
		_ = c.Close()
	}()
	nonce := rand.Text()
	say(c, "BREEZE 1 "+nonce)
	lines := bufio.NewScanner(c)
	lines.Buffer(make([]byte, 128), 128)
	if !lines.Scan() || !s.admit(c, lines.Text(), nonce) {
		return
	}
	for lines.Scan() {
		s.obey(c, lines.Text())
	}
}

func (s *Sim) admit(c net.Conn, text, nonce string) bool {
	mac := hmac.New(sha256.New, []byte(s.password))
	mac.Write([]byte(nonce))
	s.mu.Lock()
	defer s.mu.Unlock()
	if text != "LOGIN "+hex.EncodeToString(mac.Sum(nil)) {
		s.state.Refused++
		say(c, "NO")
		return false
	}
	s.conns[c] = true
	say(c, "OK desk-fan 1.4")
	say(c, fmt.Sprintf("! SPEED %d", s.state.Step))
	say(c, fmt.Sprintf("! BATTERY %d", s.state.Battery))
	return true
}

func (s *Sim) obey(c net.Conn, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Heard = append(s.state.Heard[max(0, len(s.state.Heard)-49):], text)
	word, arg, _ := strings.Cut(text, " ")
	step, err := strconv.Atoi(arg)
	switch {
	case word == "PING":
		say(c, "OK")
	case word == "KEPT":
		say(c, fmt.Sprintf("OK %d", s.state.Minutes))
	case word == "FORGET":
		s.state.Minutes = 0
		say(c, "OK")
	case word == "SPEED" && err == nil && step >= 0 && step <= 10:
		s.state.Step = step
		say(c, "OK")
		s.tell(fmt.Sprintf("! SPEED %d", step))
	default:
		say(c, "NO")
	}
}
