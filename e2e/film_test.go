package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// go2rtcEnv names the program go2rtc; it is built of the version that this module pins.
const go2rtcEnv = "INGLE_GO2RTC"

// recorder is a go2rtc process that watches a camera as a HomeKit controller, and makes films of it.
type recorder struct {
	api    string
	config string
}

// startRecorder starts one that knows these streams.
func startRecorder(t *testing.T, streams string) *recorder {
	t.Helper()
	r := &recorder{api: freeDoor(t), config: filepath.Join(t.TempDir(), "go2rtc.yaml")}
	text := fmt.Sprintf("api: {listen: %q}\nrtsp: {listen: \"\"}\nsrtp: {listen: %q}\nwebrtc: {listen: \"\"}\nlog: {level: warn}\n%s", r.api, freePort(t), streams)
	if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(os.Getenv(go2rtcEnv), "-config", r.config)
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Dir(r.config), log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
		if said, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("go2rtc said:\n%.4000s", said)
		}
	})
	until(t, 30*time.Second, "go2rtc knows HomeKit", func() bool { // it listens before it does
		answer, err := http.Get("http://" + r.api + "/api/homekit")
		if err != nil {
			return false
		}
		_ = answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return r
}

// pair pairs with a server of the hub's and gives what go2rtc keeps of it.
func (r *recorder) pair(t *testing.T, h bridge) (streams string) {
	t.Helper()
	form := url.Values{"id": {"porch"}, "pin": {strings.ReplaceAll(h.SetupCode, "-", "")},
		"src": {fmt.Sprintf("homekit://%s?device_id=%s&feature=0&status=1", h.address(), h.DeviceID)}}
	answer, err := http.Post("http://"+r.api+"/api/homekit?"+form.Encode(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if said, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK {
		t.Fatalf("go2rtc pairs: %s %s", answer.Status, said)
	}
	kept, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	_, streams, ok := strings.Cut(string(kept), "streams:")
	if !ok {
		t.Fatalf("go2rtc has kept nothing: %s", kept)
	}
	return "streams:" + streams
}

// film is what a recorder made.
type film struct {
	path  string
	begun chan struct{} // closed with the first byte
	first time.Duration // from the request to there
	err   error
}

// film makes a film of so many seconds.
func (r *recorder) film(t *testing.T, path string, seconds int) (f *film, done <-chan struct{}) {
	f, ended := &film{path: path, begun: make(chan struct{})}, make(chan struct{})
	go func() {
		defer close(ended)
		f.err = r.record(t.Context(), f, seconds)
	}()
	select {
	case <-f.begun:
	case <-ended:
	}
	return f, ended
}

func (r *recorder) record(ctx context.Context, f *film, seconds int) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second+time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/api/stream.mp4?src=porch&video=h264&duration=%d", r.api, seconds), nil)
	if err != nil {
		return err
	}
	asked := time.Now()
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	one := make([]byte, 1)
	if _, err := io.ReadFull(answer.Body, one); err != nil || answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the film: %s, %w", answer.Status, err)
	}
	f.first = time.Since(asked)
	close(f.begun)
	out, err := os.Create(f.path)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := out.Write(one); err != nil {
		return err
	}
	_, err = io.Copy(out, answer.Body)
	return err
}

// judge has ffprobe decode a film, which must not complain, and counts its pictures.
func (f *film) judge(t *testing.T, width, height int, fps, seconds float64) {
	t.Helper()
	if f.err != nil {
		t.Fatal(f.err)
	}
	cmd := exec.Command("ffprobe", "-v", "error", "-count_frames", "-select_streams", "v",
		"-show_entries", "stream=codec_name,width,height,nb_read_frames,duration:format=duration", "-of", "json", f.path)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	raw, err := cmd.Output()
	if err != nil || complaint.Len() > 0 {
		t.Fatalf("ffprobe: %v %s", err, complaint.String())
	}
	var said struct {
		Streams []struct {
			Codec  string `json:"codec_name"`
			Width  int    `json:"width"`
			Height int    `json:"height"`
			Frames string `json:"nb_read_frames"`
		} `json:"streams"`
		Format struct {
			Duration string `json:"duration"`
		} `json:"format"`
	}
	if err := json.Unmarshal(raw, &said); err != nil || len(said.Streams) != 1 {
		t.Fatalf("ffprobe says %s, %v", raw, err)
	}
	s := said.Streams[0]
	frames, _ := strconv.Atoi(s.Frames)
	long, _ := strconv.ParseFloat(said.Format.Duration, 64)
	t.Logf("%s, %d × %d, %d pictures in %.1f s, first byte after %v", s.Codec, s.Width, s.Height, frames, long, f.first)
	if s.Codec != "h264" || s.Width != width || s.Height != height {
		t.Errorf("the film is %s, %d × %d", s.Codec, s.Width, s.Height)
	}
	if made := fps * max(long, seconds-2); float64(frames) < 0.95*made { // go2rtc counts its seconds from the request
		t.Errorf("%d of %.0f pictures came", frames, made)
	}
}

// TestCameraFourRecorders has four controllers, each a go2rtc of its own, make films of the porch at once.
// The hub calls the camera once. With INGLE_SOAK the films are a minute long.
func TestCameraFourRecorders(t *testing.T) {
	t.Parallel()
	seconds := times(10, 60)
	d := startDemo(t, t.TempDir())
	first := startRecorder(t, "")
	recorders, streams := []*recorder{first}, first.pair(t, d.server(t, "camera"))
	for range 3 {
		recorders = append(recorders, startRecorder(t, streams))
	}
	dir, before := t.TempDir(), d.porch(t)
	var films []*film
	var ends []<-chan struct{}
	for i, r := range recorders { // one by one: two that look for a free stream at once find the same
		f, done := r.film(t, filepath.Join(dir, fmt.Sprint(i, ".mp4")), seconds)
		films, ends = append(films, f), append(ends, done)
	}
	during := d.porch(t)
	for i, f := range films {
		<-ends[i]
		f.judge(t, 1280, 720, 15, float64(seconds))
	}
	if during.Players != 1 || during.Opened > before.Opened+1 {
		t.Errorf("the camera was called %d times for four viewers, and plays to %d", during.Opened-before.Opened, during.Players)
	}
}

// TestCameraFirstPicture has a recorder ask again and again for the film of a camera that is connected. It is
// not parallel: go2rtc looks for the camera by mDNS each time, and others here make and cut networks.
func TestCameraFirstPicture(t *testing.T) {
	d := startDemo(t, t.TempDir())
	r := startRecorder(t, "")
	r.pair(t, d.server(t, "camera"))
	best := time.Hour
	for i := range 4 { // the first calls the camera; where a stream has just been taken, go2rtc tries again after 5 s
		f, done := r.film(t, filepath.Join(t.TempDir(), "film.mp4"), 1)
		if <-done; f.err != nil {
			t.Fatal(f.err)
		}
		if i > 0 {
			best = min(best, f.first)
		}
	}
	if best > 400*time.Millisecond {
		t.Errorf("a film of a camera that is connected begins after %v", best)
	}
	t.Logf("a film of a camera that is connected begins after %v", best)
}

// box is what the simulated porch saw.
type box struct {
	Opened  uint64 `json:"opened"`
	Players int    `json:"players"`
}

func (d *demo) porch(t *testing.T) box {
	t.Helper()
	resp, err := http.Get(d.Control + "/sim/porch")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var said struct {
		Streams box `json:"streams"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&said); err != nil {
		t.Fatal(err)
	}
	return said.Streams
}
