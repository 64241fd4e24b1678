package stream_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/stream"
)

var track = &media.Track{Codec: media.H264, ClockRate: 90000, Width: 640, Height: 360}

// unit makes picture number n; every tenth is a key unit.
func unit(n int) *media.Unit {
	return &media.Unit{
		Track: track, Key: n%10 == 0, NALs: [][]byte{{byte(n >> 8), byte(n)}},
		PTS: time.Duration(n) * 100 * time.Millisecond, At: time.Now(),
	}
}

func number(u *media.Unit) int { return int(u.NALs[0][0])<<8 | int(u.NALs[0][1]) }

// lens is a camera whose pictures the test makes.
type lens struct {
	opened int
	out    func(*media.Unit)
	fail   chan error
	open   bool
}

func newLens() *lens { return &lens{fail: make(chan error)} }

func (l *lens) watch(ctx context.Context, out func(*media.Unit)) error {
	l.opened, l.out, l.open = l.opened+1, out, true
	defer func() { l.open = false }()
	select {
	case <-ctx.Done():
		return nil
	case err := <-l.fail:
		return err
	}
}

func (l *lens) send(from, to int) {
	for n := from; n <= to; n++ {
		l.out(unit(n))
	}
}

func expect(t *testing.T, v *stream.Viewer, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		u, err := v.Next(ctx)
		cancel()
		if err != nil || number(u) != n {
			t.Fatalf("want picture %d, got %v, %v", n, u, err)
		}
	}
}

func TestNewViewerGetsTheGOPAndGoesOnWithoutGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLens()
		s := stream.New(l.watch, stream.Options{})
		defer s.Close()
		a := s.View(t.Context())
		defer a.Close()
		synctest.Wait()
		l.send(7, 15) // 7, 8 and 9 cannot be decoded
		b := s.View(t.Context())
		defer b.Close()
		l.send(16, 18)
		expect(t, a, 10, 18)
		expect(t, b, 10, 18)
		if st := s.Stats(); l.opened != 1 || st.Connections != 1 || st.Viewers != 2 || st.Units != 12 || st.Dropped != 0 {
			t.Fatalf("opened %d, %+v", l.opened, st)
		}
		if w, h := s.Size(); w != 640 || h != 360 {
			t.Fatalf("size %d × %d", w, h)
		}
	})
}

func TestSlowViewerDropsToAKeyUnitAndDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLens()
		s := stream.New(l.watch, stream.Options{Ring: 5})
		defer s.Close()
		slow := s.View(t.Context())
		defer slow.Close()
		synctest.Wait()
		fast := s.View(t.Context())
		defer fast.Close()
		for n := 0; n <= 22; n++ {
			l.send(n, n) // would block here if a full ring did
			expect(t, fast, n, n)
		}
		// 0–4 filled the ring, 5 emptied it, 10–14 filled it, 15 emptied it: 20–22 are left.
		expect(t, slow, 20, 22)
		if slow.Dropped() != 20 || fast.Dropped() != 0 || s.Stats().Dropped != 20 {
			t.Fatalf("dropped %d, %d, %d", slow.Dropped(), fast.Dropped(), s.Stats().Dropped)
		}
	})
}

func TestFullRingKeepsTheNewestKeyUnit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLens()
		s := stream.New(l.watch, stream.Options{Ring: 12})
		defer s.Close()
		v := s.View(t.Context())
		defer v.Close()
		synctest.Wait()
		l.send(0, 12) // 0–9 go, because 10 can be decoded alone
		expect(t, v, 10, 12)
		if v.Dropped() != 10 {
			t.Fatalf("dropped %d", v.Dropped())
		}
	})
}

func TestLingerAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLens()
		s := stream.New(l.watch, stream.Options{Linger: 5 * time.Second})
		defer s.Close()
		synctest.Wait()
		if l.opened != 0 {
			t.Fatal("connected without a viewer")
		}
		s.View(t.Context()).Close()
		wait(4 * time.Second)
		if !l.open {
			t.Fatal("the camera must stay warm")
		}
		ctx, cancel := context.WithCancel(t.Context())
		v := s.View(ctx)
		wait(20 * time.Second)
		if !l.open || l.opened != 1 {
			t.Fatal("a viewer holds the camera")
		}
		cancel() // ends the viewer too
		wait(6 * time.Second)
		if l.open {
			t.Fatal("nobody watches, and the camera is still connected")
		}
		if _, err := v.Next(t.Context()); !errors.Is(err, stream.ErrClosed) {
			t.Fatal(err)
		}
	})
}

