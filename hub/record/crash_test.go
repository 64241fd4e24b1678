package record_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/record"
	"github.com/ingle-home/ingle/hub/stream"
)

// scenery is some seconds of a real camera, to be played again at any pace.
type scenery struct {
	Track media.Track
	Units []media.Unit // without their tracks
	FPS   int
}

var once struct {
	sync.Once
	scenery *scenery
}

// seen gives two GOPs of the simulated camera.
func seen(t testing.TB) *scenery {
	t.Helper()
	once.Do(func() {
		source, err := watch(startCamera(t).Address())
		must(t, err)
		defer source.Close()
		v := source.View(t.Context())
		s := &scenery{FPS: fps}
		for len(s.Units) < 2*fps {
			u, err := v.Next(t.Context())
			must(t, err)
			s.Track = *u.Track
			s.Units = append(s.Units, media.Unit{NALs: u.NALs, Key: u.Key})
		}
		once.scenery = s
	})
	if once.scenery == nil {
		t.Fatal("no camera")
	}
	return once.scenery
}

// play gives a source on which the scenery runs for ever, a picture per pause. Its clips have no pictures
// of their own.
func (s *scenery) play(pause time.Duration) *stream.Source { return s.show(pause, "/bin/false") }

// show is play with an ffmpeg.
func (s *scenery) show(pause time.Duration, ffmpeg string) *stream.Source {
	return stream.New(func(ctx context.Context, out func(*media.Unit)) error {
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
			u := s.Units[i%len(s.Units)]
			u.Track, u.At, u.PTS = &s.Track, time.Now(), time.Duration(i)*time.Second/time.Duration(s.FPS)
			out(&u)
		}
	}, stream.Options{FFmpeg: ffmpeg})
}

// told is a store that says what it took.
type told struct{ record.Store }

func (s told) Begin(ctx context.Context, camera string, at time.Time, note []byte) (record.Film, error) {
	f, err := s.Store.Begin(ctx, camera, at, note)
	return &toldFilm{Film: f}, err
}

type toldFilm struct {
	record.Film
	size int
}

func (f *toldFilm) Write(p []byte) (int, error) {
	n, err := f.Film.Write(p)
	if f.size += n; err == nil {
		fmt.Println("took", f.size)
	}
	return n, err
}

// recordUntilKilled is the child: it records the scenery, thirty times as fast as it was.
func recordUntilKilled(dir string) {
	err := func() error {
		raw, err := os.ReadFile(os.Getenv(envCamera))
		if err != nil {
			return err
		}
		var s scenery
		if err := gob.NewDecoder(bytes.NewReader(raw)).Decode(&s); err != nil {
			return err
		}
		shelf, err := openShelf(dir)
		if err != nil {
			return err
		}
		r := record.New(record.Options{Camera: "porch", Source: s.play(time.Second / fps / 30), Store: told{shelf.Store}})
		r.Hold(record.Motion, true)
		return r.Run(context.Background())
	}()
	fmt.Fprintln(os.Stderr, "the child ended:", err)
	os.Exit(1)
}

// kills is how often the recorder is killed; INGLE_SOAK=1 does it 100 times.
func kills() int {
	if os.Getenv("INGLE_SOAK") != "" {
		return 100
	}
	return 10
}

// After kill -9 every clip opens and plays, with all that its store had taken: the only part that is lost
// is the one that was being gathered.
func TestKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "scenery")
	var raw bytes.Buffer
	must(t, gob.NewEncoder(&raw).Encode(seen(t)))
	must(t, os.WriteFile(path, raw.Bytes(), 0o600))
	dir := folder(t)
	for round := range kills() {
		took := recordAndKill(t, dir, path, 2+rand.IntN(4))
		shelf, err := openShelf(dir)
		must(t, err)
		list := shelf.List("porch")
		if len(list) != round+1 {
			t.Fatalf("%d clips after %d kills", len(list), round+1)
		}
		newest := list[0]
		if newest.State != record.Cut || newest.Why != record.Motion {
			t.Errorf("%+v", newest)
		}
		r, err := shelf.Open(t.Context(), newest.ID)
		must(t, err)
		if r.Size() < took {
			t.Errorf("the store had taken %d bytes, the film has %d", took, r.Size())
		}
		counted := r.Clip.Frames
		must(t, r.Close())
		if n := probe(t, shelf.export(t, newest.ID)).frames(t, 0); n != counted || n < fps {
			t.Errorf("%d pictures of %d", n, counted)
		}
		must(t, shelf.close())
	}
}

