package rtsp

import "time"

const (
	ahead      = 3 * time.Second // a timestamp that runs so much ahead of its arrival is a jump of the camera's clock
	back       = 2 * time.Second // … or goes so much back; B-frames go back a little
	usualStep  = 40 * time.Millisecond
	slew       = time.Millisecond // the most by which one packet of sound is moved to be in step
	outOfReach = 10 * time.Second // sound that seems to be so far out of step is not believed
)

// clock unwraps the RTP timestamps of one track.
type clock struct {
	rate    int64 // ticks a second
	started bool
	last    uint32
	ticks   int64 // since the start
	at      time.Time
}

// time is how long after the first timestamp this one is. A jump of the camera's clock counts as
// the time that passed here.
func (c *clock) time(stamp uint32, at time.Time) time.Duration {
	step := int64(int32(stamp - c.last))
	passed := at.Sub(c.at)
	switch {
	case !c.started:
		c.started, step = true, 0
	case c.duration(step) > passed+ahead || c.duration(step) < -back:
		step = int64(max(passed, usualStep).Seconds() * float64(c.rate))
	}
	c.last, c.at = stamp, at
	c.ticks += step
	return c.duration(c.ticks)
}

// duration is split, because ticks × 10⁹ overflows after a day.
func (c *clock) duration(ticks int64) time.Duration {
	sec, rest := ticks/c.rate, ticks%c.rate
	return time.Duration(sec)*time.Second + time.Duration(rest)*time.Second/time.Duration(c.rate)
}

// timeline puts the pictures and the sound of one Watch on one line of time, which begins with the
// first picture. Sound starts by its arrival; once the camera has told for both which RTP timestamp
// belongs to which time of its own clock (RTCP sender reports, RFC 3550, 6.4.1), sound is moved
// little by little until it is in step.
type timeline struct {
	pictures clock
	sound    clock
	first    time.Time // arrival of the first picture
	shift    time.Duration
	zero     time.Time // the camera's time at the line's beginning, once known
	ntp      func(stamp uint32) (time.Time, bool)
	soundNTP func(stamp uint32) (time.Time, bool)
}

// picture is the time of a picture.
func (l *timeline) picture(stamp uint32, at time.Time) time.Duration {
	if !l.pictures.started {
		l.pictures.rate, l.first = clockRate, at
	}
	pts := l.pictures.time(stamp, at)
	if l.ntp != nil {
		if t, ok := l.ntp(stamp); ok {
			l.zero = t.Add(-pts)
		}
	}
	return pts
}

// voice is the time of a packet of sound; false before the first picture.
func (l *timeline) voice(stamp uint32, at time.Time, rate int) (time.Duration, bool) {
	if !l.pictures.started {
		return 0, false
	}
	if !l.sound.started {
		l.sound.rate, l.shift = int64(rate), at.Sub(l.first)
	}
	pts := l.sound.time(stamp, at) + l.shift
	if l.soundNTP == nil || l.zero.IsZero() {
		return pts, true
	}
	if t, ok := l.soundNTP(stamp); ok {
		if wrong := t.Sub(l.zero) - pts; wrong.Abs() < outOfReach {
			l.shift += max(-slew, min(slew, wrong))
		}
	}
	return pts, true
}
