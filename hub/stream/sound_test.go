package stream_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/stream"
)

var microphone = &media.Track{Codec: media.PCMU, ClockRate: 8000, Channels: 1}

// sounded makes the sound after picture number n. A driver's mistake, a key unit of sound, is harmless.
func sounded(n int) *media.Unit {
	return &media.Unit{
		Track: microphone, Sound: []byte{byte(n)}, Key: true,
		PTS: time.Duration(n)*100*time.Millisecond + 50*time.Millisecond, At: time.Now(),
	}
}

func (l *lens) sendBoth(from, to int) {
	for n := from; n <= to; n++ {
		l.out(unit(n))
		l.out(sounded(n))
	}
}

// took gives what a viewer has now: numbers of pictures, and of sounds from 1000 on.
func took(t *testing.T, v *stream.Viewer, count int) []int {
	t.Helper()
	var list []int
	for range count {
		u, err := v.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if u.Sound != nil {
			list = append(list, 1000+int(u.Sound[0]))
		} else {
			list = append(list, number(u))
		}
	}
	return list
}

func TestSoundComesBetweenThePictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLens()
		s := stream.New(l.watch, stream.Options{})
		defer s.Close()
		a := s.View(t.Context())
		defer a.Close()
		synctest.Wait()
		l.out(sounded(8))
		l.sendBoth(9, 11) // all before picture 10 is of no use
		b := s.View(t.Context())
		defer b.Close()
		l.sendBoth(12, 12)
		for _, v := range []*stream.Viewer{a, b} {
			got := took(t, v, 6)
			for i, want := range []int{10, 1010, 11, 1011, 12, 1012} {
				if got[i] != want {
					t.Fatalf("%v", got)
				}
			}
		}
		if w, h := s.Size(); w != 640 || h != 360 || s.Track().Codec != media.H264 {
			t.Errorf("the track is %+v", s.Track())
		}
		if key, err := s.KeyFrame(t.Context()); err != nil || number(key) != 10 {
			t.Errorf("the key frame is %v, %v", key, err)
		}
	})
}

func TestASlowViewerLosesItsSoundFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLens()
		s := stream.New(l.watch, stream.Options{Ring: 6})
		defer s.Close()
		v := s.View(t.Context())
		defer v.Close()
		synctest.Wait()
		l.sendBoth(10, 15) // 10–12 with their sounds fill the ring; the sounds go for 13–15
		got := took(t, v, 6)
		for i, want := range []int{10, 11, 12, 13, 14, 15} {
			if got[i] != want {
				t.Fatalf("%v", got)
			}
		}
		if v.Dropped() == 0 {
			t.Error("nothing was lost")
		}
		l.sendBoth(16, 18) // 16–18 with their sounds
		l.sendBoth(19, 24) // too much: what is left begins at a key unit
		if got := took(t, v, 1); got[0] != 20 {
			t.Errorf("goes on with %v", got)
		}
	})
}
