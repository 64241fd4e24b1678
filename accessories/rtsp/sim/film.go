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
)

// filmGOPs is the length of the test picture: whole GOPs, so that the loop has no seam.
const filmGOPs = 3

// film is the test picture, cut into access units in the order of decoding.
type film struct {
	hevc          bool
	vps, sps, pps []byte // vps of H.265 only
	pictures      []picture
	fps           int
}

// picture is one access unit with its parameter sets.
type picture struct {
	nals  [][]byte
	key   bool
	shown int // its place in the order of showing
}

// script says how a film is made; a film is kept under its script's name.
type script struct {
	width, height, fps, gop int
	slices, between         int // slices of a picture, B-frames in a row
	heavy, hevc             bool
	rate                    int // kbit/s; 0 = as it comes
}

// loadFilm reads the film of a script, and makes it where there is none.
func loadFilm(dir string, s script) (film, error) {
	kind := "h264"
	if s.hevc {
		kind = "hevc"
	}
	name := fmt.Sprintf("ingle-testfilm-%dx%d-%d-%d", s.width, s.height, s.fps, s.gop)
	if s.slices > 1 || s.between > 0 || s.heavy {
		name += fmt.Sprintf("-s%d-b%d-%v", s.slices, s.between, s.heavy)
	}
	if s.rate > 0 {
		name += fmt.Sprintf("-r%d", s.rate)
	}
	raw, err := kept(dir, name+"."+kind, s.arguments())
	if err != nil {
		return film{}, err
	}
	f, err := cut(raw, s.hevc)
	f.fps = s.fps
	return f, err
}

// arguments are ffmpeg's.
func (s script) arguments() []string {
	gop := fmt.Sprint(s.gop * s.fps)
	args := []string{
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%dx%d:rate=%d", s.width, s.height, s.fps),
		"-t", fmt.Sprint(filmGOPs * s.gop),
	}
	if s.heavy {
		args = append(args, "-vf", "noise=alls=30:allf=t", "-qp", "24")
	}
	if s.rate > 0 {
		kbits := func(n int) string { return fmt.Sprint(n, "k") }
		args = append(args, "-vf", "noise=alls=20:allf=t", "-b:v", kbits(s.rate), "-maxrate", kbits(s.rate), "-bufsize", kbits(s.rate/2))
	}
	args = append(args, "-pix_fmt", "yuv420p")
	if s.hevc {
		return append(args, "-c:v", "libx265", "-preset", "ultrafast",
			"-x265-params", "log-level=error:bframes=0:repeat-headers=1:scenecut=0:keyint="+gop+":min-keyint="+gop,
			"-f", "hevc", "pipe:1")
	}
	return append(args,
		"-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main", "-level", "4.0",
		"-bf", fmt.Sprint(s.between), "-b_strategy", "0", "-g", gop, "-keyint_min", gop, "-sc_threshold", "0",
		"-x264-params", fmt.Sprintf("b-pyramid=none:slices=%d", max(1, s.slices)),
		"-f", "h264", "pipe:1")
}

// kept reads a file of dir; where there is none, ffmpeg makes it.
func kept(dir, name string, arguments []string) ([]byte, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	path := filepath.Join(dir, name)
	raw, err := os.ReadFile(path)
	if err == nil {
		return raw, nil
	}
	if raw, err = ffmpeg(arguments); err != nil {
		return nil, err
	}
	if err := keep(path, raw); err != nil {
		return nil, fmt.Errorf("rtsp sim: keep the film: %w", err)
	}
	return raw, nil
}

// keep writes the file under another name first: several cameras may start at once.
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

func ffmpeg(arguments []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ffmpeg", append([]string{"-hide_banner", "-loglevel", "error", "-nostdin"}, arguments...)...)
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
