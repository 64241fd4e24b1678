package rtsp

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/ingle-home/ingle/accessories/media"
)

// Parameter sets of a 320 × 240 stream at 15 pictures a second, as x264 writes them.
var (
	testSPS = []byte{0x67, 0x42, 0xc0, 0x0d, 0xd9, 0x01, 0x41, 0xfb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x01, 0xe0, 0xf1, 0x42, 0xa4, 0x80}
	testPPS = []byte{0x68, 0xcb, 0x83, 0xcb, 0x20}
)

// bench is an assembler with what comes out of it.
type bench struct {
	*assembler
	units []*media.Unit
	lost  []error
	seq   uint16
}

func newBench(sps, pps []byte) *bench {
	b := new(bench)
	b.assembler = newAssembler(sps, pps,
		func(u *media.Unit) { b.units = append(b.units, u) },
		func(err error) { b.lost = append(b.lost, err) })
	b.now = func() time.Time { return time.Unix(0, 0) }
	return b
}

// send sends the next packet in the sequence.
func (b *bench) send(stamp uint32, marker bool, payload ...byte) {
	b.packet(&rtp.Packet{Header: rtp.Header{SequenceNumber: b.seq, Timestamp: stamp, Marker: marker}, Payload: payload})
	b.seq++
}

// miss leaves one out.
func (b *bench) miss() { b.seq++ }

// firsts are the second bytes of the units' first NAL units: tests write a number there.
func (b *bench) firsts() []byte {
	var all []byte
	for _, u := range b.units {
		all = append(all, u.NALs[0][1])
	}
	return all
}

func (b *bench) want(t *testing.T, firsts []byte, lost ...error) {
	t.Helper()
	if !bytes.Equal(b.firsts(), firsts) {
		t.Fatalf("units %x, want %x; lost %v", b.firsts(), firsts, b.lost)
	}
	if len(b.lost) != len(lost) {
		t.Fatalf("lost %v, want %v", b.lost, lost)
	}
	for i, want := range lost {
		if !errors.Is(b.lost[i], want) {
			t.Fatalf("lost %v, want %v", b.lost, lost)
		}
	}
}

func TestParameterSetsFromTheStream(t *testing.T) {
	b := newBench(nil, nil)
	b.send(0, true, 0x65, 0x81) // nobody can decode this one
	b.send(3000, false, testSPS...)
	b.send(3000, false, testPPS...)
	b.send(3000, true, 0x65, 0x82)
	changed := bytes.Clone(testPPS)
	changed[4] = 0x30
	b.send(6000, false, changed...)
	b.send(6000, true, 0x65, 0x83)
	if len(b.lost) != 1 || !bytes.Equal(b.firsts(), []byte{0x82, 0x83}) {
		t.Fatalf("units %x, lost %v", b.firsts(), b.lost)
	}
	u := b.units[0]
	if !u.Key || len(u.NALs) != 1 || u.Track.Width != 320 || u.Track.Height != 240 || u.Track.FPS != 15 {
		t.Fatalf("unit %+v, track %+v", u, u.Track)
	}
	if b.units[1].Track == u.Track {
		t.Fatal("a new parameter set must make a new track")
	}
}

func TestParameterSetsWithTimesOfTheirOwn(t *testing.T) {
	b := newBench(nil, nil)
	b.send(1, true, testSPS...)
	b.send(2, true, testPPS...)
	b.send(3000, true, 0x65, 0x81)
	b.send(6000, true, 0x41, 0x82)
	b.want(t, []byte{0x81, 0x82})
}

func TestPicturesWithoutMarkerKeepTheirTimes(t *testing.T) {
	b := newBench(testSPS, testPPS)
	for i := range 4 {
		b.send(0xffffff00+uint32(i)*9000, false, 0x41, 0x80|byte(i)) // wraps
	}
	b.want(t, []byte{0x80, 0x81, 0x82})
	for i, u := range b.units {
		if u.PTS != time.Duration(i)*100*time.Millisecond {
			t.Fatalf("unit %d has PTS %v", i, u.PTS)
		}
	}
}

func TestSlicesOfOnePicture(t *testing.T) {
	for name, eachMarked := range map[string]bool{"one marker": false, "a marker on each": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(testSPS, testPPS)
			for i := range uint32(4) {
				b.send(i*3000, eachMarked, 0x41, 0x80|byte(i))
				b.send(i*3000, eachMarked, 0x41, 0x40)
				b.send(i*3000, true, 0x41, 0x20)
			}
			b.send(4*3000, true, 0x41, 0x84)
			b.want(t, []byte{0x80, 0x81, 0x82, 0x83, 0x84}[:len(b.units)])
			if least := map[bool]int{false: 5, true: 4}[eachMarked]; len(b.units) != least {
				t.Fatalf("%d units, want %d", len(b.units), least)
			}
			for _, u := range b.units[:4] {
				if len(u.NALs) != 3 {
					t.Fatalf("a picture of %d slices", len(u.NALs))
				}
			}
		})
	}
}

