package sim_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/rtsp/sim"
)

// probe has ffprobe, which is not ours, pull a camera for a moment. It gives what it found of each
// stream and the number of packets that it read.
func probe(t *testing.T, c *sim.Sim, transport string) string {
	t.Helper()
	address := strings.Replace(c.Address(), "://", "://hub:porch-light@", 1)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-rtsp_transport", transport, "-analyzeduration", "2000000",
		"-show_entries", "stream=codec_name,width,height,sample_rate", "-of", "compact=p=0:nk=1", address)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("ffprobe: %v: %s", err, said.String())
	}
	lines := strings.Fields(out.String())
	slices.Sort(lines)
	return strings.Join(lines, " ")
}

func TestOthersCanPull(t *testing.T) {
	for name, tc := range map[string]struct {
		options   sim.Options
		transport string
		want      string
	}{
		"plain":     {sim.Options{}, "tcp", "h264|320|240"},
		"UDP, PCMU": {sim.Options{UDP: true, Sound: media.PCMU}, "udp", "h264|320|240 pcm_mulaw|8000"},
		"PCMA":      {sim.Options{Sound: media.PCMA, Back: media.PCMA}, "tcp", "h264|320|240 pcm_alaw|8000"},
		"Opus":      {sim.Options{Sound: media.Opus}, "tcp", "h264|320|240 opus|48000"},
		"AAC":       {sim.Options{Sound: media.AAC, Slices: 8}, "tcp", "aac|16000 h264|320|240"},
		"H.265":     {sim.Options{H265: true}, "tcp", "hevc|320|240"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := tc.options
			o.Width, o.Height, o.FPS, o.GOP, o.Dir = 320, 240, 30, 1, os.TempDir()
			c, err := sim.Start(o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			if got := probe(t, c, tc.transport); got != tc.want {
				t.Fatalf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// Another program pulls two seconds and decodes them strictly: the simulated camera itself is sound.
func TestOthersCanDecode(t *testing.T) {
	c, err := sim.Start(sim.Options{Width: 320, Height: 240, FPS: 30, GOP: 1, Between: 2, Dir: os.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	address := strings.Replace(c.Address(), "://", "://hub:porch-light@", 1)
	cmd := exec.CommandContext(ctx, "ffmpeg", "-hide_banner", "-loglevel", "error", "-rtsp_transport", "tcp",
		"-i", address, "-t", "2", "-c", "copy", "-f", "h264", "pipe:1")
	pulled, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.CommandContext(ctx, "ffmpeg", "-hide_banner", "-loglevel", "error", "-err_detect", "explode", "-xerror",
		"-f", "h264", "-i", "pipe:0", "-f", "null", "-")
	cmd.Stdin = bytes.NewReader(pulled)
	if said, err := cmd.CombinedOutput(); err != nil || len(said) > 0 {
		t.Fatalf("%v: %s", err, said)
	}
}

func TestStamped(t *testing.T) {
	if _, ok := sim.Stamped([][]byte{{6, 5, 0x20}, []byte("\x06\x05\x20ingle-wall-clockzzzzzzzzzzzzzzzz\x80"), {0x65}}); ok {
		t.Fatal("no stamp was read as one")
	}
	at, ok := sim.Stamped([][]byte{[]byte("\x06\x05\x20ingle-wall-clock00000000075bcd15\x80")})
	if !ok || at.UnixNano() != 123456789 {
		t.Fatal(at, ok)
	}
}
