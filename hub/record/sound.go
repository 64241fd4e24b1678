package record

import (
	"context"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/record/fmp4"
	"github.com/ingle-home/ingle/hub/sound"
)

// opusScale is how many ticks a second Opus counts (RFC 7587).
const opusScale = 48000

// aacFrame is how many ticks one packet of AAC-LC lasts (ISO/IEC 14496-3).
const aacFrame = 1024

// jitter is how far the sound's clock may be from where the packets before it end, without a gap.
const jitter = 60 * time.Millisecond

// ear makes Opus of G.711, which the players of MP4 do not play. The zero ear is good.
type ear struct {
	encoder *sound.Encoder
	track   *media.Track // of what it makes
	deaf    bool         // there is no libopus
}

// speechRate is how many samples a second G.711 is coded anew with: its 8 kHz need no more.
const speechRate = 16000

// hear gives what can be recorded of a packet of sound. Err says once why nothing can.
func (e *ear) hear(u *media.Unit) (units []*media.Unit, err error) {
	switch {
	case playable(u.Track):
		return []*media.Unit{u}, nil
	case e.deaf || u.Track.Codec != media.PCMU && u.Track.Codec != media.PCMA:
		return nil, nil
	}
	if e.encoder == nil {
		if e.encoder, err = sound.NewEncoder(context.Background(), sound.Format{Rate: speechRate, PacketTime: 20 * time.Millisecond}, sound.Options{}); err != nil {
			e.deaf = true
			return nil, err
		}
		e.track = &media.Track{Codec: media.Opus, ClockRate: opusScale, Channels: 1}
	}
	packets, err := e.encoder.Encode(u)
	if err != nil {
		e.deaf = true
		return nil, err
	}
	for _, p := range packets {
		at := time.Duration(p.At) * time.Second / speechRate
		units = append(units, &media.Unit{Track: e.track, Sound: p.Payload, PTS: at, At: u.At})
	}
	return units, nil
}

// close forgets what was heard.
func (e *ear) close() {
	if e.encoder != nil {
		e.encoder.Close()
	}
	*e = ear{deaf: e.deaf}
}

// playable says whether the players of MP4 play such sound as it is.
func playable(t *media.Track) bool {
	return t.Codec == media.Opus || t.Codec == media.AAC && len(t.Config) > 0 && t.ClockRate > 0
}

// soundTrack is the sound of a clip. Nil is a clip without.
type soundTrack struct {
	track *media.Track
	scale int64
	end   int64 // ticks from the film's beginning
}

// soundOf takes the sound that a clip begins with.
func soundOf(sounds []*media.Unit) *soundTrack {
	if len(sounds) == 0 {
		return nil
	}
	s := &soundTrack{track: sounds[0].Track, scale: opusScale}
	if s.track.Codec == media.AAC {
		s.scale = int64(s.track.ClockRate)
	}
	return s
}

func (s *soundTrack) codec() string {
	if s == nil {
		return ""
	}
	return string(s.track.Codec)
}

func (s *soundTrack) about() *fmp4.Sounds {
	if s == nil {
		return nil
	}
	about := &fmp4.Sounds{Scale: int(s.scale), Channels: min(max(s.track.Channels, 1), 2)}
	if s.track.Codec == media.AAC {
		about.AAC = s.track.Config
	}
	return about
}

// run gives the packets of a piece, in a film that begins at zero. Their clock counts where it is far
// from where the last one ended.
func (s *soundTrack) run(sounds []*media.Unit, zero int64) (fmp4.Run, bool) {
	if s == nil {
		return fmp4.Run{}, false
	}
	r := fmp4.Run{Track: fmp4.Sound}
	for _, u := range sounds {
		if u.Track.Codec != s.track.Codec {
			continue
		}
		at := int64(u.PTS-span(zero)) / 1000 * s.scale / 1_000_000
		lasts := int64(aacFrame)
		if s.track.Codec == media.Opus {
			lasts = opus.PacketDuration2(u.Sound)
		}
		if at < 0 || lasts <= 0 {
			continue // from before the film
		}
		far := int64(jitter) * s.scale / int64(time.Second)
		switch {
		case at < s.end-far:
			continue // heard already
		case at > s.end+far && len(r.Samples) > 0:
			r.Samples[len(r.Samples)-1].Duration += uint32(at - s.end)
			s.end = at
		case at > s.end+far:
			s.end = at
		}
		if len(r.Samples) == 0 {
			r.Begin = uint64(s.end)
		}
		r.Samples = append(r.Samples, fmp4.Sample{Duration: uint32(lasts), Packet: u.Sound})
		s.end += lasts
	}
	return r, len(r.Samples) > 0
}