// wait lets the synthetic time pass.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestBackoffGrowsAndStartsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries []time.Time
		var mended atomic.Bool
		s := stream.New(func(ctx context.Context, out func(*media.Unit)) error {
			tries = append(tries, time.Now())
			if !mended.Load() {
				return errors.New("no route")
			}
			out(unit(0))
			return errors.New("dropped")
		}, stream.Options{})
		defer s.Close()
		v := s.View(t.Context())
		defer v.Close()
		wait(3 * time.Minute)
		want := []float64{1, 2, 4, 8, 16, 30, 30}
		for i, seconds := range want {
			got := tries[i+1].Sub(tries[i]).Seconds()
			if got < 0.8*seconds || got > 1.2*seconds {
				t.Fatalf("pause %d was %v s, want about %v", i, got, seconds)
			}
		}
		if err := s.Stats().Err; err == nil || err.Error() != "no route" {
			t.Fatal(err)
		}
		mended.Store(true)
		wait(40 * time.Second)
		n := len(tries)
		if pause := tries[n-1].Sub(tries[n-2]); pause > 1200*time.Millisecond {
			t.Fatalf("pause %v after a picture came", pause)
		}
	})
}

func TestReconnectNeverGoesBackInTimeAndStartsWithAKeyUnit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLens()
		s := stream.New(l.watch, stream.Options{})
		defer s.Close()
		v := s.View(t.Context())
		defer v.Close()
		synctest.Wait()
		l.send(10, 12)
		l.fail <- errors.New("dropped")
		wait(2 * time.Second)
		l.send(8, 10) // 8 and 9 cannot be decoded; the camera's clock began again
		expect(t, v, 10, 11)
		before, _ := v.Next(t.Context())
		after, err := v.Next(t.Context())
		if err != nil || !after.Key {
			t.Fatal(after, err)
		}
		if step := after.PTS - before.PTS; step < 2*time.Second || step > 3*time.Second {
			t.Fatalf("step %v over a gap of 2 s", step)
		}
	})
}

func TestPrivacyForgetsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLens()
		s := stream.New(l.watch, stream.Options{})
		defer s.Close()
		v := s.View(t.Context())
		defer v.Close()
		synctest.Wait()
		l.send(0, 5)
		s.Pause(true)
		if l.open || s.Track() != nil {
			t.Fatal("the camera is still connected, or its pictures are still known")
		}
		l.send(10, 12) // a driver that has not noticed yet
		for _, err := range []error{
			second(v.Next(t.Context())),
			second(s.KeyFrame(t.Context())),
			second(s.Snapshot(t.Context(), 320, 240)),
			second(s.View(t.Context()).Next(t.Context())),
		} {
			if !errors.Is(err, stream.ErrPaused) {
				t.Fatalf("while paused: %v", err)
			}
		}
		wait(time.Minute)
		if l.opened != 1 {
			t.Fatal("connected while paused")
		}
		s.Pause(false)
		synctest.Wait()
		l.send(20, 21)
		expect(t, v, 20, 21) // nothing from before
	})
}

func second[T any](_ T, err error) error { return err }

func TestGivesUpWhereAnotherTryWouldHarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused, tries := errors.New("wrong password"), 0
		s := stream.New(func(context.Context, func(*media.Unit)) error { tries++; return refused },
			stream.Options{GiveUp: func(err error) bool { return errors.Is(err, refused) }})
		defer s.Close()
		v := s.View(t.Context())
		defer v.Close()
		if _, err := v.Next(t.Context()); !errors.Is(err, refused) {
			t.Fatal(err)
		}
		_, err := s.KeyFrame(t.Context())
		if wait(time.Hour); !errors.Is(err, refused) || tries != 1 {
			t.Fatalf("%v after %d tries", err, tries)
		}
	})
}

func TestKeyFrameCallsTheCameraAndSaysWhyNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLens()
		s := stream.New(l.watch, stream.Options{})
		defer s.Close()
		got := make(chan *media.Unit)
		go func() {
			u, _ := s.KeyFrame(t.Context())
			got <- u
		}()
		synctest.Wait()
		l.send(10, 11)
		if u := <-got; number(u) != 10 {
			t.Fatal(u)
		}
		l.fail <- errors.New("no route")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		_, err := s.KeyFrame(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || err.Error() == context.DeadlineExceeded.Error() {
			t.Fatalf("%v: must name the camera's trouble", err)
		}
	})
}

func TestBarredAndChanged(t *testing.T) {
	s := stream.New(newLens().watch, stream.Options{})
	step := func(what string, act func(), want error) {
		t.Helper()
		changed := s.Changed()
		act()
		select {
		case <-changed:
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: nobody is told", what)
		}
		if err := s.Barred(); !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	step("pause", func() { s.Pause(true) }, stream.ErrPaused)
	step("go on", func() { s.Pause(false) }, nil)
	step("close", func() { _ = s.Close() }, stream.ErrClosed)
}
