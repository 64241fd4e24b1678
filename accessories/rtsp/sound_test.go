package rtsp_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os/exec"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/rtsp"
	"github.com/ingle-home/ingle/accessories/rtsp/sim"
)

// soundOf leaves the pictures out.
func soundOf(units []*media.Unit) []*media.Unit {
	var sound []*media.Unit
	for _, u := range units {
		if u.Sound != nil {
			sound = append(sound, u)
		}
	}
	return sound
}

func TestSound(t *testing.T) {
	t.Parallel()
	type want struct {
		rate, channels int
		step           time.Duration
	}
	for codec, want := range map[media.Codec]want{
		media.PCMU: {8000, 1, 20 * time.Millisecond},
		media.PCMA: {8000, 1, 20 * time.Millisecond},
		media.Opus: {48000, 1, 20 * time.Millisecond},
		media.AAC:  {16000, 1, 64 * time.Millisecond},
	} {
		t.Run(string(codec), func(t *testing.T) {
			t.Parallel()
			c := camera(t, sim.Options{Sound: codec})
			cfg := config(c.Address(), "hub", "porch-light")
			units, err := pull(t.Context(), cfg, "main", true, 40)
			if err != nil {
				t.Fatal(err)
			}
			sound := soundOf(units)
			if len(sound) < 8 || len(sound) == len(units) {
				t.Fatalf("%d of %d units are sound", len(sound), len(units))
			}
			for i, u := range sound {
				tr := u.Track
				if tr.Codec != codec || tr.ClockRate != want.rate || tr.Channels != want.channels || u.Key || u.NALs != nil {
					t.Fatalf("unit %+v, track %+v", u, tr)
				}
				// Moved by a millisecond at most, towards the pictures.
				if i > 0 && (u.PTS-sound[i-1].PTS-want.step).Abs() > 1100*time.Microsecond {
					t.Fatalf("step %v", u.PTS-sound[i-1].PTS)
				}
			}
			wantTone(t, sound)
		})
	}
}

// wantTone has ffmpeg decode the sound and looks for a tone in it: 440 Hz crosses zero 880 times a second.
func wantTone(t *testing.T, sound []*media.Unit) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tr := sound[0].Track
	var in bytes.Buffer
	var args []string
	switch tr.Codec {
	case media.PCMU:
		args = []string{"-f", "mulaw", "-ar", "8000"}
	case media.PCMA:
		args = []string{"-f", "alaw", "-ar", "8000"}
	case media.AAC:
		args = []string{"-f", "aac"}
	case media.Opus:
		args = []string{"-f", "ogg"}
		writeOgg(&in, sound)
	}
	for _, u := range sound {
		switch tr.Codec {
		case media.AAC:
			in.Write(adts(t, u))
		case media.PCMU, media.PCMA:
			in.Write(u.Sound)
		}
	}
	args = append(append([]string{"-hide_banner", "-loglevel", "error", "-xerror"}, args...),
		"-i", "pipe:0", "-f", "s16le", "-ar", "8000", "-ac", "1", "pipe:1")
	cmd := exec.CommandContext(ctx, "ffmpeg", args...)
	var out, said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &said
	if err := cmd.Run(); err != nil || said.Len() > 0 {
		t.Fatalf("decoder: %v: %s", err, said.String())
	}
	crossings, last, n := 0, int16(0), out.Len()/2
	for at := range n {
		v := int16(binary.LittleEndian.Uint16(out.Bytes()[2*at:]))
		if v < 0 != (last < 0) {
			crossings++
		}
		last = v
	}
	if perSecond := float64(crossings) * 8000 / float64(n); perSecond < 820 || perSecond > 940 {
		t.Fatalf("%.0f crossings a second in %d samples", perSecond, n)
	}
}

