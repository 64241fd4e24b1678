package sound

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	pion "github.com/pion/opus"

	"github.com/ingle-home/ingle/accessories/media"
)

const ms = time.Millisecond

func newEncoder(t testing.TB, f Format) *Encoder {
	t.Helper()
	e, err := NewEncoder(t.Context(), f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func (e *Encoder) must(t testing.TB, u *media.Unit) []Packet {
	t.Helper()
	list, err := e.Encode(u)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// formats are all that a viewer may ask for.
func formats() []Format {
	var list []Format
	for _, rate := range []int{16000, 24000} {
		for _, d := range []time.Duration{20 * ms, 30 * ms, 40 * ms, 60 * ms} {
			list = append(list, Format{Rate: rate, PacketTime: d})
		}
	}
	return list
}

// whole checks that packets follow each other without a gap and hold one packet time each.
func whole(t *testing.T, f Format, list []Packet) {
	t.Helper()
	for i, p := range list {
		o, err := parsePacket(p.Payload)
		if err != nil || o.duration() != f.PacketTime {
			t.Fatalf("packet %d has %v, %v", i, o.duration(), err)
		}
		if i > 0 && p.At-list[i-1].At != int64(f.Samples()) {
			t.Fatalf("packet %d comes %d samples after the one before", i, p.At-list[i-1].At)
		}
	}
}

// listen decodes packets with libopus and with another decoder, and gives how pure a tone both hear.
func listen(t *testing.T, f Format, list []Packet, hz float64) (libopus, other float64) {
	t.Helper()
	d, err := newOpusDecoder(f.Rate)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	second, err := pion.NewDecoderWithOutput(f.Rate, 1)
	if err != nil {
		t.Fatal(err)
	}
	var a, b []int16
	buffer := make([]int16, samplesIn(maxDuration, f.Rate))
	for i, p := range list {
		pcm, err := d.decode(p.Payload)
		if err != nil || len(pcm) != f.Samples() {
			t.Fatalf("packet %d: libopus gives %d samples, %v", i, len(pcm), err)
		}
		a = append(a, pcm...)
		n, err := second.DecodeToInt16(p.Payload, buffer)
		if err != nil || n != f.Samples() {
			t.Fatalf("packet %d: the other decoder gives %d samples, %v", i, n, err)
		}
		b = append(b, buffer[:n]...)
	}
	settled := f.Rate / 2
	return purity(a[settled:], hz, float64(f.Rate)), purity(b[settled:], hz, float64(f.Rate))
}

func telephone(codec media.Codec) *media.Track {
	return &media.Track{Codec: codec, ClockRate: 8000, Channels: 1}
}

// spoken is a unit of 20 ms of G.711 with a tone of 440 Hz.
func spoken(track *media.Track, n int) *media.Unit {
	u := &media.Unit{Track: track, PTS: time.Duration(n) * 20 * ms, Sound: make([]byte, 160)}
	for i, s := range tone(440, 8000, n*160, 160) {
		u.Sound[i] = toULaw(s)
		if track.Codec == media.PCMA {
			u.Sound[i] = nearestALaw(s)
		}
	}
	return u
}

// nearestALaw gives the nearest of the values on the same side.
func nearestALaw(s int16) byte {
	best, far := byte(0), math.MaxInt
	for b := range byte(128) {
		if s >= 0 {
			b |= 0x80
		}
		d := int(fromALaw(b)) - int(s)
		if d = max(d, -d); d < far {
			best, far = b, d
		}
	}
	return best
}

func TestG711ComesOutAsOpus(t *testing.T) {
	for _, f := range formats() {
		codecs := []media.Codec{media.PCMU}
		if f.PacketTime == 20*ms {
			codecs = append(codecs, media.PCMA)
		}
		for _, codec := range codecs {
			t.Run(fmt.Sprint(f.Rate, f.PacketTime, codec), func(t *testing.T) {
				t.Parallel()
				e, track := newEncoder(t, f), telephone(codec)
				var list []Packet
				for n := range 100 {
					list = append(list, e.must(t, spoken(track, n))...)
				}
				if off := len(list) - int(2*time.Second/f.PacketTime); off < -1 || off > 0 {
					t.Errorf("%d packets in 2 s", len(list))
				}
				whole(t, f, list)
				a, b := listen(t, f, list, 440)
				if a < 20 || b < 20 {
					t.Errorf("the tone stands %.0f dB above the rest by libopus, %.0f dB by the other", a, b)
				}
			})
		}
	}
}

// fromCamera encodes a tone as a camera with Opus of its own does.
func fromCamera(t testing.TB, rate int, frame time.Duration, bitrate, count int) []*media.Unit {
	t.Helper()
	e, err := newOpusEncoder(Format{Rate: rate, PacketTime: frame}, frame)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	if err := e.set(setBitrate, bitrate); err != nil {
		t.Fatal(err)
	}
	track := &media.Track{Codec: media.Opus, ClockRate: 48000, Channels: 1}
	var list []*media.Unit
	n := samplesIn(frame, rate)
	for i := range count {
		b, err := e.encode(tone(440, float64(rate), i*n, n))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, &media.Unit{Track: track, PTS: time.Duration(i) * frame, Sound: slices.Clone(b)})
	}
	return list
}

func TestOpusGoesThroughUntouched(t *testing.T) {
	for _, frame := range []time.Duration{10 * ms, 20 * ms} {
		for _, f := range formats() {
			f.Limit = 5000
			if f.PacketTime%frame != 0 || frame == 10*ms && f.Rate == 16000 {
				continue
			}
			units := fromCamera(t, 24000, frame, 160_000, 90)
			e := newEncoder(t, f)
			var list []Packet
			var in, out [][]byte
			for _, u := range units {
				p, err := parsePacket(u.Sound)
				if err != nil {
					t.Fatal(err)
				}
				in = append(in, p.frames...)
				list = append(list, e.must(t, u)...)
			}
			big := 0
			for _, p := range list {
				o, err := parsePacket(p.Payload)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, o.frames...)
				for _, f := range o.frames {
					big = max(big, len(f))
				}
			}
			if e.coder != nil || len(out) < len(in)-5 || !sameFrames(in[:len(out)], out) {
				t.Fatalf("%v in %v: %d of %d frames", frame, f.PacketTime, len(out), len(in))
			}
			if frame == 20*ms && big < twoBytes {
				t.Errorf("the largest frame has %d bytes: a length of two bytes was not tried", big)
			}
			whole(t, f, list)
			if a, b := listen(t, f, list, 440); a < 20 || b < 20 {
				t.Errorf("%v in %v: %.0f and %.0f dB", frame, f.PacketTime, a, b)
			}
		}
	}
}

func TestOpusThatDoesNotFitIsCodedAnew(t *testing.T) {
	for _, c := range []struct {
		frame   time.Duration
		bitrate int
		format  Format
	}{
		{60 * ms, 24_000, Format{Rate: 16000, PacketTime: 20 * ms}},
		{20 * ms, 24_000, Format{Rate: 24000, PacketTime: 30 * ms}},
		{40 * ms, 24_000, Format{Rate: 16000, PacketTime: 60 * ms}},
		{20 * ms, 200_000, Format{Rate: 16000, PacketTime: 60 * ms}}, // too large for a datagram
	} {
		e := newEncoder(t, c.format)
		var list []Packet
		for _, u := range fromCamera(t, 24000, c.frame, c.bitrate, int(2*time.Second/c.frame)) {
			list = append(list, e.must(t, u)...)
		}
		whole(t, c.format, list)
		if off := len(list) - int(2*time.Second/c.format.PacketTime); off < -2 || off > 0 {
			t.Errorf("%v in %v: %d packets in 2 s", c.frame, c.format.PacketTime, len(list))
		}
		for _, p := range list {
			if len(p.Payload) > c.format.limit() {
				t.Errorf("%v in %v: %d bytes", c.frame, c.format.PacketTime, len(p.Payload))
			}
		}
		if a, b := listen(t, c.format, list, 440); a < 15 || b < 15 {
			t.Errorf("%v in %v: %.0f and %.0f dB", c.frame, c.format.PacketTime, a, b)
		}
	}
}

func TestFramesOfAnotherKindBeginAPacket(t *testing.T) {
	f := Format{Rate: 16000, PacketTime: 60 * ms}
	e := newEncoder(t, f)
	track := &media.Track{Codec: media.Opus, ClockRate: 48000, Channels: 1}
	kinds := []byte{0x48, 0x48, 0xf8, 0xf8, 0xf8, 0x48, 0x48, 0x48, 0x48} // all of 20 ms
	var list []Packet
	for i, toc := range kinds {
		list = append(list, e.must(t, &media.Unit{Track: track, PTS: time.Duration(i) * 20 * ms, Sound: []byte{toc, byte(i), 1, 2, 3}})...)
	}
	if len(list) != 2 || list[0].Payload[0] != 0xfb || list[1].Payload[0] != 0x4b {
		t.Fatalf("%d packets: %x", len(list), list)
	}
	for i, first := range []int64{2, 5} {
		if off := list[i].At - first*320; off < -480 || off > 480 || list[i].At%960 != 0 {
			t.Errorf("packet %d is at %d, its sound is of %d", i, list[i].At, first*320)
		}
	}
}

func TestAGapIsWholePackets(t *testing.T) {
	opus := fromCamera(t, 16000, 20*ms, 24_000, 200)
	for _, f := range formats() {
		for _, gap := range []time.Duration{25 * ms, 45 * ms, 100 * ms, 2130 * ms, 75 * time.Hour} {
			for name, unit := range map[string]func(int) *media.Unit{
				"G.711": func(n int) *media.Unit { return spoken(telephone(media.PCMU), n) },
				"Opus":  func(n int) *media.Unit { u := *opus[n]; return &u },
			} {
				e := newEncoder(t, f)
				var list []Packet
				for n := range 40 {
					u := unit(n)
					if n >= 20 {
						u.PTS += gap
					}
					list = append(list, e.must(t, u)...)
				}
				first, last := list[0].At, list[len(list)-1].At
				off := last + int64(f.Samples()) - f.At(gap+800*ms)
				if limit := int64(samplesIn(40*ms, f.Rate)) + int64(f.Samples()); off > limit || off < -limit {
					t.Errorf("%s, %v in %v: ends %d samples off", name, gap, f.PacketTime, off)
				}
				for _, p := range list {
					if (p.At-first)%int64(f.Samples()) != 0 {
						t.Errorf("%s, %v in %v: a packet at %d", name, gap, f.PacketTime, p.At)
					}
				}
			}
		}
	}
}

// A camera's clocks of pictures and of samples differ: ten minutes later the sound must still be at most
// 40 ms from the pictures.
func TestDriftIsBounded(t *testing.T) {
	const minutes = 10
	for _, f := range formats() {
		for _, drift := range []float64{-0.002, 0, 0.0005} {
			line := &timeline{format: f}
			j := &joiner{line: line}
			p := packet{toc: 0xf8, frames: sized(3)}
			worst, sent := int64(0), 0
			for n := range minutes * 60 * 50 {
				pts := time.Duration(float64(n) * (1 + drift) * float64(20*ms))
				list := j.add(pts, p)
				sent += len(list)
				off := line.start + line.filled - f.At(pts+20*ms)
				worst = max(worst, off, -off)
			}
			if worst > int64(samplesIn(40*ms, f.Rate)) {
				t.Errorf("%d Hz, %v, drift %v: %d samples off", f.Rate, f.PacketTime, drift, worst)
			}
			if lost := minutes*60*float64(time.Second)/float64(f.PacketTime) - float64(sent); f.PacketTime%(20*ms) == 0 && lost > 200 {
				t.Errorf("%d Hz, %v, drift %v: %.0f packets lost", f.Rate, f.PacketTime, drift, lost)
			}
		}
	}
}

// The same through all of the encoder, for G.711, with a clock that trembles as well.
func TestG711DriftIsBounded(t *testing.T) {
	f := Format{Rate: 16000, PacketTime: 60 * ms}
	for _, drift := range []float64{-0.002, 0.002} {
		e, track := newEncoder(t, f), telephone(media.PCMU)
		u := spoken(track, 0)
		for n := range 60 * 50 {
			one := *u
			one.PTS = time.Duration(float64(n)*(1+drift)*float64(20*ms)) + time.Duration(n%3)*5*ms
			e.must(t, &one)
			if off := e.line.start + e.line.filled - f.At(one.PTS+20*ms); off > 640 || off < -640 {
				t.Fatalf("drift %v: %d samples off after %d units", drift, off, n)
			}
		}
	}
}

func TestWhatAnEncoderRefuses(t *testing.T) {
	for _, f := range []Format{{}, {Rate: 8000, PacketTime: 20 * ms}, {Rate: 48000, PacketTime: 20 * ms}, {Rate: 16000, PacketTime: 10 * ms}, {Rate: 16000, PacketTime: 50 * ms}} {
		if _, err := NewEncoder(t.Context(), f, Options{}); err == nil {
			t.Errorf("%+v is taken", f)
		}
	}
	e := newEncoder(t, Format{Rate: 16000, PacketTime: 20 * ms})
	for name, u := range map[string]*media.Unit{
		"a picture":     {Track: &media.Track{Codec: media.H264}, NALs: [][]byte{{1}}},
		"no track":      {Sound: []byte{1}},
		"another codec": {Track: &media.Track{Codec: "G.726"}, Sound: []byte{1}},
	} {
		if _, err := e.Encode(u); !errors.Is(err, ErrCodec) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, u := range map[string]*media.Unit{
		"broken Opus":    {Track: &media.Track{Codec: media.Opus}, Sound: []byte{0x49, 1, 2, 3}},
		"empty Opus":     {Track: &media.Track{Codec: media.Opus}, Sound: []byte{}},
		"much G.711":     {Track: telephone(media.PCMU), Sound: make([]byte, mostBytes+1)},
		"odd rate":       {Track: &media.Track{Codec: media.PCMU, ClockRate: 1}, Sound: []byte{1}},
		"AAC, no config": {Track: &media.Track{Codec: media.AAC}, Sound: []byte{1}},
	} {
		if list, err := e.Encode(u); err == nil || list != nil {
			t.Errorf("%s: %d packets, %v", name, len(list), err)
		}
	}
	if e.must(t, spoken(telephone(media.PCMU), 1)); e.coder == nil {
		t.Error("nothing works any more")
	}
}

func TestWithoutLibopus(t *testing.T) {
	for _, name := range []string{"libopus-none.so.0", "libc.so.6"} { // one that is not there, one that is something else
		if _, err := openLibopus(name); !errors.Is(err, ErrNoLibopus) {
			t.Errorf("%s: %v", name, err)
		}
	}
	e := newEncoder(t, Format{Rate: 16000, PacketTime: 20 * ms})
	e.lacks = ErrNoLibopus
	if list, err := e.Encode(spoken(telephone(media.PCMU), 0)); !errors.Is(err, ErrNoLibopus) || list != nil {
		t.Errorf("%d packets, %v", len(list), err)
	}
	units := fromCamera(t, 16000, 20*ms, 24_000, 3) // needs none to go through
	if list := append(e.must(t, units[0]), e.must(t, units[1])...); len(list) != 2 {
		t.Errorf("%d packets", len(list))
	}
}
