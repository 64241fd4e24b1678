package record_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/rtsp"
	"github.com/ingle-home/ingle/accessories/rtsp/sim"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/record"
	"github.com/ingle-home/ingle/hub/stream"
	"github.com/ingle-home/ingle/storage/blobs"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vaulttest"
)

const (
	envDir    = "INGLE_TEST_DIR"    // set for the child that records and is killed
	envCamera = "INGLE_TEST_CAMERA" // its camera
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envDir); dir != "" {
		recordUntilKilled(dir)
		return
	}
	if err := flag.Set("test.parallel", "16"); err != nil { // they wait for cameras more than they compute
		panic(err)
	}
	os.Exit(vaulttest.Main(m.Run))
}

// folder is a fresh folder with the package's keys.
func folder(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	must(t, vaulttest.Give(dir))
	return dir
}

// shelf is an open store of clips.
type shelf struct {
	record.Clips
	rows  *records.Store
	blobs *blobs.Store
}

func openShelf(dir string) (*shelf, error) { return openLimited(dir, archive.ClipLimits(0)) }

func openLimited(dir string, limits blobs.Limits) (*shelf, error) {
	v, err := vaulttest.Open(dir)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	rows, err := records.Open(dir, v, blobs.Personal()...)
	if err != nil {
		return nil, err
	}
	store, err := blobs.Open(context.Background(), dir, rows, blobs.Options{Limits: limits})
	if err != nil {
		return nil, errors.Join(err, rows.Close())
	}
	return &shelf{record.Clips{Store: archive.Clips{Store: store}}, rows, store}, nil
}

func (s *shelf) close() error { return errors.Join(s.blobs.Close(), s.rows.Close()) }

func open(t testing.TB, dir string) *shelf {
	t.Helper()
	s, err := openShelf(dir)
	must(t, err)
	t.Cleanup(func() { must(t, s.close()) })
	return s
}

type loopback struct{}

func (loopback) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, address)
}

func (loopback) Listen(context.Context, string) (net.Listener, error) { return nil, device.ErrRefused }

const fps = 30

func startCamera(t testing.TB) *sim.Sim {
	t.Helper()
	camera, err := sim.Start(sim.Options{Width: 640, Height: 360, FPS: fps, GOP: 1, Dir: os.TempDir()})
	must(t, err)
	t.Cleanup(func() { _ = camera.Close() })
	return camera
}

// watch opens the camera at an address with the real driver.
func watch(address string) (*stream.Source, error) {
	session, err := rtsp.New().Open(context.Background(), device.Config{
		Address: address, Fields: map[string]string{rtsp.FieldUser: "hub"},
		Secret: func(string) device.Secret { return device.NewSecret("porch-light") },
		Net:    loopback{}, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	return stream.New(func(ctx context.Context, out func(*media.Unit)) error {
		v := session.(device.Viewable)
		return v.Watch(ctx, v.Views()[0].ID, false, out)
	}, stream.Options{}), nil
}

// scene is a camera that is recorded.
type scene struct {
	*record.Recorder
	camera *sim.Sim
	source *stream.Source
	shelf  *shelf
	dir    string
	began  time.Time
}

func film(t testing.TB, o record.Options) *scene {
	t.Helper()
	s := &scene{camera: startCamera(t), dir: folder(t)}
	s.shelf = open(t, s.dir)
	var err error
	s.source, err = watch(s.camera.Address())
	must(t, err)
	t.Cleanup(func() { must(t, s.source.Close()) })
	o.Camera, o.Source, o.Store = "porch", s.source, s.shelf.Store
	s.start(t, o)
	return s
}

func (s *scene) start(t testing.TB, o record.Options) {
	s.Recorder, s.began = record.New(o), time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		must(t, <-ended)
	})
	s.flows(t, 1)
}

// flows waits until that many more pictures came.
func (s *scene) flows(t testing.TB, pictures uint64) {
	t.Helper()
	from := s.source.Stats().Units
	eventually(t, "pictures", func() bool { return s.source.Stats().Units >= from+pictures })
}

// clip waits until there are n clips, and none is running, and gives the newest.
func (s *scene) clip(t testing.TB, n int) record.Clip {
	t.Helper()
	eventually(t, fmt.Sprint(n, " clips"), func() bool {
		list := s.shelf.List("porch")
		return len(list) == n && list[0].State != record.Running
	})
	return s.shelf.List("porch")[0]
}

func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); !is(); <-tick.C {
		if time.Since(begin) > time.Minute {
			t.Fatalf("no %s", what)
		}
	}
}

// export writes a clip's film into a plain file.
func (s *shelf) export(t testing.TB, id string) string {
	t.Helper()
	r, err := s.Open(t.Context(), id)
	must(t, err)
	path := filepath.Join(t.TempDir(), "clip.mp4")
	f, err := os.Create(path)
	must(t, err)
	_, err = io.Copy(f, r)
	must(t, errors.Join(err, r.Close(), f.Close()))
	return path
}

// probed is what ffprobe says of a film.
type probed struct {
	Streams []struct {
		Codec  string `json:"codec_name"`
		Type   string `json:"codec_type"`
		Width  int    `json:"width"`
		Frames string `json:"nb_read_frames"`
	} `json:"streams"`
	Frames []struct {
		Time string `json:"best_effort_timestamp_time"`
		Type string `json:"pict_type"`
	} `json:"frames"`
}

// probe decodes all of a film; it fails on any word of complaint.
func probe(t testing.TB, path string) probed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ffprobe", "-v", "error", "-count_frames", "-show_streams", "-show_frames", "-of", "json", path)
	said, err := cmd.StderrPipe()
	must(t, err)
	errs := make(chan []byte, 1)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	go func() {
		all, _ := io.ReadAll(said)
		errs <- all
	}()
	raw, err := io.ReadAll(out)
	must(t, err)
	complaints := <-errs
	if err := cmd.Wait(); err != nil || len(complaints) > 0 {
		t.Fatalf("ffprobe: %v: %s", err, complaints)
	}
	var p probed
	must(t, json.Unmarshal(raw, &p))
	if len(p.Streams) == 0 {
		t.Fatal("no streams")
	}
	return p
}

func (p probed) frames(t testing.TB, stream int) int {
	t.Helper()
	n, err := strconv.Atoi(p.Streams[stream].Frames)
	must(t, err)
	return n
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
