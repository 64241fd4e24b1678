package record_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/record"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/blobs"
)

// put stores a clip of some bytes that is not a film.
func (s *shelf) put(t *testing.T, camera string, at time.Time, size int) (id string) {
	t.Helper()
	before := s.List("")
	f, err := s.Store.Begin(t.Context(), camera, at, nil)
	must(t, err)
	_, err = f.Write(make([]byte, size))
	must(t, err)
	must(t, f.Close(nil))
	for _, c := range s.List("") {
		if !slices.ContainsFunc(before, func(b record.Clip) bool { return b.ID == c.ID }) {
			return c.ID
		}
	}
	t.Fatal("it is not listed")
	return ""
}

func (s *shelf) has(id string) bool {
	_, err := s.Find(id)
	return err == nil
}

// Clips go when they had their days, or when there are more bytes of a camera than it may have: the oldest
// first, and never one that is kept.
func TestTidy(t *testing.T) {
	t.Parallel()
	s := open(t, folder(t))
	now := time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	old := s.put(t, "porch", now.Add(-8*day), 1000)
	kept := s.put(t, "porch", now.Add(-30*day), 500_000)
	young := s.put(t, "porch", now.Add(-6*day), 1000)
	other := s.put(t, "garden", now.Add(-8*day), 1000)
	_, err := s.Keep(t.Context(), kept, true)
	must(t, err)
	rules := record.Settings{"garden": {On: true, Days: 9}, "attic": {Bytes: 250_000}}
	if n, err := s.Tidy(t.Context(), time.Time{}, rules); n != 0 || err != nil {
		t.Fatalf("by no clock at all %d are deleted: %v", n, err)
	}
	if n, err := s.Tidy(t.Context(), now, rules); n != 1 || err != nil || s.has(old) {
		t.Errorf("%d deleted, %v", n, err)
	}
	if !s.has(kept) || !s.has(young) || !s.has(other) {
		t.Error("too much is deleted")
	}
	var attic []string
	for i := range 4 {
		attic = append(attic, s.put(t, "attic", now.Add(time.Duration(i)*time.Minute), 100_000))
	}
	if n, err := s.Tidy(t.Context(), time.Time{}, rules); n != 2 || err != nil {
		t.Errorf("%d deleted, %v", n, err)
	}
	if s.has(attic[0]) || s.has(attic[1]) || !s.has(attic[2]) || !s.has(attic[3]) {
		t.Error("not the oldest are deleted")
	}
	if n, err := s.Tidy(t.Context(), now.Add(20*day), rules); n != 4 || err != nil || !s.has(kept) {
		t.Errorf("%d deleted, %v", n, err)
	}
}

func TestRules(t *testing.T) {
	t.Parallel()
	sam, noor, mia := home.Person{ID: "sam", Role: home.Owner}, home.Person{ID: "noor", Role: home.Guardian}, home.Person{ID: "mia", Role: home.Member}
	s := record.Settings{"porch": {On: true, People: []string{"mia"}}}
	if r := s.Rule("garden"); r.On || r.Sound || r.Days != 7 || r.Bytes != 10_000_000_000 || !r.MaySee(sam) || !r.MaySee(noor) || r.MaySee(mia) {
		t.Errorf("%+v", r)
	}
	if r := s.Rule("porch"); r.MaySee(sam) || !r.MaySee(mia) {
		t.Errorf("%+v", r)
	}
}

// stuck is a store whose disk stops for a while.
type stuck struct {
	record.Store
	until chan struct{}
}

func (s stuck) Begin(ctx context.Context, camera string, at time.Time, note []byte) (record.Film, error) {
	f, err := s.Store.Begin(ctx, camera, at, note)
	return stuckFilm{f, s.until}, err
}

type stuckFilm struct {
	record.Film
	until chan struct{}
}

func (f stuckFilm) Write(p []byte) (int, error) {
	<-f.until
	return f.Film.Write(p)
}

