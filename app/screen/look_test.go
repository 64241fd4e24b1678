package screen_test

import (
	"context"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/frames"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// watched are a hub's cameras, and how often they are asked for pictures.
type watched struct {
	link.Eyes
	asked, running atomic.Int32
}

func (w *watched) Still(ctx context.Context, id string, width, height int) (wire.Still, error) {
	w.asked.Add(1)
	return w.Eyes.Still(ctx, id, width, height)
}

func (w *watched) Frames(ctx context.Context, id string, l wire.Look, put func(frames.Frame) error) error {
	w.asked.Add(1)
	w.running.Add(1)
	defer w.running.Add(-1)
	return w.Eyes.Frames(ctx, id, l, put)
}

// looking fetches what the window wants to see until the test ends.
func looking(t *testing.T, h *house) (*watched, <-chan map[string]link.Picture) {
	t.Helper()
	w := &watched{Eyes: h.Home}
	p := link.NewPictures(w, 640, 360)
	h.want = p.Want
	ctx, cancel := context.WithCancel(context.Background())
	came := make(chan map[string]link.Picture)
	var done sync.WaitGroup
	done.Go(func() {
		p.Run(ctx, func(newest map[string]link.Picture) {
			select {
			case came <- newest:
			case <-ctx.Done():
			}
		})
	})
	t.Cleanup(func() { cancel(); done.Wait() })
	return w, came
}

func TestAHiddenPageAsksForNoPicture(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.visit(model.AtDevices, "")
	w, came := looking(t, h)
	for name, leave := range map[string]func(){
		"another page":       func() { h.visit(model.AtDevices, "") },
		"a window in a tray": func() { h.s.Rest(true) },
	} {
		h.s.Rest(false)
		h.visit(model.AtHome, "")
		h.s.Pictures(<-came)
		leave()
		quiet := time.NewTicker(10 * time.Millisecond)
		for w.running.Load() > 0 {
			select {
			case <-quiet.C:
			case <-came: // was on its way
			}
		}
		asked := w.asked.Load()
		for range 30 { // longer than a tile's picture lasts
			select {
			case <-quiet.C:
			case <-came:
			}
		}
		quiet.Stop()
		if n := w.asked.Load() - asked; n != 0 || w.running.Load() != 0 {
			t.Errorf("%s: %d pictures are asked for while nobody looks", name, n)
		}
	}
}

// With INGLE_SOAK=60s it looks for a minute; as a rule, for as long as shows a leak of every picture: one is
// 0.9 MB.
func TestALongLookTakesNoMemory(t *testing.T) {
	const limit = 20 << 20
	span := 4 * time.Second
	if s := os.Getenv("INGLE_SOAK"); s != "" {
		var err error
		if span, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	h := open(t, wire.Open, "en", desktop)
	_, came := looking(t, h)
	h.visit(model.AtCamera, apitest.Camera)
	show := func() {
		h.s.Pictures(<-came)
		h.w.Canvas().Capture()
	}
	for range 5 {
		show()
	}
	if m := find(h, first[*parts.Picture]).Image(); m == nil || m.Bounds().Dx() != 640 {
		t.Fatal("the picture is not shown")
	}
	before, n := memory(), 0
	for began := time.Now(); time.Since(began) < span || n < 30; n++ {
		show()
	}
	grown := memory() - before
	t.Logf("%d pictures, %d kB more", n, grown>>10)
	if grown > limit {
		t.Errorf("after %d pictures the app has %d MB more", n, grown>>20)
	}
}

// memory is what is reachable.
func memory() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
