package camera

import (
	"slices"
	"time"

	"github.com/pion/rtp"

	"github.com/ingle-home/ingle/accessories/media"
)

// Limits of a datagram in bytes, as controllers expect them, and what SRTP adds to it.
const (
	mtuV4    = 1378
	mtuV6    = 1228
	mtuLeast = 256
	header   = 12
	authTag  = 10
)

// NAL unit types (ITU-T H.264, table 7-1) and the type of a fragment (RFC 6184, 5.8).
const (
	nalSPS       = 7
	nalPPS       = 8
	nalDelimiter = 9
	nalFiller    = 12
	nalAggregate = 24
	nalFragmentA = 28
)

const clockRate = 90_000

// packetizer turns units into RTP packets (RFC 6184, packetization mode 1).
type packetizer struct {
	payloadType byte
	ssrc        uint32
	sequence    uint16
	offset      uint32 // of the timestamps, random
	limit       int    // bytes of payload, at least 2

	list    []*rtp.Packet // of the last unit; the next one uses the same
	scratch []byte        // its fragments
}

// payload is how many bytes fit into a packet beside its header and tag.
func (c rtpChoice) payload(v6 bool) int {
	mtu := mtuV4
	if v6 {
		mtu = mtuV6
	}
	if c.mtu >= mtuLeast && int(c.mtu) < mtu {
		mtu = int(c.mtu)
	}
	return mtu - header - authTag
}

// timestamp is a presentation time on the RTP clock. Seconds go apart: nanoseconds times the clock
// rate would leave 64 bits after 28 hours.
func (p *packetizer) timestamp(pts time.Duration) uint32 {
	whole, rest := int64(pts/time.Second), int64(pts%time.Second)
	return p.offset + uint32(whole*clockRate+rest*clockRate/int64(time.Second))
}

// packets are a unit's packets; the last carries the marker. A key unit gets its parameter sets
// first, where it does not bring them. They are valid until the next call.
func (p *packetizer) packets(u *media.Unit) []*rtp.Packet {
	p.list, p.scratch = p.list[:0], p.scratch[:0]
	at := p.timestamp(u.PTS)
	for _, nal := range withParameters(u) {
		if !carried(nal) {
			continue
		}
		if len(nal) <= p.limit {
			p.add(at, nal)
			continue
		}
		p.fragments(at, nal)
	}
	if n := len(p.list); n > 0 {
		p.list[n-1].Marker = true
	}
	return p.list
}

// carried reports whether a NAL unit goes into packets: not delimiters and filling, which mean nothing
// here, nor types that RFC 6184 gives another meaning.
func carried(nal []byte) bool {
	if len(nal) == 0 {
		return false
	}
	switch kind := nal[0] & 0x1f; {
	case kind == 0, kind == nalDelimiter, kind == nalFiller, kind >= nalAggregate:
		return false
	}
	return true
}

func withParameters(u *media.Unit) [][]byte {
	if !u.Key || u.Track == nil || has(u.NALs, nalSPS) && has(u.NALs, nalPPS) {
		return u.NALs
	}
	return append([][]byte{u.Track.SPS, u.Track.PPS}, u.NALs...)
}

func has(nals [][]byte, kind byte) bool {
	return slices.ContainsFunc(nals, func(nal []byte) bool { return len(nal) > 0 && nal[0]&0x1f == kind })
}

// fragments adds the FU-A packets of a NAL unit that is too large.
func (p *packetizer) fragments(at uint32, nal []byte) {
	indicator, kind := nal[0]&0xe0|nalFragmentA, nal[0]&0x1f
	rest := nal[1:]
	for start := true; len(rest) > 0; start = false {
		n := min(len(rest), p.limit-2)
		flags := kind
		if start {
			flags |= 0x80
		}
		if n == len(rest) {
			flags |= 0x40
		}
		from := len(p.scratch)
		p.scratch = append(append(p.scratch, indicator, flags), rest[:n]...) // what it outgrows stays valid
		p.add(at, p.scratch[from:])
		rest = rest[n:]
	}
}

// add appends a packet to the list, in memory that was used before if there is some.
func (p *packetizer) add(at uint32, payload []byte) {
	p.sequence++
	n := len(p.list)
	if n == cap(p.list) {
		p.list = append(p.list, new(rtp.Packet))
	} else if p.list = p.list[:n+1]; p.list[n] == nil {
		p.list[n] = new(rtp.Packet)
	}
	*p.list[n] = rtp.Packet{
		Header:  rtp.Header{Version: 2, PayloadType: p.payloadType, SequenceNumber: p.sequence, Timestamp: at, SSRC: p.ssrc},
		Payload: payload,
	}
}
