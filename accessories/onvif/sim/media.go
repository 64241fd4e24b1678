package sim

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
)

// profile is one of the camera's two media profiles.
type profile struct {
	token, path   string
	encoding      string
	width, height int
}

func (s *Sim) profiles() []profile {
	all := []profile{
		{"small", "/small", "H264", s.opts.Width / 2, s.opts.Height / 2},
		{"main", "/live", "H264", s.opts.Width, s.opts.Height},
	}
	if s.opts.H265 {
		all = all[1:]
		all[0].encoding = "H265"
	}
	return all
}

func (s *Sim) profile(token string) (profile, *fault) {
	for _, p := range s.profiles() {
		if p.token == token {
			return p, nil
		}
	}
	return profile{}, &fault{"Sender", "InvalidArgVal", "NoProfile", "no such profile"}
}

func (s *Sim) getSources(call) (string, *fault) {
	return fmt.Sprintf(`<trt:VideoSources token="source"><tt:Framerate>%d</tt:Framerate><tt:Resolution><tt:Width>%d</tt:Width><tt:Height>%d</tt:Height></tt:Resolution></trt:VideoSources>`,
		s.opts.FPS, s.opts.Width, s.opts.Height), nil
}

func (s *Sim) getProfiles(call) (string, *fault) {
	var b strings.Builder
	for _, p := range s.profiles() {
		fmt.Fprintf(&b, `<trt:Profiles token="%[1]s" fixed="true"><tt:Name>%[1]s</tt:Name>`+
			`<tt:VideoSourceConfiguration token="vsc"><tt:Name>vsc</tt:Name><tt:UseCount>2</tt:UseCount><tt:SourceToken>source</tt:SourceToken><tt:Bounds x="0" y="0" width="%[2]d" height="%[3]d"/></tt:VideoSourceConfiguration>`,
			p.token, s.opts.Width, s.opts.Height)
		if s.state.Sound != "" {
			fmt.Fprintf(&b, `<tt:AudioEncoderConfiguration token="voice"><tt:Name>voice</tt:Name><tt:UseCount>2</tt:UseCount><tt:Encoding>%s</tt:Encoding><tt:Bitrate>64</tt:Bitrate><tt:SampleRate>8</tt:SampleRate>%s<tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:AudioEncoderConfiguration>`,
				soundName(s.state.Sound), multicast)
		}
		fmt.Fprintf(&b, `<tt:VideoEncoderConfiguration token="enc-%s"><tt:Name>enc</tt:Name><tt:UseCount>1</tt:UseCount><tt:Encoding>%s</tt:Encoding>`+
			`<tt:Resolution><tt:Width>%d</tt:Width><tt:Height>%d</tt:Height></tt:Resolution><tt:Quality>5</tt:Quality>`+
			`<tt:RateControl><tt:FrameRateLimit>%d</tt:FrameRateLimit><tt:EncodingInterval>1</tt:EncodingInterval><tt:BitrateLimit>4096</tt:BitrateLimit></tt:RateControl>`+
			`<tt:H264><tt:GovLength>%d</tt:GovLength><tt:H264Profile>Main</tt:H264Profile></tt:H264>%s<tt:SessionTimeout>PT60S</tt:SessionTimeout></tt:VideoEncoderConfiguration></trt:Profiles>`,
			p.token, p.encoding, p.width, p.height, s.opts.FPS, s.state.GovLength, multicast)
	}
	return b.String(), nil
}

const multicast = `<tt:Multicast><tt:Address><tt:Type>IPv4</tt:Type><tt:IPv4Address>0.0.0.0</tt:IPv4Address></tt:Address><tt:Port>0</tt:Port><tt:TTL>1</tt:TTL><tt:AutoStart>false</tt:AutoStart></tt:Multicast>`

func soundName(c media.Codec) string {
	if c == media.AAC {
		return "AAC"
	}
	return "G711"
}

func (s *Sim) uri(at string) string {
	return `<trt:MediaUri><tt:Uri>` + esc(at) + `</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect><tt:InvalidAfterReboot>false</tt:InvalidAfterReboot><tt:Timeout>PT0S</tt:Timeout></trt:MediaUri>`
}

func (s *Sim) getStream(c call) (string, *fault) {
	p, no := s.profile(c.body.str("ProfileToken"))
	if no != nil {
		return "", no
	}
	at := s.streams.View(p.path)
	if s.opts.WrongHost != "" {
		host, _, _ := strings.Cut(s.opts.WrongHost, ":")
		rest := strings.TrimPrefix(at, "rtsp://")
		at = "rtsp://" + host + rest[strings.IndexByte(rest, ':'):]
	}
	return s.uri(at), nil
}

func (s *Sim) getSnapshot(c call) (string, *fault) {
	if _, no := s.profile(c.body.str("ProfileToken")); no != nil {
		return "", no
	}
	if s.opts.NoStill {
		return "", &fault{"Receiver", "ActionNotSupported", "", "no still pictures"}
	}
	return s.uri(s.here(stillPath)), nil
}

