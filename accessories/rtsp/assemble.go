package rtsp

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/pion/rtp"

	"github.com/ingle-home/ingle/accessories/media"
)

const (
	clockRate    = 90000   // RFC 6184, section 8.2.1
	maxUnit      = 2 << 20 // bytes of one picture
	maxParameter = 1024    // bytes of a parameter set
	maxSide      = 16384   // pixels
	maxRate      = 1000    // pictures a second
	fewBehind    = 64      // packets; one that is less behind comes late, one that is more is a new start
)

var (
	errTooLarge = fmt.Errorf("a picture of more than %d bytes", maxUnit)
	errMissing  = errors.New("packets are missing")
	errJoined   = errors.New("joined in the middle of a picture")
	errMarks    = errors.New("the camera marks every slice as the end of a picture")
)

// assembler makes units of RTP packets. A picture ends where the RTP timestamp changes, and at the
// marker bit once the camera has shown that it sets that bit at the ends of pictures only. A picture with
// a missing part is thrown away. Parameter sets go from the stream into the units' Track.
type assembler struct {
	time func(stamp uint32, at time.Time) time.Duration
	now  func() time.Time
	out  func(*media.Unit)
	lost func(error) // one call for each picture, or part of one, that was thrown away

	parts  depacketizer
	joined bool
	next   uint16 // sequence number

	open   bool     // a picture has begun
	stamp  uint32   // … with this RTP timestamp
	nals   [][]byte // … and these parts
	size   int
	slices bool  // … among them slices
	marks  int   // … with markers
	marked bool  // … the last one at its last packet
	spoilt error // … and is to be thrown away

	trust bool // in markers
	shut  bool // the last picture ended at a marker; stamp is its own
	gap   bool // pictures were lost since the last unit

	track    *media.Track
	sps, pps []byte
}

// newAssembler starts with the parameter sets of the SDP, which may be missing.
func newAssembler(sps, pps []byte, out func(*media.Unit), lost func(error)) *assembler {
	line := new(timeline)
	a := &assembler{out: out, lost: lost, now: time.Now, time: line.picture}
	a.learn([][]byte{sps, pps})
	return a
}

// packet takes the next RTP packet.
func (a *assembler) packet(p *rtp.Packet) {
	missing := a.joined && p.SequenceNumber != a.next
	if behind := int16(a.next - p.SequenceNumber); missing && behind > 0 && behind < fewBehind {
		return
	}
	joins, starts := !a.joined, begins(p.Payload)
	a.joined, a.next = true, p.SequenceNumber+1
	if missing && a.open {
		a.spoil(errMissing) // its end at least, when this packet is of the next picture
	}
	if a.open && (p.Timestamp != a.stamp || a.marked && starts && !a.trust) {
		a.finish()
	}
	if !a.open {
		a.begin(p, joins, missing, starts)
	}
	nals, err := a.parts.take(p.Payload)
	if err != nil {
		a.spoil(err)
	}
	a.add(nals)
	if a.marked = p.Marker && a.slices; a.marked {
		a.marks++
		if a.trust {
			a.finish()
			a.shut = true
		}
	}
}

// begin starts a picture with a packet.
func (a *assembler) begin(p *rtp.Packet, joins, missing, starts bool) {
	torn := a.shut && p.Timestamp == a.stamp && continues(p.Payload)
	a.open, a.shut, a.stamp = true, false, p.Timestamp
	switch {
	case joins && !starts:
		a.spoil(errJoined)
	case missing && !starts:
		a.spoil(errMissing)
	case missing && !a.gap:
		a.gap = true // whole pictures, or what belongs to none
		a.lost(errMissing)
	case torn:
		a.trust = false
		a.spoil(errMarks)
	}
}

func (a *assembler) spoil(err error) {
	if a.spoilt == nil {
		a.spoilt = err
	}
}

