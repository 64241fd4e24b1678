package setracker

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
)

// What a position without an accuracy of its own is worth, in metres.
const (
	satelliteAccuracy = 20
	guessAccuracy     = 1000
)

// maxFields is more than a position with all its cells and networks has.
const maxFields = 400

// lowBattery is the level, in percent, from which a battery is seen to be low.
const lowBattery = 20

// The bits of the status word that an alarm may name, by the maker's text.
const (
	statusSOS      = 1 << 16
	statusTakenOff = 1 << 20
	statusFall     = 1 << 21
	statusLow      = 1<<0 | 1<<17                 // of the battery
	statusOther    = 1<<1 | 1<<18 | 1<<19 | 1<<22 // fences, heart rate
)

// Position is the body of a UD, AL or WT frame. Speed is km/h, altitude metres, course degrees.
type Position struct {
	At                         time.Time
	Place                      trait.Place
	Speed, Course, Altitude    float64
	Satellites, Battery, Steps int // -1 when absent
	Status                     uint32
}

var mac = regexp.MustCompile(`^(?i:[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5})$`)

// ParsePosition reads a position body; it is an error when time or coordinates cannot be read. The
// status is read even then, because an alarm without a place is still an alarm.
func ParsePosition(body []byte) (Position, error) {
	f := strings.SplitN(string(body), ",", maxFields)
	p := Position{Satellites: -1, Battery: -1, Steps: -1}
	if len(f) < 16 {
		return p, fmt.Errorf("setracker: position of %d fields", len(f))
	}
	status, err := strconv.ParseUint(f[15], 16, 32)
	if err != nil {
		return p, fmt.Errorf("setracker: status: %w", err)
	}
	p.Status = uint32(status)
	p.Satellites, p.Battery, p.Steps = number(f[10], 99), number(f[12], 100), number(f[13], 1_000_000)
	p.Speed, p.Course, p.Altitude = float(f[7]), float(f[8]), float(f[9])
	if p.At, err = time.Parse("020106 150405", f[0]+" "+f[1]); err != nil {
		return p, fmt.Errorf("setracker: position time: %w", err)
	}
	p.Place.Fixed = f[2] == "A"
	if p.Place.Lat, err = degrees(f[3], f[4] == "S", 90); err != nil {
		return p, err
	}
	if p.Place.Lon, err = degrees(f[5], f[6] == "W", 180); err != nil {
		return p, err
	}
	p.Place.Accuracy = accuracy(f, p.Place.Fixed)
	return p, nil
}

func degrees(s string, negative bool, limit float64) (float64, error) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || !(math.Abs(v) <= limit) {
		return 0, fmt.Errorf("setracker: coordinate out of range")
	}
	if negative && v > 0 {
		v = -v
	}
	return v, nil
}

// accuracy walks the tail over cells and Wi-Fi to its last field. Names of networks may hold commas,
// so a list of networks must end in a MAC and a signal before the last field counts.
func accuracy(f []string, fixed bool) float64 {
	fallback := float64(guessAccuracy)
	if fixed {
		fallback = satelliteAccuracy
	}
	if len(f) < 19 {
		return fallback
	}
	cells := number(f[16], 20)
	wifi := 16 + 4 + 3*cells
	if cells < 1 || wifi >= len(f)-1 {
		return fallback
	}
	if n := number(f[wifi], 50); n > 0 && !mac.MatchString(f[len(f)-3]) {
		return fallback
	}
	if v := float(f[len(f)-1]); v > 0 && v <= 100_000 {
		return v
	}
	return fallback
}

// number reads a count from 0 to limit; -1 when it is none.
func number(s string, limit int) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > limit {
		return -1
	}
	return n
}

func float(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

// alarms lists all that an alarm frame cries for, the most urgent first. A low battery needs no alarm
// where the frame's own battery level tells it. An alarm frame that names nothing is still an alarm.
func alarms(p Position, at time.Time) []trait.Reading {
	var out []trait.Reading
	for _, a := range []struct {
		bit   uint32
		event trait.Trait[bool]
	}{{statusSOS, trait.SOS}, {statusFall, trait.Fall}, {statusTakenOff, trait.TakenOff}} {
		if p.Status&a.bit != 0 {
			out = append(out, a.event.Of(true, at))
		}
	}
	low := p.Status&statusLow != 0
	told := p.Battery >= 0 && p.Battery <= lowBattery
	if p.Status&statusOther != 0 || low && !told || len(out) == 0 && !low {
		out = append(out, trait.Alarm.Of(true, at))
	}
	return out
}
