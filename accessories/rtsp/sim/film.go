package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// filmGOPs is the length of the test picture: whole GOPs, so that the loop has no seam.
const filmGOPs = 3

// film is the test picture, cut into access units.
type film struct {
	sps, pps []byte
	pictures [][][]byte
}

// loadFilm reads the film of these options, and makes it where there is none.
func loadFilm(o Options) (film, error) {
	dir := o.Dir
	if dir == "" {
		dir = os.TempDir()
	}
	path := filepath.Join(dir, fmt.Sprintf("ingle-testfilm-%dx%d-%d-%d.h264", o.Width, o.Height, o.FPS, o.GOP))
	raw, err := os.ReadFile(path)
	if err != nil {
		if raw, err = makeFilm(o); err != nil {
			return film{}, err
		}
		if err := keep(path, raw); err != nil {
			return film{}, fmt.Errorf("rtsp sim: keep the test picture: %w", err)
		}
	}
	return cut(raw)
}

// keep writes the film under another name first: several cameras may start at once.
func keep(path string, raw []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "film-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(raw)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return os.Rename(tmp.Name(), path)
}

func makeFilm(o Options) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	gop := fmt.Sprint(o.GOP * o.FPS)
	cmd := exec.CommandContext(ctx, "ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin",
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%dx%d:rate=%d", o.Width, o.Height, o.FPS),
		"-t", fmt.Sprint(filmGOPs*o.GOP), "-pix_fmt", "yuv420p",
		"-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main", "-level", "4.0",
		"-bf", "0", "-g", gop, "-keyint_min", gop, "-sc_threshold", "0", "-x264-params", "slices=1",
		"-f", "h264", "pipe:1")
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("rtsp sim: the test picture needs ffmpeg with libx264, which is not installed")
	}
	if err != nil {
		return nil, fmt.Errorf("rtsp sim: ffmpeg: %w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return out.Bytes(), nil
}

// cut splits a byte stream of one slice per picture (ITU-T H.264, annex B) into access units.
func cut(raw []byte) (film, error) {
	var nals h264.AnnexB
	for _, part := range bytes.Split(raw, []byte{0, 0, 1}) {
		if part = bytes.TrimRight(part, "\x00"); len(part) > 0 {
			nals = append(nals, part)
		}
	}
	var f film
	var pending [][]byte
	for _, nal := range nals {
		switch h264.NALUType(nal[0] & 0x1f) {
		case h264.NALUTypeSPS:
			f.sps = nal
			pending = append(pending, nal)
		case h264.NALUTypePPS:
			f.pps = nal
			pending = append(pending, nal)
		case h264.NALUTypeIDR, h264.NALUTypeNonIDR:
			f.pictures = append(f.pictures, append(pending, nal))
			pending = nil
		}
	}
	if f.sps == nil || f.pps == nil || len(f.pictures) == 0 {
		return film{}, errors.New("rtsp sim: the test picture is not H.264")
	}
	return f, nil
}