// adts puts a header before an access unit (ISO/IEC 13818-7, 6.2).
func adts(t *testing.T, u *media.Unit) []byte {
	t.Helper()
	var config mpeg4audio.AudioSpecificConfig
	if err := config.Unmarshal(u.Track.Config); err != nil {
		t.Fatal(err)
	}
	raw, err := mpeg4audio.ADTSPackets{{
		Type: config.Type, SampleRate: config.SampleRate,
		ChannelConfig: config.ChannelConfig, ChannelCount: config.ChannelCount, AU: u.Sound,
	}}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// writeOgg writes one Opus packet a page (RFC 3533, 6; RFC 7845, 5).
func writeOgg(w io.Writer, sound []*media.Unit) {
	page := func(seq int, flags byte, granule uint64, packet []byte) {
		var sizes []byte
		for n := len(packet); ; n -= 255 {
			sizes = append(sizes, byte(min(n, 255)))
			if n < 255 {
				break
			}
		}
		p := append([]byte("OggS\x00"), flags)
		p = binary.LittleEndian.AppendUint64(p, granule)
		p = append(p, 1, 0, 0, 0)
		p = binary.LittleEndian.AppendUint32(p, uint32(seq))
		p = append(p, 0, 0, 0, 0, byte(len(sizes)))
		p = append(append(p, sizes...), packet...)
		binary.LittleEndian.PutUint32(p[22:], oggSum(p))
		_, _ = w.Write(p)
	}
	page(0, 2, 0, []byte("OpusHead\x01\x01\x00\x00\x80\xbb\x00\x00\x00\x00\x00"))
	page(1, 0, 0, []byte("OpusTags\x01\x00\x00\x00x\x00\x00\x00\x00"))
	for i, u := range sound {
		page(i+2, 0, uint64(i+1)*960, u.Sound)
	}
}

// oggSum is Ogg's own CRC (RFC 3533, 6).
func oggSum(p []byte) uint32 {
	var sum uint32
	for _, b := range p {
		sum ^= uint32(b) << 24
		for range 8 {
			if sum&(1<<31) != 0 {
				sum = sum<<1 ^ 0x04c11db7
			} else {
				sum <<= 1
			}
		}
	}
	return sum
}

// Sound that travels a second longer than the pictures is moved towards them as soon as the camera
// has told its times; it would take long to be there, and one sees it move.
func TestLateSoundIsMoved(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{Sound: media.PCMU, SoundLate: time.Second})
	units, err := pull(t.Context(), config(c.Address(), "hub", "porch-light"), "main", true, 140)
	if err != nil {
		t.Fatal(err)
	}
	sound := soundOf(units)
	for i, u := range sound[len(sound)-10:] {
		before := sound[len(sound)-11+i]
		if step := u.PTS - before.PTS; (step - 19*time.Millisecond).Abs() > 10*time.Microsecond {
			t.Fatalf("step %v", step)
		}
	}
}

func TestSoundOnlyWhereItIsAskedFor(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{Sound: media.PCMU})
	cfg := config(c.Address(), "hub", "porch-light")
	units, err := pull(t.Context(), cfg, "main", false, 20)
	if err != nil || len(soundOf(units)) != 0 {
		t.Fatalf("%d units of sound, %v", len(soundOf(units)), err)
	}
	if n := state(c).Sounds; n != 0 {
		t.Fatal("the camera was asked for sound")
	}
	views := open(t, cfg).(device.Viewable).Views()
	if len(views) != 1 || views[0].Sound != media.PCMU {
		t.Fatalf("views %+v", views)
	}
}

func TestStrangeSoundIsLeftOut(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{Sound: sim.L16})
	cfg := config(c.Address(), "hub", "porch-light")
	if views := open(t, cfg).(device.Viewable).Views(); views[0].Sound != "" {
		t.Fatalf("views %+v", views)
	}
	if units, err := pull(t.Context(), cfg, "main", true, 10); err != nil || len(soundOf(units)) != 0 {
		t.Fatalf("%d units of sound, %v", len(soundOf(units)), err)
	}
}

