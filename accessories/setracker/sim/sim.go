// Package sim is a children's watch of the SeTracker family that dials a hub's watch port.
package sim

import (
	"cmp"
	"context"
	"net"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/setracker"
)

// Options describe the watch. Empty ones get defaults; Hub may be set later by the event "hub".
type Options struct {
	ID, Maker, Index string        // Index is four hex digits, or empty for dialects without
	Hub              string        // host:port to dial
	Network          string        // a Wi-Fi name that its positions carry
	Beat, Repeat     time.Duration // between two LK, and how soon an unanswered alarm is sent again
	Split            int           // bytes of one write; 0 writes whole frames
	Longer           int           // added to each declared length, as some firmware does
	Deaf             int           // answers to alarms that are lost before the first is heard
	Mute             bool          // commands are not echoed
}

// State is what the watch last received and did.
type State struct {
	Connected bool     `json:"connected"`
	Commands  []string `json:"commands"` // the last fifty frames, by type
	Rang      int      `json:"rang"`
	Alarms    int      `json:"alarms"`  // not acknowledged
	Cries     int      `json:"cries"`   // alarm frames sent, repeats too
	Refused   int      `json:"refused"` // recordings that the hub did not take
	Reboots   int      `json:"reboots"` // after five LK without an answer
	Calls     int      `json:"calls"`   // connections made
	Resets    int      `json:"resets"`  // to the state of the factory
}

// Sim is a running watch.
type Sim struct {
	o      Options
	cancel context.CancelFunc
	wg     sync.WaitGroup
	wake   chan struct{}

	mu       sync.Mutex
	conn     net.Conn
	state    State
	alarms   []setracker.Frame
	silent   bool // out of reach
	unheard  int  // LK since the last answer
	lat, lon string
	level    string
	steps    string
}

// Start switches the watch on.
func Start(o Options) (*Sim, error) {
	o.ID = cmp.Or(o.ID, "3456789012")
	o.Maker = cmp.Or(o.Maker, "3G")
	o.Beat = cmp.Or(o.Beat, time.Minute)
	o.Repeat = cmp.Or(o.Repeat, time.Second)
	ctx, cancel := context.WithCancel(context.Background())
	s := &Sim{o: o, cancel: cancel, wake: make(chan struct{}, 1),
		lat: "52.1", lon: "5.2", level: "80", steps: "100"}
	s.wg.Go(func() { s.live(ctx) })
	return s, nil
}

// Address is the watch's ID.
func (s *Sim) Address() string { return s.o.ID }

// State tells what the watch last received.
func (s *Sim) State() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.state
	out.Connected, out.Alarms = s.conn != nil, len(s.alarms)
	out.Commands = append([]string(nil), out.Commands...)
	return out
}

// Close switches the watch off and waits for it.
func (s *Sim) Close() error {
	s.cancel()
	s.mu.Lock()
	s.hangUp()
	s.mu.Unlock()
	s.wg.Wait()
	return nil
}

// hangUp needs s.mu.
func (s *Sim) hangUp() {
	if s.conn != nil {
		s.conn.Close()
	}
}

func (s *Sim) live(ctx context.Context) {
	beat, again := time.NewTicker(s.o.Beat), time.NewTicker(s.o.Repeat)
	defer beat.Stop()
	defer again.Stop()
	for ctx.Err() == nil {
		s.dial(ctx)
		select {
		case <-ctx.Done():
		case <-s.wake:
			s.cry()
		case <-again.C:
			s.cry()
		case <-beat.C:
			s.beat()
		}
	}
	s.mu.Lock()
	s.hangUp()
	s.mu.Unlock()
}

func (s *Sim) beat() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return
	}
	if s.unheard >= 5 {
		s.state.Reboots++
		s.hangUp()
		return
	}
	s.unheard++
	s.say(s.frame("LK", s.health()))
}

func (s *Sim) cry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.alarms) > 0 && s.conn != nil && !s.silent {
		s.state.Cries++
		s.say(s.alarms[0])
	}
}

func (s *Sim) dial(ctx context.Context) {
	s.mu.Lock()
	hub, need := s.o.Hub, s.conn == nil && !s.silent
	s.mu.Unlock()
	if hub == "" || !need {
		return
	}
	d := net.Dialer{Timeout: 5 * time.Second, KeepAlive: -1}
	c, err := d.DialContext(ctx, "tcp", hub)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.conn = c
	s.state.Calls++
	s.unheard = 1
	s.say(s.frame("LK", s.health()))
	s.mu.Unlock()
	s.wg.Go(func() { s.listen(c) })
}

func (s *Sim) listen(c net.Conn) {
	var f setracker.Framer
	buf := make([]byte, 512)
	for {
		n, err := c.Read(buf)
		f.Write(buf[:n])
		for got, ok := f.Next(err != nil); ok; got, ok = f.Next(err != nil) {
			s.obey(got)
		}
		if err != nil {
			c.Close()
			s.mu.Lock()
			s.conn = nil
			s.mu.Unlock()
			return
		}
	}
}

// nudge has the watch look at what is to be done.
func (s *Sim) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Sim) obey(f setracker.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Commands = append(s.state.Commands[max(0, len(s.state.Commands)-49):], f.Type)
	switch f.Type {
	case "LK":
		s.unheard = 0
	case "AL":
		if s.o.Deaf > 0 {
			s.o.Deaf--
		} else if len(s.alarms) > 0 {
			s.alarms = s.alarms[1:]
			s.nudge()
		}
	case "TK":
		if string(f.Body) == "0" {
			s.state.Refused++
		}
	case "FACTORY":
		s.say(s.frame(f.Type, ""))
		s.reset()
	case "FIND", "VERNO":
		if f.Type == "FIND" {
			s.state.Rang++
		}
		if !s.o.Mute {
			s.say(s.frame(f.Type, ""))
		}
	}
}

// reset forgets all that the watch knows, the hub too: it calls its maker from now on. Callers hold mu.
func (s *Sim) reset() {
	s.state = State{Resets: s.state.Resets + 1, Calls: s.state.Calls}
	s.alarms, s.unheard, s.o.Hub, s.o.Network = nil, 0, "", ""
	s.lat, s.lon, s.steps = "0", "0", "0"
}
