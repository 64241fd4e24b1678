package sound

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

func newSpeech(t *testing.T) *Speech {
	t.Helper()
	s, err := NewSpeech()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// talk pushes packets of a viewer in real time, but those that lost names.
func talk(t *testing.T, s *Speech, frame time.Duration, count int, lost func(int) bool) {
	t.Helper()
	for i, u := range fromCamera(t, 16000, frame, 24_000, count) {
		if lost == nil || !lost(i) {
			if err := s.Push(uint16(65500+i), u.Sound); err != nil {
				t.Error(err)
			}
		}
		<-time.After(frame)
	}
}

// hear takes frames until the speech ends.
func hear(t *testing.T, s *Speech) (pcm []int16, at []time.Time) {
	t.Helper()
	for {
		frame, err := s.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return pcm, at
		}
		if err != nil || len(frame) != frameSamples {
			t.Fatalf("%d bytes, %v", len(frame), err)
		}
		at = append(at, time.Now())
		for _, b := range frame {
			pcm = append(pcm, fromULaw(b))
		}
	}
}

func TestSpeechComesOutSteady(t *testing.T) {
	for _, frame := range []time.Duration{20 * ms, 40 * ms, 60 * ms} {
		synctest.Test(t, func(t *testing.T) {
			s := newSpeech(t)
			begin := time.Now()
			count := int(3 * time.Second / frame)
			go talk(t, s, frame, count, nil)
			pcm, at := hear(t, s)
			if n := len(at); n < 145 || n > 150 {
				t.Errorf("%v: %d frames of 150", frame, n)
			}
			for i := 1; i < len(at)-10; i++ { // the last come one by one, as nothing follows
				if step := at[i].Sub(at[i-1]); step != frameTime {
					t.Fatalf("%v: frame %d comes %v after the one before", frame, i, step)
				}
			}
			if first := at[0].Sub(begin); first > 130*ms {
				t.Errorf("%v: the first frame comes after %v", frame, first)
			}
			if db := purity(pcm[4000:len(pcm)-1000], 440, talkRate); db < 15 {
				t.Errorf("%v: %.0f dB", frame, db)
			}
			if took := time.Since(begin); took > 9*time.Second {
				t.Errorf("%v: the end is heard after %v", frame, took)
			}
		})
	}
}

func TestSpeechThatIsLostOrOutOfOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSpeech(t)
		go talk(t, s, 20*ms, 150, func(i int) bool { return i%10 == 5 })
		if _, at := hear(t, s); len(at) < 145 {
			t.Errorf("%d frames of 150, every tenth packet lost", len(at))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newSpeech(t)
		units := fromCamera(t, 16000, 20*ms, 24_000, 8)
		for _, i := range []int{0, 2, 1, 1, 4, 3, 2, 0, 6, 5, 7} {
			if err := s.Push(uint16(i), units[i].Sound); err != nil {
				t.Error(err)
			}
		}
		if pcm, at := hear(t, s); len(at) != 8 || purity(pcm[480:], 440, talkRate) < 10 {
			t.Errorf("%d frames of 8, %.0f dB", len(at), purity(pcm[480:], 440, talkRate))
		}
	})
}

func TestSpeechNeverPilesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSpeech(t)
		units := fromCamera(t, 16000, 20*ms, 24_000, 200)
		for i, u := range units {
			if err := s.Push(uint16(i), u.Sound); err != nil {
				t.Error(err)
			}
		}
		if _, at := hear(t, s); len(at) > int(mostSpeech/frameTime) {
			t.Errorf("%d frames wait", len(at))
		}
	})
}

func TestSpeechThatIsNoOpus(t *testing.T) {
	s := newSpeech(t)
	for _, raw := range [][]byte{nil, {0x49, 1, 2, 3}, {0x4b, 0}} {
		if err := s.Push(1, raw); err == nil {
			t.Errorf("% x is taken", raw)
		}
	}
	// A valid packet whose frames are nonsense must do no harm.
	for i := range uint16(20) {
		if err := s.Push(i, []byte{0x48, byte(i), 0xff, 0xfe, 0xfd}); err != nil {
			t.Error(err)
		}
	}
	for range 10 {
		if _, err := s.Next(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestNextEnds(t *testing.T) {
	s := newSpeech(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	s.Close()
	if _, err := s.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	s.Close()
}
