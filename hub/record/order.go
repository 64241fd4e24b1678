package record

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/ingle-home/ingle/accessories/media"
)

// order finds out when each picture is decoded. Cameras that send B-frames show pictures in another order
// than they send them.
type order struct{ dts *h264.DTSExtractor }

// place gives a picture its times. The error is of a stream that cannot be understood from here on.
func (o *order) place(u *media.Unit) (frame, error) {
	if o.dts == nil {
		o.dts = &h264.DTSExtractor{}
		o.dts.Initialize()
	}
	nals := make([][]byte, 0, len(u.NALs)+1)
	if u.Key {
		nals = append(nals, u.Track.SPS)
	}
	for _, nal := range u.NALs {
		if len(nal) > 0 {
			nals = append(nals, nal)
		}
	}
	f := frame{unit: u, pts: ticks(u.PTS)}
	var err error
	f.dts, err = o.dts.Extract(nals, f.pts)
	return f, err
}