// add puts NAL units into the open picture.
func (a *assembler) add(nals [][]byte) {
	if a.spoilt != nil {
		a.nals = nil
		return
	}
	for _, nal := range nals {
		a.size += len(nal)
		a.slices = a.slices || isSlice(nal)
	}
	a.nals = append(a.nals, nals...)
	if a.size > maxUnit || len(a.nals) > maxNALs {
		a.spoil(errTooLarge)
		a.nals = nil
	}
}

// finish ends the open picture and gives it out, or says why not.
func (a *assembler) finish() {
	if a.parts.parts != nil {
		a.parts.reset()
		a.spoil(errUnfinished)
	}
	nals, slices, spoilt := a.nals, a.slices, a.spoilt
	a.trust = a.trust || spoilt == nil && a.marked && a.marks == 1
	a.open, a.nals, a.size, a.slices, a.marks, a.marked, a.spoilt = false, nil, 0, false, 0, false, nil
	switch {
	case errors.Is(spoilt, errJoined):
	case spoilt != nil:
		a.gap = true
		a.lost(spoilt)
	default:
		// Parameter sets may come with a timestamp of their own, before their picture.
		if nals = a.learn(nals); slices {
			a.picture(nals)
		}
	}
}

// picture gives out a whole picture. Without parameter sets nobody could decode it.
func (a *assembler) picture(nals [][]byte) {
	if a.track == nil {
		a.lost(errors.New("a picture without parameter sets"))
		return
	}
	at := a.now()
	u := &media.Unit{Track: a.track, NALs: nals, Gap: a.gap, PTS: a.time(a.stamp, at), At: at}
	a.gap = false
	for _, nal := range nals {
		if h264.NALUType(nal[0]&0x1f) == h264.NALUTypeIDR {
			u.Key = true
		}
	}
	a.out(u)
}

// learn takes the parameter sets out of a picture and gives back what remains to be decoded. A second
// set of one kind stays in the picture: Track has room for one.
func (a *assembler) learn(nals [][]byte) [][]byte {
	var sps, pps []byte
	rest := make([][]byte, 0, len(nals))
	for _, nal := range nals {
		if len(nal) == 0 {
			continue
		}
		switch typ := h264.NALUType(nal[0] & 0x1f); {
		case typ == h264.NALUTypeAccessUnitDelimiter || typ == h264.NALUTypeFillerData:
		case typ == h264.NALUTypeSPS && sps == nil && len(nal) <= maxParameter:
			sps = nal
		case typ == h264.NALUTypePPS && pps == nil && len(nal) <= maxParameter:
			pps = nal
		default:
			rest = append(rest, nal)
		}
	}
	changed := false
	if sps != nil && !bytes.Equal(sps, a.sps) {
		a.sps, changed = bytes.Clone(sps), true
	}
	if pps != nil && !bytes.Equal(pps, a.pps) {
		a.pps, changed = bytes.Clone(pps), true
	}
	if changed && a.sps != nil && a.pps != nil {
		a.renew()
	}
	return rest
}

// renew makes the Track of new parameter sets; sets that cannot be read change nothing.
func (a *assembler) renew() {
	width, height, fps, err := readSPS(a.sps)
	if err != nil {
		a.lost(err)
		return
	}
	a.track = &media.Track{
		Codec: media.H264, ClockRate: clockRate,
		SPS: a.sps, PPS: a.pps,
		Width: width, Height: height, FPS: fps,
	}
}

// readSPS tells the size in pixels and the rate (0 = not told) of the pictures that a parameter set
// describes. A camera may write anything there.
func readSPS(raw []byte) (width, height int, fps float64, err error) {
	var sps h264.SPS
	if err := sps.Unmarshal(raw); err != nil {
		return 0, 0, 0, fmt.Errorf("parameter set: %w", err)
	}
	width, height, fps = sps.Width(), sps.Height(), sps.FPS()
	if min(width, height) < 1 || max(width, height) > maxSide {
		return 0, 0, 0, fmt.Errorf("parameter set: a picture of %d × %d pixels", width, height)
	}
	if !(fps > 0 && fps <= maxRate) { // not a number neither
		fps = 0
	}
	return width, height, fps, nil
}
