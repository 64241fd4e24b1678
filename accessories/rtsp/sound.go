package rtsp

import (
	"errors"
	"fmt"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmpeg4audio"
	"github.com/pion/rtp"

	"github.com/ingle-home/ingle/accessories/media"
)

const aacFrame = 1024 // samples of an AAC-LC access unit

// sounder makes units of the RTP packets of sound.
type sounder struct {
	track *media.Track
	line  *timeline
	now   func() time.Time
	out   func(*media.Unit)
	lost  func(error)
	aac   *rtpmpeg4audio.Decoder // nil: a packet is a unit
}

func newSounder(d described, line *timeline, now func() time.Time, out func(*media.Unit), lost func(error)) (*sounder, error) {
	s := &sounder{track: d.track, line: line, now: now, out: out, lost: lost}
	if f, ok := d.voice.(*format.MPEG4Audio); ok {
		var err error
		if s.aac, err = f.CreateDecoder(); err != nil {
			return nil, fmt.Errorf("AAC: %w", err)
		}
	}
	return s, nil
}

// packet takes the next RTP packet.
func (s *sounder) packet(p *rtp.Packet) {
	frames := [][]byte{p.Payload}
	if s.aac != nil {
		var err error
		if frames, err = s.aac.Decode(p); err != nil {
			if !errors.Is(err, rtpmpeg4audio.ErrMorePacketsNeeded) {
				s.lost(err)
			}
			return
		}
	}
	for i, frame := range frames {
		at := s.now()
		pts, ok := s.line.voice(p.Timestamp+uint32(i)*aacFrame, at, s.track.ClockRate)
		if ok && len(frame) > 0 {
			s.out(&media.Unit{Track: s.track, Sound: frame, PTS: pts, At: at})
		}
	}
}
