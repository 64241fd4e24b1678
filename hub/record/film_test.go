package record_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/record"
	"github.com/ingle-home/ingle/hub/sound"
	"github.com/ingle-home/ingle/hub/stream"
)

// roll records what a camera of the test's making sends, as one clip, and gives it.
func roll(t *testing.T, o record.Options, watch func(ctx context.Context, out func(*media.Unit)) error) (*shelf, record.Clip) {
	t.Helper()
	shelf := open(t, folder(t))
	source := stream.New(watch, stream.Options{FFmpeg: "/bin/false", Ring: 10_000})
	o.Camera, o.Source, o.Store = "porch", source, shelf.Store
	r := record.New(o)
	r.Trigger(record.ByHand)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	eventually(t, "clip", func() bool {
		list := shelf.List("porch")
		return len(list) == 1 && list[0].State == record.Whole
	})
	cancel()
	must(t, <-ended)
	must(t, source.Close())
	return shelf, shelf.List("porch")[0]
}

func ffmpeg(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", program, err, said.String())
	}
	return out
}

// mixed is a film with B-frames, of which the camera sends pictures in another order than they are shown.
func mixed(t *testing.T) (units []media.Unit) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "b.mp4")
	ffmpeg(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-t", "6", "-pix_fmt", "yuv420p",
		"-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main", "-bf", "2", "-g", "25", "-sc_threshold", "0", path)
	var packets struct {
		Packets []struct {
			PTS string `json:"pts_time"`
		} `json:"packets"`
	}
	must(t, json.Unmarshal(ffmpeg(t, "ffprobe", "-v", "error", "-show_packets", "-of", "json", path), &packets))
	raw := ffmpeg(t, "ffmpeg", "-v", "error", "-i", path, "-c", "copy", "-bsf:v", "h264_mp4toannexb", "-f", "h264", "-")
	track := &media.Track{Codec: media.H264, ClockRate: 90000, Width: 320, Height: 180}
	for _, nal := range bytes.Split(raw, []byte{0, 0, 1}) {
		if nal = bytes.TrimRight(nal, "\x00"); len(nal) == 0 {
			continue
		}
		switch h264.NALUType(nal[0] & 0x1f) {
		case h264.NALUTypeSPS:
			track.SPS = nal
		case h264.NALUTypePPS:
			track.PPS = nal
		case h264.NALUTypeIDR, h264.NALUTypeNonIDR:
			at, err := strconv.ParseFloat(packets.Packets[len(units)].PTS, 64)
			must(t, err)
			units = append(units, media.Unit{Track: track, NALs: [][]byte{nal}, Key: nal[0]&0x1f == 5, PTS: time.Duration(at * float64(time.Second))})
		}
	}
	if len(units) != len(packets.Packets) {
		t.Fatalf("%d pictures, %d packets", len(units), len(packets.Packets))
	}
	return units
}

// Pictures of a stream with B-frames are shown in their own order and at their own times.
func TestBFrames(t *testing.T) {
	t.Parallel()
	units := mixed(t)
	shelf, c := roll(t, record.Options{Post: 2 * time.Second}, func(ctx context.Context, out func(*media.Unit)) error {
		for _, u := range units {
			u.At = time.Now()
			out(&u)
		}
		<-ctx.Done()
		return nil
	})
	p := probe(t, shelf.export(t, c.ID))
	if p.frames(t, 0) != len(units) || c.Frames != len(units) || c.Gaps != 0 {
		t.Errorf("%d pictures of %d, %+v", p.frames(t, 0), len(units), c)
	}
	b := 0
	var last float64
	for i, f := range p.Frames {
		at, err := strconv.ParseFloat(f.Time, 64)
		must(t, err)
		if i > 0 && (at-last < 0.030 || at-last > 0.050) {
			t.Errorf("picture %d comes %.3f s after the one before", i, at-last)
		}
		if last = at; f.Type == "B" {
			b++
		}
	}
	if b < len(units)/3 {
		t.Errorf("only %d B-frames", b)
	}
}

// silence is 20 ms of Opus (RFC 6716): nothing is heard.
var silence = []byte{0xf8, 0xff, 0xfe}

// talking sends the scenery with sound of a codec, 50 packets a second.
func talking(s *scenery, sound *media.Track, packet []byte) func(ctx context.Context, out func(*media.Unit)) error {
	return func(ctx context.Context, out func(*media.Unit)) error {
		heard := time.Duration(0)
		for i := range 6 * fps {
			u := s.Units[i%len(s.Units)]
			u.Track, u.At, u.PTS = &s.Track, time.Now(), time.Duration(i)*time.Second/fps
			out(&u)
			for ; heard <= u.PTS; heard += 20 * time.Millisecond {
				out(&media.Unit{Track: sound, Sound: packet, PTS: heard, At: u.At})
			}
		}
		<-ctx.Done()
		return nil
	}
}

