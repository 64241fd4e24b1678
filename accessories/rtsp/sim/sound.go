package sim

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"github.com/ingle-home/ingle/accessories/media"
)

// L16 is a sound that nobody passes on (RFC 3551, 4.5.11).
const L16 media.Codec = "L16"

const soundLength = "6" // seconds

// tone is a sound, cut into RTP payloads.
type tone struct {
	format   format.Format
	payloads [][]byte
	step     int // ticks of the format's clock from one to the next
}

// loadTone reads the test tone of a codec, and makes it where there is none.
func loadTone(dir string, codec media.Codec) (tone, error) {
	source := []string{"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000", "-t", soundLength, "-ac", "1"}
	ways := map[media.Codec][]string{
		media.PCMU: {"-ar", "8000", "-f", "mulaw", "pipe:1"},
		media.PCMA: {"-ar", "8000", "-f", "alaw", "pipe:1"},
		L16:        {"-ar", "8000", "-f", "s16be", "pipe:1"},
		media.Opus: {"-c:a", "libopus", "-b:a", "24k", "-frame_duration", "20", "-f", "ogg", "pipe:1"},
		media.AAC:  {"-ar", "16000", "-c:a", "aac", "-b:a", "32k", "-f", "adts", "pipe:1"},
	}
	way, ok := ways[codec]
	if !ok {
		return tone{}, fmt.Errorf("rtsp sim: no sound in %q", codec)
	}
	raw, err := kept(dir, "ingle-testtone-"+string(codec), append(source, way...))
	if err != nil {
		return tone{}, err
	}
	switch codec {
	case media.PCMU:
		return tone{&format.G711{PayloadTyp: 0, MULaw: true, SampleRate: 8000, ChannelCount: 1}, pieces(raw, 160), 160}, nil
	case media.PCMA:
		return tone{&format.G711{PayloadTyp: 8, SampleRate: 8000, ChannelCount: 1}, pieces(raw, 160), 160}, nil
	case L16:
		return tone{&format.LPCM{PayloadTyp: 97, BitDepth: 16, SampleRate: 8000, ChannelCount: 1}, pieces(raw, 320), 160}, nil
	case media.Opus:
		packets, err := ogg(raw)
		return tone{&format.Opus{PayloadTyp: 97, ChannelCount: 1}, packets, 960}, err
	}
	return advanced(raw)
}

// pieces cuts whole pieces of n bytes.
func pieces(raw []byte, n int) [][]byte {
	var all [][]byte
	for ; len(raw) >= n; raw = raw[n:] {
		all = append(all, raw[:n])
	}
	return all
}

// ogg takes the packets of sound out of an Ogg file (RFC 3533, 6; RFC 7845, 3).
func ogg(raw []byte) ([][]byte, error) {
	var all [][]byte
	var open []byte
	for len(raw) > 27 && bytes.HasPrefix(raw, []byte("OggS")) {
		n := int(raw[26])
		if len(raw) < 27+n {
			break
		}
		sizes, body := raw[27:27+n], raw[27+n:]
		for _, size := range sizes {
			if len(body) < int(size) {
				return nil, errors.New("rtsp sim: the tone is cut off")
			}
			open = append(open, body[:size]...)
			body = body[size:]
			if size < 255 {
				all, open = append(all, open), nil
			}
		}
		raw = body
	}
	if len(all) < 3 {
		return nil, errors.New("rtsp sim: the tone is not Opus")
	}
	return all[2:], nil // after the two headers
}

// advanced makes RTP payloads of AAC-LC, one access unit in each (RFC 3640, 3.3.6).
func advanced(raw []byte) (tone, error) {
	var units mpeg4audio.ADTSPackets
	if err := units.Unmarshal(raw); err != nil || len(units) == 0 {
		return tone{}, fmt.Errorf("rtsp sim: the tone is not AAC: %w", err)
	}
	first := units[0]
	t := tone{step: 1024, format: &format.MPEG4Audio{
		PayloadTyp: 97, ProfileLevelID: 1, SizeLength: 13, IndexLength: 3, IndexDeltaLength: 3,
		Config: &mpeg4audio.AudioSpecificConfig{
			Type: first.Type, SampleRate: first.SampleRate,
			ChannelConfig: first.ChannelConfig, ChannelCount: first.ChannelCount,
		},
	}}
	for _, u := range units {
		n := len(u.AU)
		t.payloads = append(t.payloads, append([]byte{0, 16, byte(n >> 5), byte(n << 3)}, u.AU...))
	}
	return t, nil
}
