package camera

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"

	"github.com/ingle-home/ingle/accessories/media"
)

func nal(kind byte, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i*31 + i>>8)
	}
	if size > 0 {
		b[0] = 0x60 | kind
	}
	return b
}

// joined puts NAL units together again (RFC 6184, 5.6 and 5.8).
func joined(t testing.TB, packets []*rtp.Packet) [][]byte {
	t.Helper()
	var list [][]byte
	open := false
	for i, p := range packets {
		if want := i == len(packets)-1; p.Marker != want {
			t.Errorf("packet %d of %d has the marker %v", i, len(packets), p.Marker)
		}
		if p.Payload[0]&0x1f != nalFragmentA {
			if open {
				t.Error("a NAL unit inside another")
			}
			list = append(list, bytes.Clone(p.Payload))
			continue
		}
		flags := p.Payload[1]
		start, end := flags&0x80 != 0, flags&0x40 != 0
		if start == open || start && end {
			t.Errorf("fragment %d: start %v, end %v", i, start, end)
		}
		if start {
			list = append(list, []byte{p.Payload[0]&0xe0 | flags&0x1f})
		}
		list[len(list)-1] = append(list[len(list)-1], p.Payload[2:]...)
		open = !end
	}
	if open {
		t.Error("the last NAL unit has no end")
	}
	return list
}

func TestNALUnitsSurvivePackets(t *testing.T) {
	const limit = 100
	track := &media.Track{SPS: nal(nalSPS, 20), PPS: nal(nalPPS, 5)}
	slice, sei := nal(1, 40), nal(6, 30)
	for name, c := range map[string]struct {
		key  bool
		nals [][]byte
		want [][]byte
		in   int // packets
	}{
		"at the limit":         {nals: [][]byte{nal(1, limit)}, want: [][]byte{nal(1, limit)}, in: 1},
		"one over":             {nals: [][]byte{nal(1, limit+1)}, want: [][]byte{nal(1, limit+1)}, in: 2},
		"two full fragments":   {nals: [][]byte{nal(1, 1+2*(limit-2))}, want: [][]byte{nal(1, 1+2*(limit-2))}, in: 2},
		"and one byte":         {nals: [][]byte{nal(1, 2+2*(limit-2))}, want: [][]byte{nal(1, 2+2*(limit-2))}, in: 3},
		"only a header":        {nals: [][]byte{nal(1, 1)}, want: [][]byte{nal(1, 1)}, in: 1},
		"empty":                {nals: [][]byte{{}, nil}},
		"nothing":              {},
		"delimiter and filler": {nals: [][]byte{nal(9, 2), slice, nal(12, 70)}, want: [][]byte{slice}, in: 1},
		"not for packets":      {nals: [][]byte{nal(24, 9), nal(28, 9), nal(0, 9), nal(31, 9)}},
		"SEI":                  {nals: [][]byte{sei, slice}, want: [][]byte{sei, slice}, in: 2},
		"key without sets":     {key: true, nals: [][]byte{sei, nal(5, 30)}, want: [][]byte{track.SPS, track.PPS, sei, nal(5, 30)}, in: 4},
		"key with its own":     {key: true, nals: [][]byte{nal(7, 9), nal(8, 3), nal(5, 30)}, want: [][]byte{nal(7, 9), nal(8, 3), nal(5, 30)}, in: 3},
		"key with one": {key: true, nals: [][]byte{nal(7, 20), nal(5, 30)},
			want: [][]byte{track.SPS, track.PPS, nal(7, 20), nal(5, 30)}, in: 4},
	} {
		t.Run(name, func(t *testing.T) {
			p := &packetizer{payloadType: 99, ssrc: 7, sequence: 0xfffe, limit: limit}
			packets := p.packets(&media.Unit{Track: track, Key: c.key, NALs: c.nals})
			if len(packets) != c.in {
				t.Errorf("%d packets, want %d", len(packets), c.in)
			}
			if got := joined(t, packets); !slices.EqualFunc(got, c.want, bytes.Equal) {
				t.Errorf("got %d NAL units, want %d: % x", len(got), len(c.want), got)
			}
			for i, one := range packets {
				if one.SequenceNumber != uint16(0xffff+i) || one.SSRC != 7 || one.PayloadType != 99 || len(one.Payload) > limit {
					t.Errorf("packet %d: %+v", i, one.Header)
				}
			}
		})
	}
}

func TestDatagramSizes(t *testing.T) {
	for _, c := range []struct {
		mtu  uint16
		v6   bool
		want int
	}{{0, false, 1378}, {0, true, 1228}, {1400, false, 1378}, {1378, true, 1228}, {800, false, 800}, {256, true, 256}, {255, false, 1378}, {1, true, 1228}} {
		if got := (rtpChoice{mtu: c.mtu}).payload(c.v6) + header + authTag; got != c.want {
			t.Errorf("mtu %d, IPv6 %v: %d bytes, want %d", c.mtu, c.v6, got, c.want)
		}
	}
}

// Nanoseconds times 90,000 would leave 64 bits after 28 hours.
func TestTimestampsGoOnForDays(t *testing.T) {
	p := &packetizer{offset: 5}
	for _, at := range []time.Duration{0, 33_333_333, time.Hour, 28 * time.Hour, 29 * time.Hour, 1000 * 24 * time.Hour} {
		next := at + time.Second/30
		if step := p.timestamp(next) - p.timestamp(at); step < 2999 || step > 3001 {
			t.Errorf("after %v a thirtieth of a second takes %d ticks", at, step)
		}
	}
	if got := p.timestamp(2 * time.Second); got != 180_005 {
		t.Errorf("two seconds are %d", got)
	}
}

func TestNTPTime(t *testing.T) {
	// RFC 5905, figure 4: the first day of the Unix epoch.
	if got := ntp(time.Unix(0, 500_000_000)); got != 2_208_988_800<<32|1<<31 {
		t.Errorf("%x", got)
	}
}

func FuzzPackets(f *testing.F) {
	f.Add(nal(5, 300), uint8(40))
	f.Add([]byte{0x65}, uint8(2))
	f.Add([]byte{}, uint8(255))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		p := &packetizer{limit: max(int(size), 3)}
		packets := p.packets(&media.Unit{NALs: [][]byte{b}})
		if !carried(b) {
			if len(packets) != 0 {
				t.Fatal("packets for nothing")
			}
			return
		}
		if got := joined(t, packets); len(got) != 1 || !bytes.Equal(got[0], b) {
			t.Fatalf("% x became % x", b, got)
		}
	})
}
