package rtsp

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

const (
	maxNALs  = 1024  // NAL units of one picture
	maxParts = 16384 // fragments of one NAL unit: 2 MB in packets of 128 bytes
)

var (
	errUnfinished = errors.New("a fragmented NAL unit without its end")
	errNoStart    = errors.New("a fragment of a NAL unit without its start")
)

// depacketizer takes NAL units out of RTP payloads (RFC 6184, packetization modes 0 and 1).
type depacketizer struct {
	parts [][]byte // of a NAL unit that came in fragments (FU-A) so far
	size  int      // their bytes
}

// take gives the NAL units that the payload completes; they may share its memory.
func (d *depacketizer) take(payload []byte) ([][]byte, error) {
	if len(payload) == 0 {
		return nil, nil // some cameras keep the line alive so
	}
	typ := h264.NALUType(payload[0] & 0x1f)
	if typ == h264.NALUTypeFUA {
		return d.fragment(payload)
	}
	if d.parts != nil {
		d.reset()
		return nil, errUnfinished
	}
	switch {
	case typ == 0:
		return nil, errors.New("an RTP payload of type 0")
	case typ < h264.NALUTypeSTAPA:
		return split(payload), nil
	case typ == h264.NALUTypeSTAPA:
		return aggregate(payload[1:])
	}
	return nil, fmt.Errorf("RTP payloads of type %v are not supported: the camera must use packetization mode 0 or 1", typ)
}

// fragment takes one FU-A (RFC 6184, 5.8).
func (d *depacketizer) fragment(payload []byte) ([][]byte, error) {
	if len(payload) < 2 {
		d.reset()
		return nil, errors.New("a fragment without header")
	}
	start, end := payload[1]&0x80 != 0, payload[1]&0x40 != 0
	switch {
	case start && d.parts != nil:
		d.reset()
		return nil, errUnfinished
	case start:
		header := payload[0]&0xe0 | payload[1]&0x1f
		if typ := header & 0x1f; typ == 0 || h264.NALUType(typ) >= h264.NALUTypeSTAPA {
			return nil, fmt.Errorf("a fragment of a NAL unit of type %d", typ)
		}
		d.parts, d.size = append(make([][]byte, 0, 16), []byte{header}), 1
	case d.parts == nil:
		return nil, errNoStart
	}
	d.parts, d.size = append(d.parts, payload[2:]), d.size+len(payload)-2
	if d.size > maxUnit || len(d.parts) > maxParts {
		d.reset()
		return nil, errTooLarge
	}
	if !end {
		return nil, nil
	}
	nal := bytes.Join(d.parts, nil)
	d.reset()
	return split(nal), nil
}

func (d *depacketizer) reset() { d.parts, d.size = nil, 0 }

// aggregate takes a STAP-A apart (RFC 6184, 5.7.1).
func aggregate(payload []byte) ([][]byte, error) {
	var nals [][]byte
	for len(payload) > 0 {
		if len(payload) < 2 {
			return nil, errors.New("an aggregate that ends in a size")
		}
		n := int(payload[0])<<8 | int(payload[1])
		payload = payload[2:]
		if n == 0 && len(bytes.Trim(payload, "\x00")) == 0 {
			break // padding
		}
		if n == 0 || n > len(payload) {
			return nil, fmt.Errorf("a NAL unit of %d bytes in an aggregate that has %d more", n, len(payload))
		}
		nals = append(nals, payload[:n])
		payload = payload[n:]
	}
	return nals, nil
}

// split takes start codes away, which some cameras leave in; a NAL unit cannot hold one (ITU-T H.264,
// 7.4.1).
func split(nal []byte) [][]byte {
	code := []byte{0, 0, 1}
	if !bytes.Contains(nal, code) {
		return [][]byte{nal}
	}
	var nals [][]byte
	for part := range bytes.SplitSeq(nal, code) {
		if part = bytes.TrimRight(part, "\x00"); len(part) > 0 && len(nals) < maxNALs {
			nals = append(nals, part)
		}
	}
	return nals
}

// isSlice says whether a NAL unit is part of a picture's substance.
func isSlice(nal []byte) bool {
	typ := h264.NALUType(nal[0] & 0x1f)
	return typ >= h264.NALUTypeNonIDR && typ <= h264.NALUTypeIDR
}

// leading is the first NAL unit of a payload, from its type on; whole is false where the payload holds a later
// fragment of it.
func leading(payload []byte) (nal []byte, whole bool) {
	if len(payload) == 0 {
		return nil, false
	}
	switch h264.NALUType(payload[0] & 0x1f) {
	case h264.NALUTypeSTAPA:
		return payload[min(3, len(payload)):], true
	case h264.NALUTypeFUA:
		return payload[1:], len(payload) > 1 && payload[1]&0x80 != 0
	}
	return payload, true
}

// begins says whether a payload is the start of a picture: its first slice, or what comes before it
// (ITU-T H.264, 7.4.1.2.3).
func begins(payload []byte) bool {
	nal, whole := leading(payload)
	if !whole || len(nal) < 2 {
		return false
	}
	switch h264.NALUType(nal[0] & 0x1f) {
	case h264.NALUTypeSEI, h264.NALUTypeSPS, h264.NALUTypePPS, h264.NALUTypeAccessUnitDelimiter:
		return true
	}
	return isSlice(nal) && nal[1]&0x80 != 0 // first_mb_in_slice is 0
}

// continues says whether a payload goes on with a picture: a slice that is not its first.
func continues(payload []byte) bool {
	nal, _ := leading(payload)
	return len(nal) > 0 && isSlice(nal) && !begins(payload)
}
