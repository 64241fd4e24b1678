package rtsp

import (
	"errors"
	"fmt"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
)

// described is what a camera says of one stream (SDP, RFC 4566), as far as it can be used.
type described struct {
	model   string
	base    *base.URL
	picture *description.Media
	h264    *format.H264
	h265    *format.H265 // where there is no h264
	sound   *description.Media
	voice   format.Format // of the sound
	track   *media.Track  // of the sound
	back    *description.Media
	speaker *format.G711 // of the back channel
}

// describe logs in and reads a stream's description.
func (l *line) describe(t target) (described, error) {
	u, err := t.url(l.user, l.password)
	if err != nil {
		return described{}, err
	}
	desc, res, err := l.client.Describe(u)
	if err != nil {
		return described{}, err
	}
	d := described{model: modelOf(res), base: desc.BaseURL}
	for _, m := range desc.Medias {
		for _, f := range m.Formats {
			d.take(m, f)
		}
	}
	if d.picture == nil {
		return d, fmt.Errorf("the stream has no H.264 pictures: %w", device.ErrUnsupported)
	}
	return d, nil
}

// take notes the first of each kind that can be used; H.264 goes before H.265.
func (d *described) take(m *description.Media, f format.Format) {
	switch f := f.(type) {
	case *format.H264:
		if d.h264 == nil && !m.IsBackChannel {
			d.picture, d.h264, d.h265 = m, f, nil
		}
	case *format.H265:
		if d.picture == nil && !m.IsBackChannel {
			d.picture, d.h265 = m, f
		}
	case *format.G711:
		if m.IsBackChannel && d.back == nil && f.SampleRate == voiceRate && f.ChannelCount == 1 {
			d.back, d.speaker = m, f
		}
	}
	if t := soundTrack(f); t != nil && !m.IsBackChannel && d.sound == nil && t.ClockRate >= voiceRate && t.ClockRate <= maxVoiceRate {
		d.sound, d.voice, d.track = m, f, t
	}
}

// soundTrack gives the track of a format of sound that is carried, else nil.
func soundTrack(f format.Format) *media.Track {
	switch f := f.(type) {
	case *format.G711:
		t := &media.Track{Codec: media.PCMA, ClockRate: f.SampleRate, Channels: f.ChannelCount}
		if f.MULaw {
			t.Codec = media.PCMU
		}
		return t
	case *format.Opus:
		return &media.Track{Codec: media.Opus, ClockRate: f.ClockRate(), Channels: f.ChannelCount}
	case *format.MPEG4Audio:
		odd := f.SizeLength < 1 || f.SizeLength > 16 || f.IndexLength > 16 || f.IndexDeltaLength > 16
		if f.Config == nil || f.Config.Type != mpeg4audio.ObjectTypeAACLC || odd {
			return nil
		}
		config, err := f.Config.Marshal()
		if err != nil {
			return nil
		}
		return &media.Track{Codec: media.AAC, ClockRate: f.ClockRate(), Channels: f.Config.ChannelCount, Config: config}
	}
	return nil
}

// complete puts what the description says into a view. It wins over what the view said before: it
// comes from the stream itself.
func (d *described) complete(v media.View) media.View {
	v.Codec, v.Sound = media.H264, ""
	if d.track != nil {
		v.Sound = d.track.Codec
	}
	if d.h265 != nil {
		v.Codec = media.H265
		var sps h265.SPS
		if sps.Unmarshal(d.h265.SPS) == nil && min(sps.Width(), sps.Height()) > 0 && max(sps.Width(), sps.Height()) <= maxSide {
			v.Width, v.Height = sps.Width(), sps.Height()
		}
		return v
	}
	raw, _ := d.h264.SafeParams()
	if width, height, fps, err := readSPS(raw); err == nil {
		v.Width, v.Height = width, height
		if fps > 0 {
			v.FPS = fps
		}
	}
	return v
}

// speaks asks whether the stream has a back channel. Most cameras hide it from those who do not ask,
// and some refuse the question.
func (l *line) speaks(t target) bool {
	l.client.RequestBackChannels = true
	defer func() { l.client.RequestBackChannels = false }()
	d, err := l.describe(t)
	return (err == nil || errors.Is(err, device.ErrUnsupported)) && d.back != nil
}

// modelOf takes the Server header for the model: it is all that RTSP says about the camera.
func modelOf(res *base.Response) string {
	v := res.Header["Server"]
	if len(v) != 1 {
		return ""
	}
	return printable(v[0], 64)
}

// printable bounds a text from outside and drops what is not plain ASCII.
func printable(s string, limit int) string {
	out := make([]byte, 0, min(len(s), limit))
	for i := 0; i < len(s) && len(out) < limit; i++ {
		if s[i] >= ' ' && s[i] < 0x7f {
			out = append(out, s[i])
		}
	}
	return string(out)
}
