// Package sound turns what a camera's microphone sends into the Opus packets that HomeKit asks for, and
// what a viewer says into what a camera's loudspeaker takes.
//
// HomeKit's packets carry exactly one packet time each and their timestamps count samples at the
// viewer's rate, not at RFC 7587's 48 kHz. A camera's own Opus goes through: its frames are put together
// anew (RFC 6716). G.711 and AAC are decoded and encoded again. Opus itself is libopus's work, AAC an
// ffmpeg's of its own.
package sound

import (
	"errors"
	"fmt"
	"time"
)

// Format is how a viewer wants its sound: Opus in packets of one packet time.
type Format struct {
	Rate       int           // samples a second: 16,000 or 24,000
	PacketTime time.Duration // 20, 30, 40 or 60 ms
	Bitrate    int           // bits a second at most, of sound that is encoded here; 0 = 24,000
	Limit      int           // bytes in a packet at most; 0 = 1,200
}

// Packet is one packet time of Opus.
type Packet struct {
	Payload []byte
	At      int64 // samples at the viewer's rate since the stream's start (PTS 0)
}

// errFormat means that a viewer asked for what HomeKit does not know.
var errFormat = errors.New("sound: not a format of HomeKit")

func (f Format) check() error {
	if f.Rate != 16000 && f.Rate != 24000 {
		return fmt.Errorf("%w: %d Hz", errFormat, f.Rate)
	}
	switch f.PacketTime {
	case 20 * time.Millisecond, 30 * time.Millisecond, 40 * time.Millisecond, 60 * time.Millisecond:
		return nil
	}
	return fmt.Errorf("%w: packets of %v", errFormat, f.PacketTime)
}

func (f Format) bitrate() int {
	const usual, least, most = 24_000, 8_000, 64_000
	if f.Bitrate == 0 {
		return usual
	}
	return max(least, min(f.Bitrate, most))
}

func (f Format) limit() int {
	const usual = 1200
	if f.Limit == 0 {
		return usual
	}
	return f.Limit
}

// Samples are in one packet: the step from timestamp to timestamp.
func (f Format) Samples() int { return samplesIn(f.PacketTime, f.Rate) }

// At is a presentation time counted in samples.
func (f Format) At(pts time.Duration) int64 {
	// Seconds go apart: nanoseconds times the rate would leave 64 bits after some days.
	whole, rest := int64(pts/time.Second), int64(pts%time.Second)
	return whole*int64(f.Rate) + rest*int64(f.Rate)/int64(time.Second)
}

func samplesIn(d time.Duration, rate int) int {
	return int(int64(d) * int64(rate) / int64(time.Second))
}
