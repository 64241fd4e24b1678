package clips_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/clips"
	"github.com/ingle-home/ingle/hub/export"
	"github.com/ingle-home/ingle/hub/health"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/record"
	"github.com/ingle-home/ingle/hub/stream"
	"github.com/ingle-home/ingle/storage/blobs"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vaulttest"
)

func TestMain(m *testing.M) { os.Exit(vaulttest.Main(m.Run)) }

const password = "quiet otters paint seven lanterns"

// world is a desk on a real store, for a home with a camera whose pictures the test makes.
type world struct {
	*clips.Desk
	dir    string
	bus    *bus.Bus
	health *health.List
	source *stream.Source
	mu     sync.Mutex
	saved  record.Settings
}

func open(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), bus: bus.New(), health: health.New(time.Now, nil), source: stream.New(colours, stream.Options{FFmpeg: "/bin/false"})}
	must(t, vaulttest.Give(w.dir))
	v, err := vaulttest.Open(w.dir)
	must(t, err)
	rows, err := records.Open(w.dir, v, archive.Personal()...)
	must(t, errors.Join(err, v.Close()))
	store, err := blobs.Open(t.Context(), w.dir, rows, blobs.Options{Limits: archive.ClipLimits(0)})
	must(t, err)
	w.Desk = clips.New(clips.Options{
		Dir: w.dir, File: export.New(export.Options{Dir: w.dir}).File, Store: archive.Clips{Store: store}, Bus: w.bus, Faults: w.health, Log: slog.New(slog.DiscardHandler),
		Home: func() home.Contents {
			return home.Contents{
				People:      []home.Person{{ID: "p-mia", Name: "Mia", Role: home.Member}},
				Accessories: []home.Accessory{{ID: "a-porch", Name: "Porch", Kind: "camera"}, {ID: "a-toy", Name: "Rocket", Kind: "toy"}},
			}
		},
		Save: func(_ context.Context, s record.Settings) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.saved = maps.Clone(s)
			return nil
		},
		Barred: func(string) error {
			if w.source.Paused() {
				return wire.Refuse(409, wire.CodePrivate)
			}
			return nil
		},
		Prove: func(_ context.Context, said string) error {
			if said != password {
				return wire.Refuse(401, wire.CodePassword)
			}
			return nil
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended // it ends with its context
		must(t, errors.Join(w.Close(), w.source.Close(), store.Close(), rows.Close()))
	})
	w.Attach("a-porch", w.source)
	return w
}

// colours is a camera whose pictures nobody could decode, 30 a second.
func colours(ctx context.Context, out func(*media.Unit)) error {
	track := &media.Track{Codec: media.H264, ClockRate: 90000, Width: 16, Height: 16, PPS: []byte{0x68, 0xce, 0x3c, 0x80},
		SPS: []byte{0x67, 0x42, 0xc0, 0x0a, 0xda, 0x7b, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x42, 0x6a}}
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		u := &media.Unit{Track: track, Key: i%30 == 0, PTS: time.Duration(i) * time.Second / 30, At: time.Now(), NALs: [][]byte{make([]byte, 2000)}}
		if u.NALs[0][0] = 0x41; u.Key {
			u.NALs[0][0] = 0x65
		}
		out(u)
	}
}

// newest waits until the newest clip is in a state.
func (w *world) newest(t *testing.T, state string) wire.Clip {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for begin := time.Now(); time.Since(begin) < time.Minute; <-tick.C {
		list, err := w.List(t.Context(), "Porch")
		must(t, err)
		if len(list) > 0 && list[0].State == state {
			return list[0]
		}
	}
	t.Fatalf("no clip is %s", state)
	return wire.Clip{}
}

