package sound

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
)

// aacUnits are two seconds of a tone of 440 Hz as access units, made by ffmpeg.
func aacUnits(t *testing.T, rate string, config []byte) []*media.Unit {
	t.Helper()
	raw, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate="+rate+":duration=2",
		"-af", "volume=3", "-c:a", "aac", "-b:a", "64k", "-f", "adts", "pipe:1").Output()
	if err != nil {
		t.Fatal(err)
	}
	track := &media.Track{Codec: media.AAC, ClockRate: 1, Channels: 1, Config: config}
	a := &aac{}
	if err := a.describe(config); err != nil {
		t.Fatal(err)
	}
	var list []*media.Unit
	for len(raw) > adtsHead {
		n := int(raw[3]&3)<<11 | int(raw[4])<<3 | int(raw[5])>>5
		if !bytes.Equal(raw[:3], a.head[:3]) {
			t.Fatalf("our header is % x, ffmpeg's % x", a.head, raw[:adtsHead])
		}
		at := time.Duration(len(list)*aacFrame) * time.Second / time.Duration(a.from)
		list = append(list, &media.Unit{Track: track, PTS: at, Sound: raw[adtsHead:n]})
		raw = raw[n:]
	}
	return list
}

func TestAACComesOutAsOpus(t *testing.T) {
	for rate, config := range map[string][]byte{"16000": {0x14, 0x08}, "44100": {0x12, 0x08}, "48000": {0x11, 0x88}} {
		t.Run(rate, func(t *testing.T) {
			t.Parallel()
			f := Format{Rate: 16000, PacketTime: 20 * ms}
			e := newEncoder(t, f)
			var list []Packet
			tick := time.NewTicker(3 * time.Millisecond) // much faster than a camera
			defer tick.Stop()
			units := aacUnits(t, rate, config)
			for _, u := range units {
				list = append(list, e.must(t, u)...)
				<-tick.C
			}
			late := time.NewTimer(30 * time.Second)
			defer late.Stop()
			for behind := 1; behind > 0; {
				select {
				case <-tick.C:
				case <-late.C:
					t.Fatalf("%d units are still on their way", behind)
				}
				for _, some := range e.aac.read() {
					packets, err := e.coder.add(some.pts, some.pcm)
					if err != nil {
						t.Fatal(err)
					}
					list = append(list, packets...)
				}
				e.aac.mu.Lock()
				// The process keeps some: a unit that it reads ahead and the tail of its filter.
				behind = max(0, len(e.aac.waits)-3)
				e.aac.mu.Unlock()
			}
			whole(t, f, list)
			if len(list) < 85 || len(list) > 105 {
				t.Errorf("%d packets of %d units", len(list), len(units))
			}
			if a, b := listen(t, f, list, 440); a < 14 || b < 14 {
				t.Errorf("%.0f and %.0f dB", a, b)
			}
		})
	}
}

func TestTheDecoderOfAACEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	e, err := NewEncoder(ctx, Format{Rate: 16000, PacketTime: 20 * ms}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	u := &media.Unit{Track: &media.Track{Codec: media.AAC, Config: []byte{0x14, 0x08}}, Sound: []byte{1, 2, 3}}
	if _, err := e.Encode(u); err != nil {
		t.Fatal(err)
	}
	a := e.aac
	cancel()
	a.tasks.Wait() // for the process too
	if _, err := e.Encode(u); !errors.Is(err, context.Canceled) || e.aac != nil {
		t.Errorf("after the end: %v", err)
	}
}

func TestWithoutFFmpeg(t *testing.T) {
	e, err := NewEncoder(t.Context(), Format{Rate: 16000, PacketTime: 20 * ms}, Options{FFmpeg: filepath.Join(t.TempDir(), "none")})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	u := &media.Unit{Track: &media.Track{Codec: media.AAC, Config: []byte{0x14, 0x08}}, Sound: []byte{1}}
	if _, err := e.Encode(u); !errors.Is(err, ErrNoFFmpeg) {
		t.Error(err)
	}
}

// A decoder that takes nothing must not hold up the camera, nor gather without end.
func TestADecoderThatHangs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hangs")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexec sleep 600\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	e, err := NewEncoder(t.Context(), Format{Rate: 16000, PacketTime: 20 * ms}, Options{FFmpeg: path})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	track := &media.Track{Codec: media.AAC, Config: []byte{0x14, 0x08}}
	for n := range 1000 {
		_, err = e.Encode(&media.Unit{Track: track, PTS: time.Duration(n) * 64 * ms, Sound: make([]byte, 4000)})
		if err != nil {
			break
		}
		e.aac.mu.Lock()
		waits := len(e.aac.waits)
		e.aac.mu.Unlock()
		if waits > 4*aacBehind {
			t.Fatalf("%d units wait", waits)
		}
	}
	if err != nil {
		t.Logf("it is given up: %v", err)
	}
}

func TestWhatAACIsRefused(t *testing.T) {
	for name, config := range map[string][]byte{
		"nothing": {}, "half": {0x14}, "AAC-ELD": {0xf8, 0xe6}, "rate unknown": {0x17, 0x88}, "8 channels": {0x14, 0x40}, "short frames": {0x14, 0x0c},
	} {
		if err := new(aac).describe(config); !errors.Is(err, ErrCodec) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, config := range map[string][]byte{"HE-AAC": {0x2b, 0x11, 0x88, 0x00}, "stereo": {0x12, 0x10}} {
		if err := new(aac).describe(config); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