func TestMarkersThatCannotBeTrustedAnyMore(t *testing.T) {
	b := newBench(testSPS, testPPS)
	b.send(0, true, 0x65, 0x80)
	b.send(3000, true, 0x41, 0x81)
	for i := range uint32(3) { // from here on in two slices, each marked
		b.send(6000+i*3000, true, 0x41, 0x82+byte(i))
		b.send(6000+i*3000, true, 0x41, 0x40)
	}
	b.send(18000, true, 0x41, 0x89)
	// The first half of 82 was taken for a whole picture; what follows is whole again.
	b.want(t, []byte{0x80, 0x81, 0x82, 0x83, 0x84}, errMarks)
	if len(b.units[3].NALs) != 2 || !b.units[3].Gap {
		t.Fatalf("%+v", b.units[3])
	}
}

func TestMissingPackets(t *testing.T) {
	start := func() *bench {
		b := newBench(testSPS, testPPS)
		b.send(0, true, 0x65, 0x80)
		b.send(3000, true, 0x41, 0x81)
		return b
	}
	finish := func(t *testing.T, b *bench, firsts []byte, gap int, lost ...error) {
		t.Helper()
		b.send(12000, true, 0x41, 0x88)
		b.want(t, append([]byte{0x80, 0x81}, append(firsts, 0x88)...), lost...)
		for i, u := range b.units {
			if u.Gap != (i == gap) {
				t.Fatalf("unit %d: gap %v", i, u.Gap)
			}
		}
	}
	t.Run("a whole picture", func(t *testing.T) {
		b := start()
		b.miss()
		finish(t, b, nil, 2, errMissing)
	})
	t.Run("the start", func(t *testing.T) {
		b := start()
		b.miss()
		b.send(6000, true, 0x41, 0x40)
		finish(t, b, nil, 2, errMissing)
	})
	t.Run("the middle", func(t *testing.T) {
		b := start()
		b.send(6000, false, 0x41, 0x82)
		b.miss()
		b.send(6000, true, 0x41, 0x40)
		finish(t, b, nil, 2, errMissing)
	})
	t.Run("the end", func(t *testing.T) {
		b := start()
		b.send(6000, false, 0x41, 0x82)
		b.miss()
		b.send(9000, true, 0x41, 0x83)
		finish(t, b, []byte{0x83}, 2, errMissing)
	})
	t.Run("a fragment", func(t *testing.T) {
		b := start()
		b.send(6000, false, 0x7c, 0x81, 0x82)
		b.miss()
		b.send(6000, true, 0x7c, 0x41, 0x01)
		finish(t, b, nil, 2, errMissing)
	})
	t.Run("none, one came twice", func(t *testing.T) {
		b := start()
		b.seq--
		b.send(3000, true, 0x41, 0x81)
		b.send(6000, true, 0x41, 0x82)
		finish(t, b, []byte{0x82}, -1)
	})
}

func TestJoinsInTheMiddleSilently(t *testing.T) {
	b := newBench(testSPS, testPPS)
	b.send(0, false, 0x7c, 0x05, 1)
	b.send(0, true, 0x7c, 0x45, 2)
	b.send(3000, true, 0x41, 0x81)
	b.send(6000, true, 0x41, 0x82)
	b.want(t, []byte{0x81, 0x82})
	if b.units[0].Gap {
		t.Fatal("nothing was lost: it had not begun")
	}
}