// Sound is recorded only where the household wants it, and only what the players of MP4 play.
func TestSound(t *testing.T) {
	t.Parallel()
	opus := &media.Track{Codec: media.Opus, ClockRate: 48000, Channels: 1}
	shelf, c := roll(t, record.Options{Post: 6 * time.Second, Sound: true}, talking(seen(t), opus, silence))
	p := probe(t, shelf.export(t, c.ID))
	if len(p.Streams) != 2 || p.Streams[1].Codec != "opus" || !c.Sound {
		t.Fatalf("%+v, %+v", c, p.Streams)
	}
	if n := p.frames(t, 1); n < 295 || n > 300 || p.frames(t, 0) != 6*fps {
		t.Errorf("%d packets of sound, %d pictures", n, p.frames(t, 0))
	}
	shelf, c = roll(t, record.Options{Post: 6 * time.Second, Sound: true},
		talking(seen(t), &media.Track{Codec: media.PCMU, ClockRate: 8000, Channels: 1}, bytes.Repeat([]byte{0xff, 0x7f}, 80)))
	if p := probe(t, shelf.export(t, c.ID)); hasLibopus(t) && (!c.Sound || len(p.Streams) != 2 || p.Streams[1].Codec != "opus" || p.frames(t, 1) < 290) {
		t.Errorf("G.711: %+v, %+v", c, p.Streams)
	}
	for name, o := range map[string]record.Options{"not wanted": {Post: time.Second}, "not playable": {Post: time.Second, Sound: true}} {
		track := opus
		if o.Sound {
			track = &media.Track{Codec: "G.726", ClockRate: 8000, Channels: 1}
		}
		shelf, c := roll(t, o, talking(seen(t), track, silence))
		if p := probe(t, shelf.export(t, c.ID)); len(p.Streams) != 1 || c.Sound {
			t.Errorf("%s: %+v", name, p.Streams)
		}
	}
}

// AAC goes into a clip as it comes.
func TestAAC(t *testing.T) {
	t.Parallel()
	raw := ffmpeg(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=16000", "-t", "6", "-ac", "1", "-c:a", "aac", "-f", "adts", "-")
	var packets [][]byte
	for len(raw) > 7 { // ADTS, ISO/IEC 13818-7
		n := int(raw[3]&3)<<11 | int(raw[4])<<3 | int(raw[5])>>5
		packets, raw = append(packets, raw[7:n]), raw[n:]
	}
	track := &media.Track{Codec: media.AAC, ClockRate: 16000, Channels: 1, Config: []byte{0x14, 0x08}}
	s := seen(t)
	shelf, c := roll(t, record.Options{Post: 2 * time.Second, Sound: true}, func(ctx context.Context, out func(*media.Unit)) error {
		heard := 0
		for i := range 5 * fps {
			u := s.Units[i%len(s.Units)]
			u.Track, u.At, u.PTS = &s.Track, time.Now(), time.Duration(i)*time.Second/fps
			out(&u)
			for ; time.Duration(heard)*64*time.Millisecond <= u.PTS; heard++ {
				out(&media.Unit{Track: track, Sound: packets[heard], PTS: time.Duration(heard) * 64 * time.Millisecond, At: u.At})
			}
		}
		<-ctx.Done()
		return nil
	})
	p := probe(t, shelf.export(t, c.ID))
	if len(p.Streams) != 2 || p.Streams[1].Codec != "aac" || p.frames(t, 1) < 75 || p.frames(t, 0) != 5*fps {
		t.Errorf("%+v, %+v", c, p.Streams)
	}
}

func hasLibopus(t *testing.T) bool {
	t.Helper()
	e, err := sound.NewEncoder(t.Context(), sound.Format{Rate: 16000, PacketTime: 20 * time.Millisecond}, sound.Options{})
	must(t, err)
	defer e.Close()
	_, err = e.Encode(&media.Unit{Track: &media.Track{Codec: media.PCMU, ClockRate: 8000, Channels: 1}, Sound: make([]byte, 160)})
	if errors.Is(err, sound.ErrNoLibopus) {
		t.Log("without libopus G.711 is left out")
		return false
	}
	must(t, err)
	return true
}

// Another size of picture begins another clip, without a gap.
func TestPicturesOfAnotherSize(t *testing.T) {
	t.Parallel()
	units, s := mixed(t), seen(t)
	shelf := open(t, folder(t))
	source := stream.New(func(ctx context.Context, out func(*media.Unit)) error {
		at := time.Duration(0)
		for i := range 4 * fps {
			u := s.Units[i%len(s.Units)]
			at = time.Duration(i) * time.Second / fps
			u.Track, u.At, u.PTS = &s.Track, time.Now(), at
			out(&u)
		}
		for _, u := range units {
			u.At, u.PTS = time.Now(), u.PTS+at
			out(&u)
		}
		<-ctx.Done()
		return nil
	}, stream.Options{FFmpeg: "/bin/false", Ring: 10_000})
	r := record.New(record.Options{Camera: "porch", Source: source, Store: shelf.Store, Post: 2 * time.Second})
	r.Trigger(record.ByHand)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	eventually(t, "clips", func() bool {
		list := shelf.List("porch")
		return len(list) == 2 && list[0].State == record.Whole && list[1].State == record.Whole
	})
	cancel()
	must(t, <-ended)
	must(t, source.Close())
	for _, c := range shelf.List("porch") {
		want := 4 * fps
		if c.Width == 320 {
			want = len(units)
		}
		if n := probe(t, shelf.export(t, c.ID)).frames(t, 0); n != want {
			t.Errorf("%d of %d pictures of %d pixels", n, want, c.Width)
		}
	}
}
