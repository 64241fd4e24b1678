package record

import (
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/record/fmp4"
)

// opusScale is how many ticks a second Opus counts (RFC 7587).
const opusScale = 48000

// aacFrame is how many ticks one packet of AAC-LC lasts (ISO/IEC 14496-3).
const aacFrame = 1024

// jitter is how far the sound's clock may be from where the packets before it end, without a gap.
const jitter = 60 * time.Millisecond

// playable says whether the players of MP4 play such sound as it is. G.711 is not among it.
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
