package stream_test

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/stream"
)

// lenses is a camera with several views, each with a lens.
type lenses struct {
	views []media.View

	mu    sync.Mutex
	lens  map[string]*lens
	sound []bool
	asked []string // for a key picture
}

func (l *lenses) at(view string) *lens {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lens == nil {
		l.lens = map[string]*lens{}
	}
	if l.lens[view] == nil {
		l.lens[view] = newLens()
	}
	return l.lens[view]
}

func (l *lenses) options() stream.CameraOptions {
	return stream.CameraOptions{
		Views: func() []media.View { return l.views },
		Watch: func(ctx context.Context, view string, sound bool, out func(*media.Unit)) error {
			lens := l.at(view)
			l.mu.Lock()
			l.sound = append(l.sound, sound)
			l.mu.Unlock()
			return lens.watch(ctx, out)
		},
		Refresh: func(_ context.Context, view string) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.asked = append(l.asked, view)
			return nil
		},
	}
}

func TestTheViewThatFits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lenses{}
		c := stream.NewCamera(l.options())
		defer c.Close()
		if c.Nearest(640, 360) != c.Main() || len(c.Smaller()) != 0 {
			t.Error("a camera that has not answered has more than one view")
		}
		l.views = []media.View{
			{ID: "new", Codec: media.H265, Width: 3840, Height: 2160}, {ID: "main", Codec: media.H264, Width: 1920, Height: 1080},
			{ID: "sub", Codec: media.H264, Width: 640, Height: 360}, {ID: "tiny", Codec: media.H264, Width: 320, Height: 180},
		}
		for _, ask := range []struct {
			width, height int
			want          string
		}{{1920, 1080, "main"}, {4000, 3000, "main"}, {1280, 720, "sub"}, {640, 480, "sub"}, {320, 240, "tiny"}, {160, 120, "tiny"}} {
			v := c.Nearest(ask.width, ask.height).View(t.Context())
			synctest.Wait()
			l.at(ask.want).send(0, 0)
			expect(t, v, 0, 0)
			v.Close()
			<-time.After(time.Minute)
			synctest.Wait()
		}
		if s := c.Smaller(); len(s) != 2 || s[0].Width != 640 || s[1].Width != 320 {
			t.Errorf("smaller views: %+v", s)
		}
		if l.at("new").opened != 0 {
			t.Error("H.265 was asked for")
		}
	})
}

func TestPauseIsForEveryView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lenses{views: []media.View{{ID: "main", Width: 1920, Height: 1080}, {ID: "sub", Width: 640, Height: 360}}}
		heard := false
		o := l.options()
		o.Sound = func() bool { return heard }
		c := stream.NewCamera(o)
		defer c.Close()
		a, b := c.Main().View(t.Context()), c.Nearest(640, 360).View(t.Context())
		defer a.Close()
		defer b.Close()
		synctest.Wait()
		if !l.at("main").open || !l.at("sub").open {
			t.Fatal("two views are two connections")
		}
		c.Pause(true)
		synctest.Wait()
		if l.at("main").open || l.at("sub").open {
			t.Error("a view is still connected")
		}
		l.views = append(l.views, media.View{ID: "late", Width: 320, Height: 180})
		v := c.Nearest(320, 180).View(t.Context())
		defer v.Close()
		synctest.Wait()
		if l.at("late").open {
			t.Error("a view that came later is not paused")
		}
		c.Pause(false)
		synctest.Wait()
		if !l.at("main").open || !l.at("sub").open || !l.at("late").open {
			t.Error("the views do not come back")
		}
		heard = true
		c.Reconnect()
		synctest.Wait()
		if n := len(l.sound); n != 8 || slices.Contains(l.sound[:5], true) || slices.Contains(l.sound[5:], false) {
			t.Errorf("sound was asked for as %v", l.sound)
		}
	})
}

func TestALongGOPIsNotReplayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		var answer error
		l := newLens()
		s := stream.New(l.watch, stream.Options{Refresh: func(context.Context) error { asked++; return answer }})
		defer s.Close()
		first := s.View(t.Context())
		defer first.Close()
		synctest.Wait()
		long := func(from int) { // from is key, and 39 more are not: 4 s
			for n := from; n < from+40; n++ {
				u := unit(n)
				u.Key = n == from
				l.out(u)
			}
		}
		long(0)
		late := s.View(t.Context())
		defer late.Close()
		expect(t, late, 0, 0)
		synctest.Wait()
		if u, err := next(late, 300*time.Millisecond); err == nil {
			t.Errorf("picture %d came before a new key picture could", number(u))
		}
		l.send(100, 101) // the key picture that was asked for
		expect(t, late, 100, 101)
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
		long(200)
		patient := s.View(t.Context())
		defer patient.Close()
		expect(t, patient, 200, 200)
		expect(t, patient, 201, 239) // none came in half a second
		answer = context.DeadlineExceeded
		third := s.View(t.Context())
		third.Close()
		synctest.Wait()
		at := time.Now()
		fourth := s.View(t.Context()) // it refused once
		defer fourth.Close()
		expect(t, fourth, 200, 239)
		if waited := time.Since(at); waited > 0 {
			t.Errorf("it waited %v for what never comes", waited)
		}
	})
}

func next(v *stream.Viewer, d time.Duration) (*media.Unit, error) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return v.Next(ctx)
}

func TestACameraThatBeginsInTheMiddleIsAskedForAKeyPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		l := newLens()
		s := stream.New(l.watch, stream.Options{Refresh: func(context.Context) error { asked++; return nil }})
		defer s.Close()
		v := s.View(t.Context())
		defer v.Close()
		synctest.Wait()
		l.send(3, 9)
		synctest.Wait()
		l.send(10, 12)
		expect(t, v, 10, 12)
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
	})
}

func TestACameraThatHasJustGoneIsCalledOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLens()
		s := stream.New(l.watch, stream.Options{})
		defer s.Close()
		v := s.View(t.Context())
		defer v.Close()
		synctest.Wait()
		l.send(0, 0)
		lost := time.Now()
		last := lost
		for time.Since(lost) < 5*time.Minute {
			l.fail <- context.DeadlineExceeded
			if pause := time.Since(last); time.Since(lost) < 2*time.Minute && pause > 4*time.Second {
				t.Errorf("it was not called for %v, %v after it went", pause, time.Since(lost))
			}
			last = time.Now()
		}
		if l.opened > 60 {
			t.Errorf("called %d times in five minutes", l.opened)
		}
	})
}

func TestRetryIsForASourceThatGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLens()
		s := stream.New(l.watch, stream.Options{GiveUp: func(error) bool { return true }})
		defer s.Close()
		v := s.View(t.Context())
		defer v.Close()
		synctest.Wait()
		l.fail <- context.DeadlineExceeded
		synctest.Wait()
		if s.Barred() == nil || l.opened != 1 {
			t.Fatalf("barred: %v after %d calls", s.Barred(), l.opened)
		}
		s.Retry()
		synctest.Wait()
		l.send(0, 1)
		expect(t, v, 0, 1)
		if s.Barred() != nil || l.opened != 2 {
			t.Errorf("barred: %v after %d calls", s.Barred(), l.opened)
		}
	})
}

// TestViewsThatAreNamedAnew: a camera that gives its views other names in each session does not fill the
// memory; what somebody watches stays.
func TestViewsThatAreNamedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lenses{}
		c := stream.NewCamera(l.options())
		defer c.Close()
		var sources []*stream.Source
		for n := range 50 {
			name := "sub-" + strconv.Itoa(n)
			l.views = []media.View{{ID: "main", Codec: media.H264, Width: 1920, Height: 1080}, {ID: name, Codec: media.H264, Width: 640, Height: 360}}
			s := c.Nearest(640, 360)
			if sources = append(sources, s); n == 0 {
				v := s.View(t.Context())
				defer v.Close()
			}
		}
		open := 0
		for _, s := range sources {
			if s.Barred() == nil {
				open++
			}
		}
		if open > 20 || sources[0].Barred() != nil || sources[49].Barred() != nil || c.Nearest(640, 360) != sources[49] {
			t.Errorf("%d are open, the first says %v", open, sources[0].Barred())
		}
	})
}
