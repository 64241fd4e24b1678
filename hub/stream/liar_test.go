package stream_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/stream"
)

// exp writes an unsigned Exp-Golomb code (ITU-T H.264, 9.1).
func exp(b *strings.Builder, values ...int) {
	for _, v := range values {
		width := 0
		for n := v + 1; n > 1; n >>= 1 {
			width++
		}
		b.WriteString(strings.Repeat("0", width))
		for i := width; i >= 0; i-- {
			b.WriteByte('0' + byte((v+1)>>i&1))
		}
	}
}

// packed makes bytes of binary digits.
func packed(digits string) []byte {
	digits += strings.Repeat("0", 7-(len(digits)+7)%8)
	out := make([]byte, len(digits)/8)
	for i, d := range digits {
		out[i/8] |= byte(d-'0') << (7 - i%8)
	}
	return out
}

// claim is a key unit of some 70 bytes whose parameter set claims a picture of side × side macroblocks.
func claim(side int) *media.Unit {
	var sps, slice strings.Builder
	sps.WriteString("01100111" + "01000010" + "11000000" + "00111110") // baseline, level 6.2
	exp(&sps, 0, 0, 2, 16)
	sps.WriteString("0")
	exp(&sps, side-1, side-1)
	sps.WriteString("10001")
	slice.WriteString("01100101")
	exp(&slice, 0, 7, 0)
	slice.WriteString("0000")
	exp(&slice, 0)
	slice.WriteString("001" + strings.Repeat("10110101", 40))
	t := &media.Track{Codec: media.H264, ClockRate: 90000, SPS: packed(sps.String()), PPS: []byte{0x68, 0xce, 0x38, 0x80}}
	return &media.Unit{Track: t, Key: true, NALs: [][]byte{packed(slice.String())}}
}

// TestAParameterSetThatLies: a camera says that its picture has 160 million pixels.
func TestAParameterSetThatLies(t *testing.T) {
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	if grey, err := stream.Grey(t.Context(), "", claim(40), 64, 36); err != nil || len(grey) != 64*36 {
		t.Fatalf("an honest one: %d bytes, %v", len(grey), err)
	}
	if _, err := stream.Grey(t.Context(), "", claim(800), 64, 36); err == nil {
		t.Error("a picture of 160 million pixels was decoded")
	}
}

// A program that reads what a camera sent gets nothing of the hub's environment, where keys may be named.
func TestTheDecoderIsToldNothing(t *testing.T) {
	t.Setenv("INGLE_CANARY", "quokka")
	program := filepath.Join(t.TempDir(), "ffmpeg")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nenv >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := stream.Grey(t.Context(), program, claim(40), 64, 36)
	if err == nil || !strings.Contains(err.Error(), "PATH=") || strings.Contains(err.Error(), "quokka") {
		t.Errorf("it was told %v", err)
	}
}
