package rtsp

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/pion/rtp"

	"github.com/ingle-home/ingle/accessories/media"
)

const (
	clockRate    = 90000          // RFC 6184, section 8.2.1
	maxUnit      = 2 << 20        // bytes of one picture
	maxParameter = 1024           // bytes of a parameter set
	maxStep      = 10 * clockRate // a longer step between two pictures is a jump of the camera's clock
	usualStep    = clockRate / 25
)

// assembler makes units of RTP packets. Parameter sets go from the stream into the units' Track.
type assembler struct {
	now      func() time.Time
	out      func(*media.Unit)
	lost     func(error) // one call for each picture, or part of one, that was thrown away
	decoder  *rtph264.Decoder
	buffered bool   // the decoder holds part of a picture
	stamp    uint32 // … with this RTP timestamp
	track    *media.Track
	sps, pps []byte
	started  bool
	last     uint32 // RTP timestamp of the last unit
	ticks    int64  // its time since the start
}

// newAssembler starts with the parameter sets of the SDP, which may be missing.
func newAssembler(sps, pps []byte, now func() time.Time, out func(*media.Unit), lost func(error)) *assembler {
	a := &assembler{now: now, out: out, lost: lost, decoder: &rtph264.Decoder{PacketizationMode: 1}}
	a.learn([][]byte{sps, pps})
	return a
}

// packet takes the next RTP packet.
func (a *assembler) packet(p *rtp.Packet) {
	nals, err := a.decoder.Decode(p)
	switch {
	case err == nil:
		stamp := p.Timestamp
		// A picture without marker bit is complete only when the next one begins.
		if a.buffered && a.stamp != p.Timestamp {
			stamp, a.stamp = a.stamp, p.Timestamp
		} else {
			a.buffered = false
		}
		a.picture(nals, stamp)
	case errors.Is(err, rtph264.ErrMorePacketsNeeded):
		if !openFragment(p.Payload) {
			a.buffered, a.stamp = true, p.Timestamp
		}
	case errors.Is(err, rtph264.ErrNonStartingPacketAndNoPrevious):
		// We joined in the middle of a picture.
	default:
		a.lost(err)
		a.decoder, a.buffered = &rtph264.Decoder{PacketizationMode: 1}, false
	}
}

// openFragment says whether the payload is a fragment (FU-A) that does not end its NAL unit.
func openFragment(payload []byte) bool {
	return len(payload) > 1 && h264.NALUType(payload[0]&0x1f) == h264.NALUTypeFUA && payload[1]&0x40 == 0
}

func (a *assembler) picture(nals [][]byte, stamp uint32) {
	nals = a.learn(nals)
	if len(nals) == 0 {
		return
	}
	if a.track == nil {
		a.lost(errors.New("a picture without parameter sets"))
		return
	}
	u := &media.Unit{Track: a.track, NALs: nals, At: a.now()}
	if n := u.Size(); n > maxUnit {
		a.lost(fmt.Errorf("a picture of %d bytes, the limit is %d", n, maxUnit))
		return
	}
	for _, nal := range nals {
		if h264.NALUType(nal[0]&0x1f) == h264.NALUTypeIDR {
			u.Key = true
		}
	}
	u.PTS = a.time(stamp)
	a.out(u)
}

// time unwraps an RTP timestamp. B-frames may go back a little; a jump counts as one usual step.
func (a *assembler) time(stamp uint32) time.Duration {
	step := int64(int32(stamp - a.last))
	switch {
	case !a.started:
		a.started, step = true, 0
	case step > maxStep || step < -maxStep:
		step = usualStep
	}
	a.last = stamp
	a.ticks += step
	// Split, because ticks × 10⁹ overflows after a day.
	sec, rest := a.ticks/clockRate, a.ticks%clockRate
	return time.Duration(sec)*time.Second + time.Duration(rest)*time.Second/clockRate
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
	var sps h264.SPS
	if err := sps.Unmarshal(a.sps); err != nil {
		a.lost(fmt.Errorf("parameter set: %w", err))
		return
	}
	a.track = &media.Track{
		Codec: media.H264, ClockRate: clockRate,
		SPS: a.sps, PPS: a.pps,
		Width: sps.Width(), Height: sps.Height(), FPS: sps.FPS(),
	}
}
