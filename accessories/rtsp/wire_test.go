package rtsp

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
)

// Parameter sets of a 320 × 240 stream at 15 pictures a second, as x264 writes them.
var (
	testSPS = []byte{0x67, 0x42, 0xc0, 0x0d, 0xd9, 0x01, 0x41, 0xfb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x01, 0xe0, 0xf1, 0x42, 0xa4, 0x80}
	testPPS = []byte{0x68, 0xcb, 0x83, 0xcb, 0x20}
)

func collect(sps, pps []byte) (*assembler, *[]*media.Unit, *[]error) {
	var units []*media.Unit
	var lost []error
	a := newAssembler(sps, pps, func() time.Time { return time.Unix(0, 0) },
		func(u *media.Unit) { units = append(units, u) },
		func(err error) { lost = append(lost, err) })
	return a, &units, &lost
}

func packet(seq uint16, stamp uint32, marker bool, payload ...byte) *rtp.Packet {
	return &rtp.Packet{Header: rtp.Header{SequenceNumber: seq, Timestamp: stamp, Marker: marker}, Payload: payload}
}

func TestParameterSetsFromTheStream(t *testing.T) {
	a, units, lost := collect(nil, nil)
	a.packet(packet(1, 0, true, 0x65, 1)) // nobody can decode this one
	a.packet(packet(2, 3000, false, testSPS...))
	a.packet(packet(3, 3000, false, testPPS...))
	a.packet(packet(4, 3000, true, 0x65, 2))
	if len(*lost) != 1 || len(*units) != 1 {
		t.Fatalf("%d units, lost %v", len(*units), *lost)
	}
	u := (*units)[0]
	if !u.Key || len(u.NALs) != 1 || u.Track.Width != 320 || u.Track.Height != 240 {
		t.Fatalf("unit %+v, track %+v", u, u.Track)
	}
	changed := append([]byte(nil), testPPS...)
	changed[4] = 0x30
	a.packet(packet(5, 6000, false, changed...))
	a.packet(packet(6, 6000, true, 0x65, 3))
	if len(*units) != 2 || (*units)[1].Track == u.Track {
		t.Fatal("a new parameter set must make a new track")
	}
}

func TestPicturesWithoutMarkerKeepTheirTimes(t *testing.T) {
	a, units, _ := collect(testSPS, testPPS)
	for i := range 4 {
		a.packet(packet(uint16(i), 0xffffff00+uint32(i)*9000, false, 0x41, byte(i))) // wraps
	}
	if len(*units) != 3 {
		t.Fatalf("%d units", len(*units))
	}
	for i, u := range *units {
		if u.PTS != time.Duration(i)*100*time.Millisecond || u.NALs[0][1] != byte(i) {
			t.Fatalf("unit %d has PTS %v", i, u.PTS)
		}
	}
}

func TestJumpOfTheCameraClock(t *testing.T) {
	a, units, _ := collect(testSPS, testPPS)
	for i, stamp := range []uint32{0, 9000, 2_000_000_000, 2_000_009_000} {
		a.packet(packet(uint16(i), stamp, true, 0x41, 1))
	}
	if last := (*units)[3].PTS; last != 240*time.Millisecond {
		t.Fatalf("PTS %v after a jump", last)
	}
}

func TestHugePictureIsDropped(t *testing.T) {
	a, units, lost := collect(testSPS, testPPS)
	part := make([]byte, 60000)
	part[0] = 0x65
	for i := range 40 {
		a.packet(packet(uint16(i), 0, i == 39, part...))
	}
	a.packet(packet(40, 9000, true, 0x65, 1))
	if len(*units) != 1 || len(*lost) != 1 || !strings.Contains((*lost)[0].Error(), "limit") {
		t.Fatalf("%d units, lost %v", len(*units), *lost)
	}
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"rtsp://cam/live", "rtsps://10.0.0.1:1/a?b=c", "rtsp://u:p@cam/", "http://x", "rtsp://[::1]/", "rtsp://cam:x/", "rtsp://%zz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, err := parseAddress(s)
		if err != nil {
			if !errors.Is(err, device.ErrRefused) {
				t.Fatal(err)
			}
			return
		}
		if u, err := at.url("", ""); err == nil && u.User != nil {
			t.Fatalf("credentials came through in %q", s)
		}
	})
}

// FuzzPackets feeds the input as packets: a length byte, a flag byte, the payload, and so on.
func FuzzPackets(f *testing.F) {
	f.Add([]byte("\x02\x01\x65\x01\x02\x03\x41\x01"))
	f.Add([]byte("\x03\x00\x7c\x85\x01\x03\x01\x7c\x45\x02"))
	f.Add([]byte("\x06\x01\x78\x00\x02\x67\x42\x01\x01\x01\x79"))
	f.Add(append([]byte{byte(len(testSPS)), 0}, testSPS...))
	f.Fuzz(func(t *testing.T, in []byte) {
		a, units, _ := collect(testSPS, testPPS)
		for seq := uint16(0); len(in) >= 2; seq++ {
			n, flags := min(int(in[0]), len(in)-2), in[1]
			stamp := uint32(flags>>1) << 22
			a.packet(packet(seq+uint16(flags>>7), stamp, flags&1 == 1, in[2:2+n]...))
			in = in[2+n:]
		}
		for _, u := range *units {
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
