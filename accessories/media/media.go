// Package media is what pictures and sound are made of on their way through the hub: a View is one of
// the ways in which a camera shows itself, a Track says how pictures or sound are coded, a Unit is one
// picture or one packet of sound. Units are shared by all viewers and never changed.
package media

import "time"

// Codec names a coding of pictures or sound.
type Codec string

// The codecs by name. Pictures are carried in H.264 only; H.265 is known so that a person can be told.
const (
	H264 Codec = "H.264"
	H265 Codec = "H.265"
	Opus Codec = "Opus" // RFC 7587
	PCMU Codec = "PCMU" // G.711 µ-law
	PCMA Codec = "PCMA" // G.711 A-law
	AAC  Codec = "AAC"  // MPEG-4 AAC-LC, RFC 3640
)

// View is one of the ways in which a camera shows itself: ONVIF's media profile.
type View struct {
	ID     string  // the camera's own name for it, stable from session to session
	Codec  Codec   // of the pictures
	Width  int     // pixels; 0 = not known before pictures come
	Height int     // pixels
	FPS    float64 // pictures a second; 0 = not known
	Sound  Codec   // "" = none
}

// Track describes a stream whose units follow. A source that changes its size or parameter sets
// sends units with a new Track.
type Track struct {
	Codec     Codec
	ClockRate int    // ticks a second of the RTP clock
	Channels  int    // of sound
	Config    []byte // AAC's AudioSpecificConfig (ISO/IEC 14496-3)
	SPS, PPS  []byte // H.264 parameter sets without start code
	Width     int    // pixels
	Height    int    // pixels
	FPS       float64
}

// Unit is one access unit: all the bytes of one picture, as NAL units without start codes (ITU-T
// H.264, 7.3.1), or the coded sound of one packet. Key units can be decoded alone, with the track's
// parameter sets; sound is never key. Units come in the order of decoding; with B-frames that is not the
// order of their PTS.
type Unit struct {
	Track *Track
	NALs  [][]byte // of a picture
	Sound []byte   // of sound; nil for a picture
	Key   bool
	Gap   bool          // pictures just before this one were lost: it may look broken, up to the next key unit
	PTS   time.Duration // presentation time since the stream's start
	At    time.Time     // arrival at the hub
}

// Weight is about how much memory the unit takes, in bytes: a camera may send many that hold next to
// nothing, so whoever keeps some counts this and not Size.
func (u *Unit) Weight() int {
	const unit, nal = 256, 64
	return u.Size() + unit + nal*len(u.NALs)
}

// Size is the number of coded bytes in the unit.
func (u *Unit) Size() int {
	n := len(u.Sound)
	for _, nal := range u.NALs {
		n += len(nal)
	}
	return n
}
