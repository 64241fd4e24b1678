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
// first, where it does not bring them.
func (p *packetizer) packets(u *media.Unit) []*rtp.Packet {
	var list []*rtp.Packet
	at := p.timestamp(u.PTS)
	for _, nal := range withParameters(u) {
		if !carried(nal) {
			continue
		}
		if len(nal) <= p.limit {
			list = append(list, p.packet(at, nal))
			continue
		}
		list = append(list, p.fragments(at, nal)...)
	}
	if len(list) > 0 {
		list[len(list)-1].Marker = true
	}
	return list
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

// fragments cuts a NAL unit that is too large into FU-A packets.
func (p *packetizer) fragments(at uint32, nal []byte) []*rtp.Packet {
	indicator, kind := nal[0]&0xe0|nalFragmentA, nal[0]&0x1f
	rest := nal[1:]
	var list []*rtp.Packet
	for start := true; len(rest) > 0; start = false {
		n := min(len(rest), p.limit-2)
		flags := kind
		if start {
			flags |= 0x80
		}
		if n == len(rest) {
			flags |= 0x40
		}
		payload := make([]byte, 0, 2+n)
		payload = append(append(payload, indicator, flags), rest[:n]...)
		list = append(list, p.packet(at, payload))
		rest = rest[n:]
	}
	return list
}

func (p *packetizer) packet(at uint32, payload []byte) *rtp.Packet {
	p.sequence++
	return &rtp.Packet{
		Header:  rtp.Header{Version: 2, PayloadType: p.payloadType, SequenceNumber: p.sequence, Timestamp: at, SSRC: p.ssrc},
		Payload: payload,
	}
}
