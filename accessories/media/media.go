// Package media is what moving pictures are made of on their way through the hub: a Track says how
// they are coded, a Unit is one picture of them. Units are shared by all viewers and never changed.
package media

import "time"

// Codec names a coding of pictures or sound.
type Codec string

// The codecs that the hub carries.
const H264 Codec = "H.264"

// Track describes a stream whose units follow. A source that changes its size or parameter sets
// sends units with a new Track.
type Track struct {
	Codec     Codec
	ClockRate int    // ticks a second of the RTP clock
	SPS, PPS  []byte // H.264 parameter sets without start code
	Width     int    // pixels
	Height    int    // pixels
	FPS       float64
}

// Unit is one access unit: all the bytes of one picture, as NAL units without start codes (ITU-T
// H.264, 7.3.1). Key units can be decoded alone, with the track's parameter sets.
type Unit struct {
	Track *Track
	NALs  [][]byte
	Key   bool
	PTS   time.Duration // presentation time since the stream's start
	At    time.Time     // arrival at the hub
}

// Size is the number of bytes in the unit's NAL units.
func (u *Unit) Size() int {
	n := 0
	for _, nal := range u.NALs {
		n += len(nal)
	}
	return n
}