// recordAndKill lets a child record until its store took so many pieces, and gives the bytes of them.
func recordAndKill(t *testing.T, dir, camera string, pieces int) (took int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envDir+"="+dir, envCamera+"="+camera)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for n := 0; n < pieces && lines.Scan(); n++ {
		_, err := fmt.Sscan(lines.Text(), new(string), &took)
		must(t, err)
	}
	must(t, cmd.Process.Kill())
	for lines.Scan() {
		if n, _ := fmt.Sscan(lines.Text(), new(string), &took); n < 2 {
			break
		}
	}
	_ = cmd.Wait() // it was killed
	return took
}

// A clip that somebody changed, cut, mixed up or put in the place of another camera's is noticed.
func TestTampering(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	for _, camera := range []string{"porch", "garden"} {
		recordSome(t, dir, camera)
	}
	shelf := open(t, dir)
	porch, garden := shelf.List("porch")[0].ID, shelf.List("garden")[0].ID
	file := func(id string) string { return filepath.Join(dir, "media", id) }
	whole, err := os.ReadFile(file(porch))
	must(t, err)
	other, err := os.ReadFile(file(garden))
	must(t, err)
	const head, chunk = 64, 64<<10 + 16
	if len(whole) < head+4*chunk {
		t.Fatalf("a clip of %d bytes", len(whole))
	}
	flipped := bytes.Clone(whole)
	flipped[head+chunk+100] ^= 1
	swapped := bytes.Clone(whole)
	copy(swapped[head:], whole[head+chunk:head+2*chunk])
	copy(swapped[head+chunk:], whole[head:head+chunk])
	readAll := func() error {
		r, err := shelf.Open(t.Context(), porch)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, r)
		return errors.Join(err, r.Close())
	}
	for name, b := range map[string][]byte{
		"a flipped bit": flipped, "swapped chunks": swapped, "a cut": whole[:head+2*chunk], "cut inside a chunk": whole[:head+2*chunk+99],
		"another camera's": other, "bytes behind it": append(bytes.Clone(whole), 0), "nothing": nil,
	} {
		must(t, os.WriteFile(file(porch), b, 0o600))
		if err := readAll(); !errors.Is(err, record.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, os.WriteFile(file(porch), whole, 0o600))
	must(t, readAll())
}

// recordSome records a clip of the scenery.
func recordSome(t *testing.T, dir, camera string) {
	t.Helper()
	shelf, err := openShelf(dir)
	must(t, err)
	source := seen(t).show(time.Second/fps/10, "ffmpeg")
	r := record.New(record.Options{Camera: camera, Source: source, Store: shelf.Store, Post: time.Second})
	r.Trigger(record.ByHand)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	eventually(t, "clip", func() bool {
		list := shelf.List(camera)
		return len(list) == 1 && list[0].State == record.Whole
	})
	cancel()
	must(t, errors.Join(<-ended, source.Close(), shelf.close()))
}

// Nothing of a clip lies in the clear, and none of it can be read once its camera is forgotten, not even
// from an older copy of its file.
func TestSealedAndForgotten(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	recordSome(t, dir, "porch")
	marks := [][]byte{{0, 0, 0, 1, 0x65}, []byte("moof"), []byte("mdat"), []byte("JFIF"), {0xff, 0xd8, 0xff, 0xe0}, []byte("porch"), []byte("by-hand")}
	files := 0
	must(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, mark := range marks {
			if bytes.Contains(raw, mark) {
				t.Errorf("%q in %s", mark, path)
			}
		}
		files++
		return err
	}))
	if files < 4 {
		t.Errorf("only %d files", files)
	}
	shelf := open(t, dir)
	id := shelf.List("")[0].ID
	if still, err := shelf.Still(t.Context(), id); err != nil || !bytes.Contains(still, []byte("JFIF")) {
		t.Errorf("the clip has no picture to be found: %v", err)
	}
	path := filepath.Join(dir, "media", id)
	copied, err := os.ReadFile(path)
	must(t, err)
	must(t, shelf.Store.Forget(t.Context(), "porch"))
	if len(shelf.List("")) != 0 {
		t.Error("it is still listed")
	}
	must(t, os.WriteFile(path, copied, 0o600))
	if _, err := shelf.Open(t.Context(), id); !errors.Is(err, record.ErrNotFound) {
		t.Errorf("it opens: %v", err)
	}
}