func TestPayloads(t *testing.T) {
	for name, tc := range map[string]struct {
		payloads [][]byte
		want     [][]byte
		err      string
	}{
		"single":             {[][]byte{{0x41, 0x80, 1}}, [][]byte{{0x41, 0x80, 1}}, ""},
		"aggregate":          {[][]byte{{0x78, 0, 2, 0x41, 0x80, 0, 2, 0x41, 0x40}}, [][]byte{{0x41, 0x80}, {0x41, 0x40}}, ""},
		"aggregate, padded":  {[][]byte{{0x78, 0, 2, 0x41, 0x80, 0, 0, 0}}, [][]byte{{0x41, 0x80}}, ""},
		"aggregate, short":   {[][]byte{{0x78, 0, 9, 0x41}}, nil, "aggregate"},
		"fragments":          {[][]byte{{0x5c, 0x81, 1}, {0x5c, 0x01, 2}, {0x5c, 0x41, 3}}, [][]byte{{0x41, 1, 2, 3}}, ""},
		"fragment, no end":   {[][]byte{{0x5c, 0x81, 1}, {0x41, 0x80}}, nil, errUnfinished.Error()},
		"fragment, no start": {[][]byte{{0x5c, 0x01, 1}}, nil, errNoStart.Error()},
		"fragment, nested":   {[][]byte{{0x5c, 0x9c, 1}}, nil, "type 28"},
		"start codes":        {[][]byte{{0x41, 0x80, 7, 0, 0, 0, 1, 0x41, 0x40}}, [][]byte{{0x41, 0x80, 7}, {0x41, 0x40}}, ""},
		"STAP-B":             {[][]byte{{0x79, 0, 1, 0, 2, 0x41, 0x80}}, nil, "packetization mode"},
		"MTAP16":             {[][]byte{{0x7a, 0, 1}}, nil, "packetization mode"},
		"MTAP24":             {[][]byte{{0x7b, 0, 1}}, nil, "packetization mode"},
		"FU-B":               {[][]byte{{0x7d, 0x81, 0, 1}}, nil, "packetization mode"},
		"keep-alive":         {[][]byte{{}}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var d depacketizer
			var got [][]byte
			var err error
			for _, p := range tc.payloads {
				var nals [][]byte
				if nals, err = d.take(p); err != nil {
					break
				}
				got = append(got, nals...)
			}
			if tc.err == "" && err != nil || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Fatalf("got %v, want %q", err, tc.err)
			}
			if err == nil && !bytes.Equal(bytes.Join(got, []byte("|")), bytes.Join(tc.want, []byte("|"))) {
				t.Fatalf("got %x, want %x", got, tc.want)
			}
		})
	}
}

// Fragments without a byte are a way to fill the hub's memory that the size of a picture does not bound.
func TestFragmentsOfNothing(t *testing.T) {
	b := newBench(testSPS, testPPS)
	b.send(0, true, 0x65, 0x80)
	b.send(3000, false, 0x7c, 0x85, 1)
	most := 0
	for range 100_000 {
		b.send(3000, false, 0x7c, 0x05)
		most = max(most, len(b.parts.parts))
	}
	if most > maxParts {
		t.Errorf("%d fragments were held", most)
	}
	b.send(6000, true, 0x65, 0x81)
	b.want(t, []byte{0x80, 0x81}, errTooLarge)
}

func TestLargePicturesAndThoseTooLarge(t *testing.T) {
	b := newBench(testSPS, testPPS)
	b.send(0, true, 0x65, 0x80)
	part := make([]byte, 60000)
	part[0] = 0x65
	part[1] = 0x40
	for i := range 40 {
		b.send(3000, i == 39, part...)
	}
	fragment := append([]byte{0x7c, 0x85}, bytes.Repeat([]byte{1}, 60000)...)
	for i := range 40 {
		b.send(6000, i == 39, fragment...)
		fragment[1] = 0x05
	}
	fragment[1] = 0x85
	for i := range 20 { // this one is large, not too large
		if i == 19 {
			fragment[1] = 0x45
		}
		b.send(9000, i == 19, fragment...)
		fragment[1] = 0x05
	}
	b.send(12000, true, 0x65, 0x82)
	b.want(t, []byte{0x80, 1, 0x82}, errTooLarge, errTooLarge)
	if n := b.units[1].Size(); n != 20*60000+1 {
		t.Fatalf("%d bytes", n)
	}
}

// FuzzPackets feeds the input as packets: a length byte, a flag byte, the payload, and so on.
func FuzzPackets(f *testing.F) {
	f.Add([]byte("\x02\x01\x65\x81\x02\x03\x41\x81"))
	f.Add([]byte("\x03\x00\x7c\x85\x01\x03\x01\x7c\x45\x02"))
	f.Add([]byte("\x06\x01\x78\x00\x02\x67\x42\x01\x01\x01\x79"))
	f.Add([]byte("\x02\x01\x65\x81\x02\x01\x65\x41\x02\x03\x65\x81\x02\x03\x65\x41\x02\x85\x65\x81"))
	f.Add(append([]byte{byte(len(testSPS)), 0}, testSPS...))
	f.Fuzz(func(t *testing.T, in []byte) {
		b := newBench(testSPS, testPPS)
		for len(in) >= 2 {
			n, flags := min(int(in[0]), len(in)-2), in[1]
			b.seq += uint16(flags >> 7)
			b.send(uint32(flags>>1&0x3f)<<22, flags&1 == 1, in[2:2+n]...)
			in = in[2+n:]
		}
		for _, u := range b.units {
			if u.Track == nil || len(u.NALs) == 0 || u.Size() > maxUnit {
				t.Fatalf("bad unit %+v", u)
			}
			for _, nal := range u.NALs {
				if len(nal) == 0 {
					t.Fatal("empty NAL unit")
				}
			}
		}
	})
}
