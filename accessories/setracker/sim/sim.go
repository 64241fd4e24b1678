// Package sim is a children's watch of the SeTracker family that dials a hub's watch port.
package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/setracker"
)

// Options describe the watch. Empty ones get defaults; Hub may be set later by the event "hub".
type Options struct {
	ID, Maker, Index, Hub string
	Beat, Repeat          time.Duration // LK cadence, and how soon an unanswered alarm is sent again
	Mute                  bool          // commands are not echoed
}

// State is what the watch last received.
type State struct {
	Connected bool     `json:"connected"`
	Commands  []string `json:"commands"`
	Rang      int      `json:"rang"`
	Alarms    int      `json:"alarms"` // not acknowledged
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
	silent   bool
	lat, lon string
	level    string
}

// Start switches the watch on.
func Start(o Options) (*Sim, error) {
	if o.ID == "" {
		o.ID = "3456789012"
	}
	if o.Maker == "" {
		o.Maker = "3G"
	}
	if o.Beat == 0 {
		o.Beat = time.Minute
	}
	if o.Repeat == 0 {
		o.Repeat = time.Second
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Sim{o: o, cancel: cancel, wake: make(chan struct{}, 1), lat: "52.1", lon: "5.2", level: "80"}
	s.wg.Go(func() { s.live(ctx) })
	return s, nil
}

// Address is the watch's ID.
func (s *Sim) Address() string { return s.o.ID }

// Events lists what Do understands.
func (*Sim) Events() []string {
	return []string{"sos", "fall", "place", "battery", "drop", "silent", "hub"}
}

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
	s.drop()
	s.wg.Wait()
	return nil
}

// Do makes something happen to the watch.
func (s *Sim) Do(_ context.Context, event string, args url.Values) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch event {
	case "sos":
		s.alarms = append(s.alarms, s.frame("AL", s.position("00010000")))
	case "fall":
		s.alarms = append(s.alarms, s.frame("AL", s.position("00200000")))
	case "place":
		s.lat, s.lon = args.Get("lat"), args.Get("lon")
		s.say(s.frame("UD", s.position("00000008")))
	case "battery":
		s.level = args.Get("level")
		s.say(s.frame("LK", "0,0,"+s.level))
	case "drop", "silent":
		s.silent = event == "silent"
		if s.conn != nil {
			s.conn.Close()
		}
	case "hub":
		s.o.Hub, s.silent = args.Get("address"), false
	default:
		return errors.New("sim: unknown event")
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

func (s *Sim) frame(kind, body string) setracker.Frame {
	return setracker.Frame{Maker: s.o.Maker, ID: s.o.ID, Index: s.o.Index, Type: kind, Body: []byte(body)}
}

func (s *Sim) position(status string) string {
	return fmt.Sprintf("%s,A,%s,N,%s,E,0,0,10,8,90,%s,100,0,%s,0,0", time.Now().UTC().Format("020106,150405"),
		s.lat, s.lon, s.level, status)
}

func (s *Sim) say(f setracker.Frame) {
	if s.conn != nil && !s.silent {
		_ = s.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
		_, _ = s.conn.Write(f.Encode())
	}
}

func (s *Sim) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
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
			s.mu.Lock()
			s.say(s.frame("LK", "0,0,"+s.level))
			s.mu.Unlock()
		}
	}
	s.drop()
}

func (s *Sim) cry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.alarms) > 0 {
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
	s.say(s.frame("LK", "0,0,"+s.level))
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

func (s *Sim) obey(f setracker.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Commands = append(s.state.Commands[max(0, len(s.state.Commands)-49):], f.Type)
	switch f.Type {
	case "AL":
		if len(s.alarms) > 0 {
			s.alarms = s.alarms[1:]
		}
	case "FIND", "VERNO":
		if f.Type == "FIND" {
			s.state.Rang++
		}
		if !s.o.Mute {
			s.say(s.frame(f.Type, ""))
		}
	}
}
