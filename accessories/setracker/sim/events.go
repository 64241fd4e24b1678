package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/ingle-home/ingle/accessories/setracker"
)

// Events lists what Do understands.
func (*Sim) Events() []string {
	return []string{"sos", "fall", "taken-off", "alarm", "place", "battery", "steps", "heart", "voice", "config",
		"drop", "silent", "mute", "hub"}
}

// Do makes something happen to the watch. "alarm" takes the status word (status, eight hex digits),
// "place" lat, lon and type (UD when empty), "battery" level, "steps" count, "heart" rate, "mute" on,
// "hub" address. A watch that is silent is out of reach until it is given a hub again.
func (s *Sim) Do(_ context.Context, event string, args url.Values) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.nudge()
	switch event {
	case "sos":
		s.alarm("00010000")
	case "fall":
		s.alarm("00200000")
	case "taken-off":
		s.alarm("00100000")
	case "alarm":
		s.alarm(args.Get("status"))
	case "place":
		s.lat, s.lon = args.Get("lat"), args.Get("lon")
		s.say(s.frame(cmp.Or(args.Get("type"), "UD"), s.position("00000008")))
	case "battery":
		s.level = args.Get("level")
		s.say(s.frame("LK", s.health()))
	case "steps":
		s.steps = args.Get("count")
		s.say(s.frame("LK", s.health()))
	case "heart":
		s.say(s.frame("heart", args.Get("rate")))
	case "voice":
		s.say(s.frame("TK", "#!AMR\n\x7d\x01\x7d\x02\x7d\x03\x7d\x04\x7d\x05"))
	case "config":
		s.say(s.frame("CONFIG", "TY:g36,UL:600,VR:1.0"))
	default:
		return s.doLine(event, args)
	}
	return nil
}

// doLine makes something happen to the watch's line.
func (s *Sim) doLine(event string, args url.Values) error {
	switch event {
	case "drop", "silent":
		s.silent = event == "silent"
		s.hangUp()
	case "mute":
		s.o.Mute = args.Get("on") != "false"
	case "hub":
		s.o.Hub, s.silent = args.Get("address"), false
	default:
		return errors.New("sim: unknown event")
	}
	return nil
}

// alarm keeps an alarm until the hub has acknowledged it.
func (s *Sim) alarm(status string) {
	s.alarms = append(s.alarms, s.frame("AL", s.position(status)))
}

func (s *Sim) frame(kind, body string) setracker.Frame {
	return setracker.Frame{Maker: s.o.Maker, ID: s.o.ID, Index: s.o.Index, Type: kind, Body: []byte(body)}
}

// health is the body of an LK: steps, turns in sleep, battery.
func (s *Sim) health() string { return s.steps + ",0," + s.level }

// position has one cell, and one Wi-Fi network where the watch has been given one.
func (s *Sim) position(status string) string {
	wifi := "0"
	if s.o.Network != "" {
		wifi = "1," + s.o.Network + ",02:00:5e:00:53:01,-50"
	}
	return fmt.Sprintf("%s,A,%s,N,%s,E,0,0,10,8,90,%s,%s,0,%s,1,1,204,8,1001,2002,-60,%s,12",
		time.Now().UTC().Format("020106,150405"), s.lat, s.lon, s.level, s.steps, status, wifi)
}

// say writes a frame as this watch's firmware would.
func (s *Sim) say(f setracker.Frame) {
	if s.conn == nil || s.silent {
		return
	}
	out := f.Encode()
	if s.o.Longer != 0 {
		out = mislabelled(f, s.o.Longer)
	}
	_ = s.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	step := len(out)
	if s.o.Split > 0 {
		step = s.o.Split
	}
	for len(out) > 0 {
		n := min(step, len(out))
		if _, err := s.conn.Write(out[:n]); err != nil {
			return
		}
		out = out[n:]
	}
}

// mislabelled declares a length that is wrong.
func mislabelled(f setracker.Frame, by int) []byte {
	content, index := f.Type, ""
	if len(f.Body) > 0 {
		content += "," + string(f.Body)
	}
	if f.Index != "" {
		index = f.Index + "*"
	}
	return fmt.Appendf(nil, "[%s*%s*%s%04x*%s]", f.Maker, f.ID, index, len(content)+by, content)
}
