package onvif

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/rtsp"
)

const (
	maxProfiles = 8
	longPace    = 4 // seconds between key pictures: longer makes people wait for the first picture
	goodPace    = 2 // seconds
)

// profile is one media profile of the camera: a view, and the settings behind it.
type profile struct {
	view            media.View
	url             string // of the stream
	pictures, voice *node  // its encoder configurations, as the camera gave them
}

func (s *session) profile(view string) *profile {
	for i := range s.profiles {
		if s.profiles[i].view.ID == view {
			return &s.profiles[i]
		}
	}
	return nil
}

// readProfiles lists the profiles with pictures that people can be told of, and where they stream.
func (s *session) readProfiles(ctx context.Context) ([]profile, error) {
	n, err := s.call(ctx, ask{at: s.parts.media, ns: nsMedia, action: "GetProfiles"})
	if err != nil {
		return nil, err
	}
	var list []profile
	for _, p := range n.all("Profiles") {
		if v := viewOf(p); v.Codec != "" && v.ID != "" && len(list) < maxProfiles {
			list = append(list, profile{view: v, pictures: p.get("VideoEncoderConfiguration"), voice: p.get("AudioEncoderConfiguration")})
		}
	}
	slices.SortStableFunc(list, func(a, b profile) int {
		return cmp.Or(cmp.Compare(a.view.Codec, b.view.Codec), b.view.Width*b.view.Height-a.view.Width*a.view.Height)
	})
	return list, s.locate(ctx, list)
}

// viewOf reads a profile. Its Codec is "" for pictures that nobody here can show.
func viewOf(p *node) media.View {
	c := p.get("VideoEncoderConfiguration")
	v := media.View{
		ID:     p.attr("token"),
		Width:  c.number("Resolution", "Width"),
		Height: c.number("Resolution", "Height"),
		FPS:    float64(c.number("RateControl", "FrameRateLimit")),
	}
	switch strings.ToUpper(c.str("Encoding")) {
	case "H264":
		v.Codec = media.H264
	case "H265", "HEVC":
		v.Codec = media.H265
	}
	switch strings.ToUpper(p.str("AudioEncoderConfiguration", "Encoding")) {
	case "G711":
		v.Sound = media.PCMU
	case "AAC":
		v.Sound = media.AAC
	}
	return v
}

// locate asks where each profile streams.
func (s *session) locate(ctx context.Context, list []profile) error {
	const setup = `<StreamSetup><Stream xmlns="` + nsSchema + `">RTP-Unicast</Stream><Transport xmlns="` + nsSchema + `"><Protocol>RTSP</Protocol></Transport></StreamSetup>`
	for i := range list {
		n, err := s.call(ctx, ask{at: s.parts.media, ns: nsMedia, action: "GetStreamUri", body: setup + tokenOf(list[i].view.ID)})
		if err != nil && !errors.As(err, new(*fault)) {
			return err
		}
		list[i].url = s.line.home(n.str("MediaUri", "Uri"), "rtsp", "rtsps")
	}
	return nil
}

// openPictures makes the way to the streams. Views that the camera does not stream after all are
// dropped, and the streams' own words are believed about the others.
func (s *session) openPictures(ctx context.Context) (err error) {
	if s.pictures, err = s.pull(ctx, s.as); err != nil {
		return err
	}
	views := s.pictures.Views()
	var list []profile
	for _, p := range s.profiles {
		for _, v := range views {
			if v.ID == p.view.ID {
				p.view = merge(p.view, v)
				list = append(list, p)
			}
		}
	}
	s.profiles = list
	return nil
}

// pull goes to the streams as an account, which proves that it opens them.
func (s *session) pull(ctx context.Context, as account) (*rtsp.Camera, error) {
	var streams []rtsp.Stream
	for _, p := range s.profiles {
		if p.url != "" {
			streams = append(streams, rtsp.Stream{View: p.view, URL: p.url})
		}
	}
	if len(streams) == 0 {
		return nil, fmt.Errorf("onvif: %w: it streams neither H.264 nor H.265", device.ErrUnsupported)
	}
	return rtsp.Open(ctx, s.configOf(as), streams...)
}

// merge completes what the stream says of itself by what the profile says.
func merge(said, streamed media.View) media.View {
	if streamed.Width == 0 || streamed.Height == 0 {
		streamed.Width, streamed.Height = said.Width, said.Height
	}
	if streamed.FPS == 0 {
		streamed.FPS = said.FPS
	}
	return streamed
}

// setPace asks for a key picture every two seconds where they come less often than every four.
func (s *session) setPace(ctx context.Context, p *profile) error {
	c := p.pictures
	rate := c.number("RateControl", "FrameRateLimit")
	length := c.number("H264", "GovLength")
	if rate == 0 || length <= longPace*rate {
		return nil
	}
	n, err := s.call(ctx, ask{at: s.parts.media, ns: nsMedia, action: "GetVideoEncoderConfigurationOptions",
		body: "<ConfigurationToken>" + escape(c.attr("token")) + "</ConfigurationToken>" + tokenOf(p.view.ID)})
	if err != nil {
		return err
	}
	bounds := n.get("Options", "H264", "GovLengthRange")
	want := max(goodPace*rate, bounds.number("Min"))
	if bounds == nil || want > bounds.number("Max") || want >= length {
		return fmt.Errorf("onvif: key pictures: %w: its shortest pace is too long", device.ErrUnsupported)
	}
	c.set(fmt.Sprint(want), "H264", "GovLength")
	return s.configure(ctx, "SetVideoEncoderConfiguration", c)
}

// setSound asks for G.711 in place of AAC, where the camera has it.
func (s *session) setSound(ctx context.Context, p *profile) error {
	n, err := s.call(ctx, ask{at: s.parts.media, ns: nsMedia, action: "GetAudioEncoderConfigurationOptions",
		body: "<ConfigurationToken>" + escape(p.voice.attr("token")) + "</ConfigurationToken>" + tokenOf(p.view.ID)})
	if err != nil {
		return err
	}
	// Some cameras leave out one of the two levels of options.
	for _, o := range append(n.get("Options").all("Options"), n.all("Options")...) {
		if o.str("Encoding") != "G711" {
			continue
		}
		p.voice.set("G711", "Encoding")
		for list, name := range map[string]string{"BitrateList": "Bitrate", "SampleRateList": "SampleRate"} {
			if items := o.get(list).all("Items"); len(items) > 0 {
				p.voice.set(items[0].text, name)
			}
		}
		return s.configure(ctx, "SetAudioEncoderConfiguration", p.voice)
	}
	return fmt.Errorf("onvif: sound: %w: the camera has no G.711", device.ErrUnsupported)
}

// configure gives a configuration back to the camera, changed.
func (s *session) configure(ctx context.Context, action string, c *node) error {
	var b strings.Builder
	c.kids = slices.Clone(c.kids)
	configuration := *c
	configuration.space, configuration.name = nsMedia, "Configuration"
	configuration.write(&b, "")
	_, err := s.call(ctx, ask{at: s.parts.media, ns: nsMedia, action: action, body: b.String() + "<ForcePersistence>true</ForcePersistence>"})
	return err
}