// Nothing is recorded before somebody switches it on; then motion and the bell are, until it is switched off.
func TestMotionIsRecordedOnceSomebodySaysSo(t *testing.T) {
	t.Parallel()
	w := open(t)
	moves := func(on bool) {
		w.bus.Publish(bus.Change{Accessory: "a-porch", Reading: trait.Motion.Of(on, time.Now())})
	}
	rule, err := w.Rule(t.Context(), "porch")
	if err != nil || rule.On || rule.Sound || rule.Days != 7 {
		t.Fatalf("%+v, %v", rule, err)
	}
	moves(true)
	if err := w.Record(t.Context(), "Porch"); wire.Code(err) != "clips.off" {
		t.Errorf("by hand: %v", err)
	}
	if n := w.source.Stats().Viewers; n != 0 {
		t.Errorf("%d viewers of a camera that is not recorded", n)
	}
	rule, err = w.SetRule(t.Context(), "Porch", wire.ClipRule{On: true, Days: 2, People: []string{"Mia"}})
	if err != nil || !rule.On || rule.Days != 2 || len(rule.People) != 1 || rule.People[0] != "p-mia" {
		t.Fatalf("%+v, %v", rule, err)
	}
	if w.MaySee("a-porch", wire.App{Role: wire.RoleGuardian}) || !w.MaySee("a-porch", wire.App{Role: wire.RoleGuest, Person: "p-mia"}) {
		t.Error("the clips are not for whom the rule says")
	}
	c := w.newest(t, "recording") // it still moves
	if c.Why != "motion" || c.Camera != "a-porch" {
		t.Errorf("%+v", c)
	}
	if _, err := w.Export(t.Context(), c.ID, wire.ClipExportRequest{Password: password, Path: t.TempDir()}); wire.Code(err) != "clips.running" {
		t.Errorf("export: %v", err)
	}
	w.source.Pause(true)
	w.Hush()
	w.newest(t, "whole")
	if err := w.Record(t.Context(), "Porch"); wire.Code(err) != wire.CodePrivate {
		t.Errorf("in privacy: %v", err)
	}
	w.source.Pause(false)
	w.bus.Publish(bus.Change{Accessory: "a-porch", Reading: trait.Doorbell.Of(true, time.Now())})
	if c = w.newest(t, "recording"); c.Why != "doorbell" {
		t.Errorf("%+v", c)
	}
	rule.On = false
	_, err = w.SetRule(t.Context(), "Porch", rule)
	must(t, err)
	w.newest(t, "whole") // what was running ended with it
	w.mu.Lock()
	defer w.mu.Unlock()
	if r := w.saved["a-porch"]; r.On || r.Days != 2 {
		t.Errorf("%+v was kept", r)
	}
}

// What is recorded can be read from any place, kept, written out and deleted; it goes with its camera, and
// when its days are over.
func TestWhatPeopleDoWithClips(t *testing.T) {
	t.Parallel()
	w := open(t)
	_, err := w.SetRule(t.Context(), "Porch", wire.ClipRule{On: true})
	must(t, err)
	record := func() wire.Clip {
		must(t, w.Record(t.Context(), "Porch"))
		w.newest(t, "recording")
		w.Hush()
		return w.newest(t, "whole")
	}
	c := record()
	film, err := w.Film(t.Context(), c.ID[:8])
	must(t, err)
	all, err := io.ReadAll(film)
	must(t, errors.Join(err, film.Close()))
	if int64(len(all)) != c.Size || string(all[4:8]) != "ftyp" {
		t.Errorf("%d bytes of %d, %q", len(all), c.Size, all[:12])
	}
	if _, err := w.Still(t.Context(), c.ID); wire.Code(err) != wire.CodeNoPicture {
		t.Errorf("a still without ffmpeg: %v", err)
	}
	folder := t.TempDir()
	if _, err := w.Export(t.Context(), c.ID, wire.ClipExportRequest{Password: "x", Path: folder}); wire.Code(err) != wire.CodePassword {
		t.Errorf("export with a wrong password: %v", err)
	}
	if _, err := w.Export(t.Context(), c.ID, wire.ClipExportRequest{Password: password, Path: filepath.Join(w.dir, "x.mp4")}); wire.Code(err) != "export.inside" {
		t.Errorf("export into the hub's folder: %v", err)
	}
	made, err := w.Export(t.Context(), c.ID, wire.ClipExportRequest{Password: password, Path: folder})
	must(t, err)
	if raw, err := os.ReadFile(made.Path); err != nil || string(raw) != string(all) || !strings.HasSuffix(made.Path, ".mp4") || !strings.Contains(filepath.Base(made.Path), "-Porch-") {
		t.Errorf("%+v: %d bytes, %v", made, len(raw), err)
	}
	kept, err := w.Keep(t.Context(), c.ID, true)
	if err != nil || !kept.Kept {
		t.Errorf("%+v, %v", kept, err)
	}
	later := record()
	if n, err := w.Sweep(t.Context(), time.Now().Add(8*24*time.Hour)); n != 1 || err != nil {
		t.Errorf("%d swept, %v", n, err)
	}
	if _, err := w.Show(t.Context(), later.ID); wire.Code(err) != "clips.unknown" {
		t.Errorf("it was swept: %v", err)
	}
	must(t, w.Forget(t.Context(), "a-porch"))
	if list, err := w.List(t.Context(), ""); err != nil || len(list) > 0 {
		t.Errorf("%+v, %v", list, err)
	}
	for call, err := range map[string]error{
		"a toy": w.Record(t.Context(), "Rocket"), "nothing": w.Record(t.Context(), "Attic"), "no clip": w.Delete(t.Context(), c.ID),
	} {
		if want := map[string]string{"a toy": "clips.no-camera", "nothing": wire.CodeUnknown, "no clip": "clips.unknown"}[call]; wire.Code(err) != want {
			t.Errorf("%s: %v", call, err)
		}
	}
}

