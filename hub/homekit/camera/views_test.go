package camera_test

import (
	"context"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
	"github.com/ingle-home/ingle/hub/homekit/camera"
	"github.com/ingle-home/ingle/hub/stream"
)

// lens is a view whose pictures bear a mark, 30 a second in real time, with a clock of its own.
func lens(t *testing.T, mark byte, width, height int, clock time.Duration) *stream.Source {
	t.Helper()
	track := &media.Track{Codec: media.H264, SPS: []byte{0x67, 1, 2}, PPS: []byte{0x68, 1}, Width: width, Height: height}
	s := stream.New(func(ctx context.Context, out func(*media.Unit)) error {
		tick := time.NewTicker(time.Second / 30)
		defer tick.Stop()
		begin := time.Now()
		for n := 0; ; n++ {
			u := &media.Unit{Track: track, NALs: [][]byte{{0x41, mark}}, Key: n%15 == 0, At: time.Now()}
			if u.Key {
				u.NALs[0][0] = 0x65
			}
			u.PTS = clock + u.At.Sub(begin)
			out(u)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}, stream.Options{})
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func smaller(s *stream.Source) func() []stream.View {
	return func() []stream.View { return []stream.View{{Source: s, Width: 640, Height: 360}} }
}

// sized is a selection that asks for pictures of a size.
func (w wish) sized(command byte, width, height uint16) []byte {
	size := haptest.Pack(haptest.Field{Type: 1, Value: two(width)}, haptest.Field{Type: 2, Value: two(height)}, haptest.Field{Type: 3, Value: []byte{30}})
	control := haptest.Field{Type: 1, Value: haptest.Pack(haptest.Field{Type: 1, Value: []byte(w.id)}, haptest.Field{Type: 2, Value: []byte{command}})}
	video := []haptest.Field{{Type: 1, Value: []byte{0}}, {Type: 3, Value: size}}
	if command == start {
		video = append(video, haptest.Field{Type: 4, Value: haptest.Pack(haptest.Field{Type: 1, Value: []byte{99}}, haptest.Field{Type: 2, Value: four(ownSSRC)})})
	}
	return haptest.Pack(control, haptest.Field{Type: 2, Value: haptest.Pack(video...)})
}

// mark says which view a picture is of.
func (p picture) mark() byte { return p.nals[len(p.nals)-1][1] }

func TestAViewerGetsTheViewThatSuitsIt(t *testing.T) {
	t.Parallel()
	const large, small = 1, 2
	main, sub := lens(t, large, 1920, 1080, time.Hour), lens(t, small, 640, 360, 0)
	c := camera.New(camera.Options{Source: main, Smaller: smaller(sub)})
	t.Cleanup(c.Close)
	s := &stage{t, main, c.Services()[0]}
	r := newReceiver(t, v4, 7)
	s.write(caller(1), "118", r.wish.setup(r.port()), hap.StatusOK)
	r.accept(s.reads(caller(1), 7, ok))
	s.write(caller(1), "117", r.wish.sized(start, 320, 240), hap.StatusOK)
	from := 0
	for _, step := range []struct {
		width, height uint16
		mark          byte
	}{{320, 240, small}, {1920, 1080, large}, {1280, 720, small}, {1280, 960, large}, {640, 480, small}} {
		s.write(caller(1), "117", r.wish.sized(reconfigure, step.width, step.height), hap.StatusOK)
		until(t, "pictures of another view", func() bool {
			n := r.seen()
			return n > from+10 && r.look(n - 1)[0].mark() == step.mark
		})
		from = r.seen()
	}
	all := r.look(0)
	if all[0].mark() != small {
		t.Error("the first picture is too large")
	}
	changes := 0
	for i := 1; i < len(all); i++ {
		passed := int32(all[i].timestamp - all[i-1].timestamp)
		arrived := int32(all[i].at.Sub(all[i-1].at).Seconds() * 90_000)
		if passed <= 0 || passed > 90_000*10 || i > 20 && (passed-arrived > 90_000*5 || arrived-passed > 90_000*5) {
			t.Errorf("picture %d of %d comes %d ticks after one of %d, and %d by the clock on the wall", i, all[i].mark(), passed, all[i-1].mark(), arrived)
		}
		if all[i].mark() != all[i-1].mark() {
			if changes++; all[i].has(5) < 0 || all[i].has(7) < 0 {
				t.Errorf("view %d begins without a key frame", all[i].mark())
			}
		}
	}
	if changes != 4 {
		t.Errorf("%d changes", changes)
	}
	s.choose(caller(1), 7, end, hap.StatusOK)
}

// A view that gives nothing does not take the picture away.
func TestAViewThatNeverComes(t *testing.T) {
	t.Parallel()
	main, sub := lens(t, 1, 1920, 1080, 0), stream.New(dark, stream.Options{})
	t.Cleanup(func() { _ = sub.Close() })
	c := camera.New(camera.Options{Source: main, Smaller: smaller(sub)})
	t.Cleanup(c.Close)
	s := &stage{t, main, c.Services()[0]}
	r := newReceiver(t, v4, 7)
	s.write(caller(1), "118", r.wish.setup(r.port()), hap.StatusOK)
	r.accept(s.reads(caller(1), 7, ok))
	s.write(caller(1), "117", r.wish.sized(start, 1920, 1080), hap.StatusOK)
	until(t, "pictures", func() bool { return r.seen() > 5 })
	s.write(caller(1), "117", r.wish.sized(reconfigure, 320, 240), hap.StatusOK)
	before := r.seen()
	until(t, "pictures go on", func() bool { return r.seen() > before+30 })
	s.choose(caller(1), 7, suspend, hap.StatusOK)
	s.choose(caller(1), 7, end, hap.StatusOK)
	until(t, "the other view is let go", func() bool { return sub.Stats().Viewers == 0 })
}
