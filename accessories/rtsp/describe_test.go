package rtsp

import (
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/sdp"

	"github.com/ingle-home/ingle/accessories/media"
)

const testSDP = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=Camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n" +
	"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:trackID=0\r\n" +
	"a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LADdkBQfsBEAAAAwAQAAADAeDxQqSA,aMuDyyA=\r\n" +
	"m=audio 0 RTP/AVP 0\r\na=control:trackID=1\r\n" +
	"m=audio 0 RTP/AVP 97\r\na=rtpmap:97 mpeg4-generic/16000/1\r\na=control:trackID=2\r\n" +
	"a=fmtp:97 profile-level-id=1; mode=AAC-hbr; sizelength=13; indexlength=3; indexdeltalength=3; config=1408\r\n" +
	"m=audio 0 RTP/AVP 8\r\na=control:trackID=3\r\na=sendonly\r\n"

// read takes an SDP as describe does.
func read(text string) (described, error) {
	var raw sdp.SessionDescription
	var desc description.Session
	if err := raw.Unmarshal([]byte(text)); err != nil {
		return described{}, err
	}
	if err := desc.Unmarshal(&raw); err != nil {
		return described{}, err
	}
	var d described
	for _, m := range desc.Medias {
		for _, f := range m.Formats {
			d.take(m, f)
		}
	}
	return d, nil
}

func TestDescription(t *testing.T) {
	d, err := read(testSDP)
	if err != nil {
		t.Fatal(err)
	}
	want := media.View{ID: "a", Codec: media.H264, Width: 320, Height: 240, FPS: 15, Sound: media.PCMU}
	if got := d.complete(media.View{ID: "a", Codec: media.H265, Width: 7, Sound: media.AAC}); got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	if d.back == nil || d.speaker.MULaw {
		t.Fatal("the back channel takes A-law")
	}
	// The first sound that can be used, though it is not the first of all.
	d, err = read(strings.Replace(testSDP, "m=audio 0 RTP/AVP 0\r\n", "m=audio 0 RTP/AVP 11\r\n", 1))
	if err != nil || d.track == nil || d.track.Codec != media.AAC || string(d.track.Config) != "\x14\x08" {
		t.Fatalf("track %+v, %v", d.track, err)
	}
}

func TestOddAACIsLeftOut(t *testing.T) {
	for name, change := range map[string][2]string{
		"long sizes":   {"sizelength=13", "sizelength=40"},
		"long indexes": {"indexlength=3", "indexlength=60"},
		"a rate of 0":  {"config=1408", "config=1780000008"},
	} {
		text := strings.Replace(testSDP, "RTP/AVP 0\r\n", "RTP/AVP 11\r\n", 1)
		d, err := read(strings.Replace(text, change[0], change[1], 1))
		if err == nil && d.track != nil {
			t.Errorf("%s: %+v", name, d.track)
		}
	}
}

func FuzzDescription(f *testing.F) {
	f.Add(testSDP)
	f.Add(strings.Replace(testSDP, "H264", "H265", 1))
	f.Add(strings.ReplaceAll(testSDP, "sendonly", "recvonly"))
	f.Fuzz(func(t *testing.T, text string) {
		d, err := read(text)
		if err != nil || d.picture == nil {
			return
		}
		v := d.complete(media.View{})
		if v.Width < 0 || v.Height < 0 || !(v.FPS >= 0 && v.FPS <= maxRate) {
			t.Fatalf("view %+v", v)
		}
		if v.Codec == media.H264 {
			newAssembler(d.h264.SPS, d.h264.PPS, func(*media.Unit) {}, func(error) {})
		}
		if d.track != nil && d.track.ClockRate < voiceRate {
			t.Fatalf("track %+v", d.track)
		}
		if (d.sound == nil) != (d.track == nil) || d.back != nil && d.speaker.SampleRate != voiceRate {
			t.Fatalf("%+v", d)
		}
	})
}