// A hub whose recordings cannot be opened says so, and has all else.
func TestWithoutAStore(t *testing.T) {
	d := clips.New(clips.Options{Home: func() home.Contents { return home.Contents{} }})
	if _, err := d.List(t.Context(), ""); wire.Code(err) != "clips.closed" {
		t.Error(err)
	}
	if _, err := d.Rule(t.Context(), "Porch"); wire.Code(err) != "clips.closed" {
		t.Error(err)
	}
	d.Attach("a-porch", nil)
	d.Detach("a-porch")
	must(t, d.Forget(t.Context(), "a-porch"))
	if n, err := d.Sweep(t.Context(), time.Now()); n != 0 || err != nil {
		t.Error(n, err)
	}
	must(t, d.Close())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestTwoPeopleDecide: of two recorders of one camera one would record on after the recording was switched
// off, and Privacy would not find what it holds.
func TestTwoPeopleDecide(t *testing.T) {
	t.Parallel()
	w := open(t)
	for range 10 {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if _, err := w.SetRule(t.Context(), "Porch", wire.ClipRule{On: true}); err != nil {
					t.Error(err)
				}
			})
			all.Go(func() { w.Attach("a-porch", w.source) }) // the camera opens anew meanwhile
		}
		all.Wait()
	}
	_, err := w.SetRule(t.Context(), "Porch", wire.ClipRule{})
	must(t, err)
	if n := w.source.Stats().Viewers; n != 0 {
		t.Errorf("%d recorders watch a camera that is not to be recorded", n)
	}
}

// TestClipsOfAWrongClock neither go at once nor stay for good.
func TestClipsOfAWrongClock(t *testing.T) {
	t.Parallel()
	w := open(t)
	now := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	for _, at := range []time.Time{time.Unix(90, 0), now.Add(9 * 365 * day), now.Add(-8 * day), now.Add(-day)} {
		film, err := w.Store.Begin(t.Context(), "a-porch", at, []byte("{}"))
		must(t, err)
		must(t, film.Close([]byte("{}")))
	}
	for _, step := range []struct {
		after         time.Duration
		deleted, left int
	}{{0, 1, 3}, {5 * day, 0, 3}, {6*day + time.Hour, 1, 2}, {8 * day, 2, 0}} {
		n, err := w.Sweep(t.Context(), now.Add(step.after))
		if left := len(w.Store.List("")); err != nil || n != step.deleted || left != step.left {
			t.Errorf("after %v: %d deleted, %d left, %v", step.after, n, left, err)
		}
	}
}