func (s *Sim) getPictureOptions(call) (string, *fault) {
	return fmt.Sprintf(`<trt:Options><tt:QualityRange><tt:Min>1</tt:Min><tt:Max>10</tt:Max></tt:QualityRange><tt:H264>`+
		`<tt:ResolutionsAvailable><tt:Width>%d</tt:Width><tt:Height>%d</tt:Height></tt:ResolutionsAvailable>`+
		`<tt:GovLengthRange><tt:Min>1</tt:Min><tt:Max>400</tt:Max></tt:GovLengthRange><tt:FrameRateRange><tt:Min>1</tt:Min><tt:Max>30</tt:Max></tt:FrameRateRange>`+
		`<tt:EncodingIntervalRange><tt:Min>1</tt:Min><tt:Max>1</tt:Max></tt:EncodingIntervalRange><tt:H264ProfilesSupported>Main</tt:H264ProfilesSupported></tt:H264></trt:Options>`,
		s.opts.Width, s.opts.Height), nil
}

func (s *Sim) getSoundOptions(call) (string, *fault) {
	var b strings.Builder
	for _, name := range []string{"AAC", "G711"} {
		fmt.Fprintf(&b, `<tt:Options><tt:Encoding>%s</tt:Encoding><tt:BitrateList><tt:Items>64</tt:Items></tt:BitrateList><tt:SampleRateList><tt:Items>8</tt:Items></tt:SampleRateList></tt:Options>`, name)
	}
	return "<trt:Options>" + b.String() + "</trt:Options>", nil
}

// whole says whether a configuration came back whole, as a camera wants it.
func whole(c *element, names ...string) *fault {
	for _, name := range names {
		if c.get(name) == nil {
			return &fault{"Sender", "InvalidArgVal", "ConfigModify", "the configuration lacks " + name}
		}
	}
	return nil
}

func (s *Sim) setPicture(c call) (string, *fault) {
	conf := c.body.get("Configuration")
	if no := whole(conf, "Name", "UseCount", "Encoding", "Resolution", "Quality", "RateControl", "H264", "Multicast", "SessionTimeout"); no != nil {
		return "", no
	}
	n, err := strconv.Atoi(conf.str("H264", "GovLength"))
	if err != nil || n < 1 || n > 400 {
		return "", &fault{"Sender", "InvalidArgVal", "ConfigModify", "not in the range"}
	}
	s.state.GovLength = n
	return "", nil
}

// setSound changes the streams' sound, which ends them for a moment.
func (s *Sim) setSound(c call) (string, *fault) {
	conf := c.body.get("Configuration")
	if no := whole(conf, "Name", "UseCount", "Encoding", "Bitrate", "SampleRate", "Multicast", "SessionTimeout"); no != nil {
		return "", no
	}
	sound := map[string]media.Codec{"AAC": media.AAC, "G711": media.PCMU}[conf.str("Encoding")]
	if sound == "" {
		return "", &fault{"Sender", "InvalidArgVal", "ConfigModify", "no such encoding"}
	}
	if s.state.Sound == sound {
		return "", nil
	}
	s.state.Sound = sound
	at := strings.TrimPrefix(s.streams.Address(), "rtsp://")
	_ = s.streams.Close()
	if err := s.stream(at[:strings.IndexByte(at, '/')]); err != nil {
		return "", &fault{"Receiver", "Action", "", "the streams did not come back"}
	}
	s.follow()
	return "", nil
}

// pose takes the time that a still picture takes, and says whether somebody still wants it then.
func (s *Sim) pose(ctx context.Context) (wanted bool) {
	s.mu.Lock()
	s.state.Posing++
	s.mu.Unlock()
	made := time.NewTimer(s.opts.Slow)
	defer made.Stop()
	select {
	case <-made.C:
		wanted = true
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Posing--
	if wanted {
		s.state.Stills++
	}
	return wanted
}

// serveStill gives a still picture to those who log in by digest, as ONVIF wants it.
func (s *Sim) serveStill(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	who, shown := s.login(r, element{}, false)
	if s.opts.Apart && shown && who != nil {
		who = s.judge(nil)
	}
	ok := s.opts.Open || who != nil
	if !ok {
		s.challenge(w)
	}
	at := s.clock()
	s.mu.Unlock()
	if !ok {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if !s.pose(r.Context()) {
		return
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, bars(s.opts.Width, s.opts.Height, at), nil); err != nil {
		http.Error(w, "no picture", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	_, _ = w.Write(b.Bytes()) // the peer may be gone
}

// bars are coloured as those of the test film are, with a white line that goes across once a minute.
func bars(width, height int, at time.Time) image.Image {
	colours := []color.RGBA{{255, 0, 0, 255}, {0, 255, 0, 255}, {255, 255, 0, 255}, {0, 0, 255, 255}, {255, 0, 255, 255}, {0, 255, 255, 255}}
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for i, c := range colours {
		draw.Draw(m, image.Rect(i*width/len(colours), 0, (i+1)*width/len(colours), height), image.NewUniform(c), image.Point{}, draw.Src)
	}
	x := width * at.Second() / 60
	draw.Draw(m, image.Rect(x, 0, x+max(2, width/160), height), image.White, image.Point{}, draw.Src)
	return m
}