// A disk that stands still delays nobody who watches, and the clip is whole when it goes on again.
func TestASlowDiskDelaysNobody(t *testing.T) {
	t.Parallel()
	shelf := open(t, folder(t))
	source := seen(t).play(time.Second / fps / 10)
	defer source.Close()
	disk := stuck{shelf.Store, make(chan struct{})}
	r := record.New(record.Options{Camera: "porch", Source: source, Store: disk, Post: 2 * time.Second})
	r.Trigger(record.ByHand)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	v := source.View(t.Context())
	defer v.Close()
	for range 600 { // twenty seconds of pictures
		_, err := v.Next(t.Context())
		must(t, err)
	}
	if v.Dropped() > 0 || source.Stats().Dropped > 0 {
		t.Errorf("%d, %d pictures dropped", v.Dropped(), source.Stats().Dropped)
	}
	close(disk.until)
	eventually(t, "clip", func() bool {
		list := shelf.List("")
		return len(list) == 1 && list[0].State == record.Whole
	})
	cancel()
	must(t, <-ended)
	c := shelf.List("")[0]
	if n := probe(t, shelf.export(t, c.ID)).frames(t, 0); n != c.Frames || n < 60 || c.Gaps != 0 {
		t.Errorf("%d pictures, %+v", n, c)
	}
}

// A clip for which there is no room ends with the last part that found some, and says so.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	shelf, err := openLimited(folder(t), blobs.Limits{Bytes: 700_000})
	must(t, err)
	defer func() { must(t, shelf.close()) }()
	source := seen(t).play(time.Second / fps / 10)
	defer source.Close()
	said := make(chan error, 10)
	r := record.New(record.Options{Camera: "porch", Source: source, Store: shelf.Store, Post: 3 * time.Second, Ended: func(err error) { said <- err }})
	r.Trigger(record.ByHand)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	if err := <-said; !errors.Is(err, storage.ErrFull) {
		t.Errorf("it ended with %v", err)
	}
	cancel()
	must(t, <-ended)
	list := shelf.List("")
	if len(list) != 1 || list[0].State != record.Cut || list[0].Why != record.ByHand {
		t.Fatalf("%+v", list)
	}
	reel, err := shelf.Open(t.Context(), list[0].ID)
	must(t, err)
	must(t, reel.Close())
	if n := probe(t, shelf.export(t, list[0].ID)).frames(t, 0); n < fps || n != reel.Clip.Frames {
		t.Errorf("%d pictures of %d", n, reel.Clip.Frames)
	}
}

// Sixteen cameras can be recorded at once; what that costs is told.
func TestSixteenRecorders(t *testing.T) {
	shelf := open(t, folder(t))
	s := seen(t)
	const recorders, lasts = 16, 2 * time.Second
	var failed atomic.Int32
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, recorders)
	var sources []io.Closer
	before := used(t)
	for i := range recorders {
		source := s.play(time.Second / fps)
		sources = append(sources, source)
		r := record.New(record.Options{Camera: string(rune('a' + i)), Source: source, Store: shelf.Store, Post: lasts,
			Ended: func(err error) {
				if err != nil {
					failed.Add(1)
				}
			}})
		r.Trigger(record.ByHand)
		go func() { ended <- r.Run(ctx) }()
	}
	eventually(t, "clips", func() bool {
		list := shelf.List("")
		return len(list) == recorders && !slices.ContainsFunc(list, func(c record.Clip) bool { return c.State != record.Whole })
	})
	cost := used(t) - before
	cancel()
	for range recorders {
		must(t, <-ended)
	}
	var bytes int64
	for _, c := range shelf.List("") {
		bytes += c.Size
	}
	for _, source := range sources {
		must(t, source.Close())
	}
	t.Logf("%d recorders of %v: %v of processor, %d bytes: %.1f %% of one core", recorders, lasts, cost, bytes, 100*cost.Seconds()/lasts.Seconds())
	if failed.Load() > 0 {
		t.Errorf("%d clips failed", failed.Load())
	}
}

// used is the processor time of this process.
func used(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