func TestSoundOverUDP(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{Sound: media.Opus, UDP: true})
	cfg := config(c.Address(), "hub", "porch-light")
	cfg.Fields[rtsp.FieldTransport] = "udp"
	if units, err := pull(t.Context(), cfg, "main", true, 40); err != nil || len(soundOf(units)) < 5 {
		t.Fatalf("%d units of sound, %v", len(soundOf(units)), err)
	}
}

func TestTalk(t *testing.T) {
	t.Parallel()
	speech := make([]byte, 256*5) // every code of µ-law
	for i := range speech {
		speech[i] = byte(i)
	}
	for name, tc := range map[string]struct {
		codec     media.Codec
		transport string
		want      []byte
	}{
		"PCMU":          {media.PCMU, "tcp", speech},
		"PCMA":          {media.PCMA, "tcp", aLaw(t, speech)},
		"PCMU over UDP": {media.PCMU, "udp", speech},
	} {
		t.Run(name, func(t *testing.T) {
			c := camera(t, sim.Options{Back: tc.codec, UDP: true})
			cfg := config(c.Address(), "hub", "porch-light")
			cfg.Fields[rtsp.FieldTransport] = tc.transport
			talker := open(t, cfg).(device.Talker)
			said := 0
			err := talker.Talk(t.Context(), func(ctx context.Context) ([]byte, error) {
				if said == len(speech) {
					// The line is closed at the end; all must have gone out before.
					until(t, "all is heard", func() bool { return state(c).Heard == len(speech)/160 })
					return nil, io.EOF
				}
				said += 160
				return speech[said-160 : said], nil
			})
			if err != nil || !bytes.Equal(c.Heard(), tc.want) {
				t.Fatalf("heard %d bytes, %v", len(c.Heard()), err)
			}
			until(t, "the camera is left alone", func() bool { return state(c).Connections == 0 })
		})
	}
}

// aLaw translates µ-law with ffmpeg.
func aLaw(t *testing.T, in []byte) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-loglevel", "error", "-f", "mulaw", "-ar", "8000", "-i", "pipe:0", "-f", "alaw", "pipe:1")
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil || len(out) != len(in) {
		t.Fatal(len(out), err)
	}
	return out
}

func TestTalkEnds(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{Back: media.PCMU})
	cfg := config(c.Address(), "hub", "porch-light")
	silence := make([]byte, 160)
	talk := func(ctx context.Context, then func()) error {
		first := true
		return open(t, cfg).(device.Talker).Talk(ctx, func(ctx context.Context) ([]byte, error) {
			if !first {
				then()
				<-ctx.Done()
				return nil, ctx.Err()
			}
			first = false
			return silence, nil
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := talk(ctx, cancel); err != nil {
		t.Fatalf("cancelled: %v", err)
	}
	if err := talk(t.Context(), func() { _ = c.Do(t.Context(), "drop", nil) }); !errors.Is(err, device.ErrUnreachable) {
		t.Fatalf("dropped: %v", err)
	}
	err := open(t, cfg).(device.Talker).Talk(t.Context(), func(context.Context) ([]byte, error) { return make([]byte, 80), nil })
	if !errors.Is(err, device.ErrUnsupported) {
		t.Fatalf("a short frame: %v", err)
	}
}

func TestNoTalkWithoutLoudspeaker(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{})
	if _, ok := open(t, config(c.Address(), "hub", "porch-light")).(device.Talker); ok {
		t.Fatal("a camera without loudspeaker is a Talker")
	}
	cam, err := rtsp.Open(t.Context(), config("", "hub", "porch-light"), rtsp.Stream{View: media.View{ID: "a"}, URL: c.Address()})
	if err != nil {
		t.Fatal(err)
	}
	defer cam.Close()
	if err := cam.Talk(t.Context(), nil); cam.Speaks() || !errors.Is(err, device.ErrUnsupported) {
		t.Fatalf("speaks %v, %v", cam.Speaks(), err)
	}
}
