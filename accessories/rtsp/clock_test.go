package rtsp

import (
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtp"

	"github.com/ingle-home/ingle/accessories/media"
)

func TestClock(t *testing.T) {
	begin := time.Unix(1000, 0)
	type tick struct {
		stamp uint32
		at    time.Duration // arrival
		want  time.Duration
	}
	for name, ticks := range map[string][]tick{
		"even":              {{0, 0, 0}, {9000, 1e8, 1e8}, {18000, 2e8, 2e8}},
		"wraps":             {{0xfffffff0, 0, 0}, {0x2318, 1e8, 1e8}},
		"B-frames go back":  {{0, 0, 0}, {27000, 1e8, 3e8}, {9000, 2e8, 1e8}, {18000, 3e8, 2e8}},
		"a burst":           {{0, 0, 0}, {9000, 10e9, 1e8}, {18000, 10e9 + 1, 2e8}},
		"a slow camera":     {{0, 0, 0}, {900000, 10e9, 10e9}},
		"forward jump":      {{0, 0, 0}, {2_000_000_000, 1e8, 1e8}, {2_000_009_000, 2e8, 2e8}},
		"backward jump":     {{2_000_000_000, 0, 0}, {5, 1e8, 1e8}, {9005, 2e8, 2e8}},
		"jump, same moment": {{0, 0, 0}, {2_000_000_000, 0, 4e7}},
	} {
		t.Run(name, func(t *testing.T) {
			c := clock{rate: clockRate}
			for i, tick := range ticks {
				if got := c.time(tick.stamp, begin.Add(tick.at)); got != tick.want {
					t.Fatalf("tick %d: %v, want %v", i, got, tick.want)
				}
			}
		})
	}
}

func TestClockAfterAMonth(t *testing.T) {
	c := clock{rate: clockRate}
	at := time.Unix(1000, 0)
	var stamp uint32
	var got time.Duration
	for i := range 30 * 24 * 3600 / 3 {
		got = c.time(stamp, at.Add(time.Duration(i)*3*time.Second))
		stamp += 3 * clockRate
	}
	if want := 30*24*time.Hour - 3*time.Second; got != want {
		t.Fatalf("%v, want %v", got, want)
	}
}

// Sound that travels 300 ms longer than the pictures comes into step by the camera's own clock, and
// never goes back.
func TestSoundComesIntoStep(t *testing.T) {
	const late = 300 * time.Millisecond
	begin := time.Unix(1000, 0)
	told := false
	tell := func(start uint32, rate int64) func(uint32) (time.Time, bool) {
		return func(stamp uint32) (time.Time, bool) {
			return time.Unix(77, 0).Add(time.Duration(stamp-start) * time.Second / time.Duration(rate)), told
		}
	}
	l := timeline{ntp: tell(500, 90000), soundNTP: tell(900, 8000)}
	if _, ok := l.voice(900, begin, 8000); ok {
		t.Fatal("sound before the first picture")
	}
	l.picture(500, begin)
	var last time.Duration
	for i := range 500 { // ten seconds
		told = i > 50
		at := time.Duration(i) * 20 * time.Millisecond
		l.picture(500+uint32(i)*1800, begin.Add(at))
		pts, ok := l.voice(900+uint32(i)*160, begin.Add(at+late), 8000)
		if !ok || i > 0 && pts <= last {
			t.Fatalf("packet %d at %v after %v", i, pts, last)
		}
		last = pts
		if wrong := pts - at; i <= 50 && wrong != late || i > 352 && wrong.Abs() > slew {
			t.Fatalf("packet %d is %v out of step", i, wrong)
		}
	}
}

func TestSoundDoesNotBelieveEverything(t *testing.T) {
	begin := time.Unix(1000, 0)
	l := timeline{
		ntp:      func(uint32) (time.Time, bool) { return begin, true },
		soundNTP: func(uint32) (time.Time, bool) { return begin.Add(time.Hour), true },
	}
	l.picture(0, begin)
	for i := range 100 {
		if pts, _ := l.voice(uint32(i)*160, begin, 8000); pts != time.Duration(i)*20*time.Millisecond {
			t.Fatalf("packet %d at %v", i, pts)
		}
	}
}

// FuzzAAC feeds the input as RFC 3640 payloads, cut at its first byte.
func FuzzAAC(f *testing.F) {
	f.Add([]byte("\x06\x00\x10\x00\x10\x21\x22\x00\x10\x00\x10\x21\x22"), true)
	f.Add([]byte("\x06\x00\x20\x00\x10\x00\x08\x21\x22\x23"), true)
	f.Add([]byte("\x05\x00\x10\x00\x20\x21\x22\x23"), false)
	f.Fuzz(func(t *testing.T, in []byte, marker bool) {
		if len(in) == 0 {
			return
		}
		d := described{track: &media.Track{Codec: media.AAC, ClockRate: 16000}, voice: &format.MPEG4Audio{
			PayloadTyp: 97, SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3,
			Config: &mpeg4audio.AudioSpecificConfig{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 16000, ChannelCount: 1, ChannelConfig: 1},
		}}
		l := new(timeline)
		l.picture(0, time.Unix(0, 0))
		s, err := newSounder(d, l, func() time.Time { return time.Unix(0, 0) }, func(u *media.Unit) {
			if len(u.Sound) == 0 || len(u.Sound) > mpeg4audio.MaxAccessUnitSize {
				t.Fatalf("%d bytes of sound", len(u.Sound))
			}
		}, func(err error) {
			if err == nil || err == rtpmpeg4audio.ErrMorePacketsNeeded {
				t.Fatal(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		n := min(int(in[0]), len(in)-1)
		for i, payload := range [][]byte{in[1 : 1+n], in[1+n:]} {
			s.packet(&rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(i), Marker: marker || i == 1}, Payload: payload})
		}
	})
}
