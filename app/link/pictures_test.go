package link_test

import (
	"context"
	"image"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/frames"
	"github.com/ingle-home/ingle/hub/api/wire"
)

func TestPicturesOfWhatIsOnView(t *testing.T) {
	h := apitest.New(wire.Open)
	p := link.NewPictures(h, 160, 90)
	ctx, cancel := context.WithCancel(t.Context())
	pictures := make(chan map[string]link.Picture, 64)
	var done sync.WaitGroup
	done.Go(func() { p.Run(ctx, func(newest map[string]link.Picture) { pictures <- newest }) })
	p.Want([]string{apitest.Camera}, true)
	for range 2 {
		got := <-pictures
		m := got[apitest.Camera]
		if len(got) != 1 || m.Image == nil || m.Image.Bounds().Dx() != 160 || m.Image.Stride != 4*160 || time.Since(m.At) > time.Minute {
			t.Errorf("shown: %v", got)
		}
	}
	p.Want([]string{apitest.Toy}, false)
	for {
		if m, ok := (<-pictures)[apitest.Toy]; ok {
			if m.Image != nil {
				t.Error("a toy has a picture")
			}
			break
		}
	}
	cancel()
	done.Wait()
}

// many are cameras that begin one after the other.
type many struct {
	jpeg []byte
	mu   sync.Mutex
	n    int
}

func (m *many) Still(context.Context, string, int, int) (wire.Still, error) {
	return wire.Still{JPEG: m.jpeg, At: time.Now()}, nil
}

func (m *many) Frames(ctx context.Context, _ string, l wire.Look, put func(frames.Frame) error) error {
	m.mu.Lock()
	m.n++
	wait := time.NewTimer(time.Duration(m.n) * 37 * time.Millisecond)
	m.mu.Unlock()
	for {
		select {
		case <-wait.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := put(frames.Frame{JPEG: m.jpeg}); err != nil {
			return err
		}
		wait.Reset(time.Second / time.Duration(l.Rate))
	}
}

// A window that shows four cameras is painted for all of them at once; of one camera, every picture is
// shown, and while the window is busy the newest waits alone.
func TestPicturesAreShownTogether(t *testing.T) {
	still, err := apitest.New(wire.Open).Still(t.Context(), apitest.Camera, 64, 36)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cameras           []string
		live              bool
		busy              time.Duration // of the window, with what it is given
		batches, pictures [2]int        // in ten seconds
	}{
		"four in tiles":      {[]string{"a", "b", "c", "d"}, false, 0, [2]int{40, 51}, [2]int{150, 164}},
		"one looked at":      {[]string{"a"}, true, 0, [2]int{148, 151}, [2]int{148, 151}},
		"in a window, slow":  {[]string{"a"}, true, 500 * time.Millisecond, [2]int{18, 21}, [2]int{18, 21}},
		"and nothing on one": {nil, false, 0, [2]int{0, 0}, [2]int{0, 0}},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := link.NewPictures(&many{jpeg: still.JPEG}, 64, 36)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			batches, pictures := 0, 0
			p.Want(c.cameras, c.live)
			p.Run(ctx, func(newest map[string]link.Picture) {
				batches++
				for _, m := range newest {
					pictures++
					if m.Image == nil || m.Image.Bounds() != image.Rect(0, 0, 64, 36) {
						t.Errorf("%s: a picture of %v", name, m.Image)
					}
				}
				<-time.After(c.busy)
			})
			for what, n := range map[string][3]int{"batches": {batches, c.batches[0], c.batches[1]}, "pictures": {pictures, c.pictures[0], c.pictures[1]}} {
				if n[0] < n[1] || n[0] > n[2] {
					t.Errorf("%s: %d %s in ten seconds, not %d to %d", name, n[0], what, n[1], n[2])
				}
			}
		})
	}
}
