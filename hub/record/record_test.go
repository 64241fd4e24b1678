package record_test

import (
	"bytes"
	"errors"
	"image/jpeg"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/record"
)

// A clip has the seconds before somebody rang and those after, every picture of them, and a picture of
// its own.
func TestAClipBeginsBeforeTheBell(t *testing.T) {
	t.Parallel()
	s := film(t, record.Options{Post: 2 * time.Second})
	s.flows(t, 6*fps)
	rang := time.Now()
	s.Trigger(record.Doorbell)
	c := s.clip(t, 1)
	before := rang.Sub(c.At)
	t.Logf("%v before the bell, %v in all, %d pictures, %d bytes", before, c.Lasts, c.Frames, c.Size)
	if before < 4*time.Second || before > 10*time.Second {
		t.Errorf("%v before the bell", before)
	}
	if after := c.Lasts - before; after < 1500*time.Millisecond {
		t.Errorf("%v after the bell", after)
	}
	if c.Why != record.Doorbell || c.State != record.Whole || c.Gaps != 0 || c.Width != 640 || c.Sound {
		t.Errorf("%+v", c)
	}
	p := probe(t, s.shelf.export(t, c.ID))
	if n := p.frames(t, 0); n != c.Frames || len(p.Streams) != 1 || p.Streams[0].Codec != "h264" {
		t.Errorf("ffprobe counts %d pictures of %d: %+v", n, c.Frames, p.Streams)
	}
	if want := int(c.Lasts.Seconds() * fps); c.Frames < want-2 || c.Frames > want+2 {
		t.Errorf("%d pictures in %v", c.Frames, c.Lasts)
	}
	still, err := s.shelf.Still(t.Context(), c.ID)
	must(t, err)
	img, err := jpeg.Decode(bytes.NewReader(still))
	must(t, err)
	if at := img.Bounds().Size(); at.X != 320 || at.Y != 180 {
		t.Errorf("a still of %v", at)
	}
}

// Two events whose times overlap make one clip; motion is recorded for as long as it lasts.
func TestEventsThatOverlapMakeOneClip(t *testing.T) {
	t.Parallel()
	s := film(t, record.Options{Post: time.Second})
	s.flows(t, fps)
	s.Hold(record.Motion, true)
	s.flows(t, 2*fps) // longer than the time after
	s.Trigger(record.Doorbell)
	s.Hold(record.Motion, false)
	s.flows(t, fps/3)
	s.Trigger(record.ByHand)
	c := s.clip(t, 1)
	if c.Lasts < 3*time.Second || c.Why != record.Motion {
		t.Errorf("%+v", c)
	}
	s.Trigger(record.ByHand)
	s.clip(t, 2)
	whys := map[record.Why]int{} // the time before both may be the same
	for _, c := range s.shelf.List("porch") {
		whys[c.Why]++
	}
	if whys[record.Motion] != 1 || whys[record.ByHand] != 1 {
		t.Errorf("%v", whys)
	}
}

// What lasts longer than a clip goes on in the next one without a gap.
func TestLongEventsGoOnInTheNextClip(t *testing.T) {
	t.Parallel()
	s := film(t, record.Options{Post: time.Second, Longest: 4 * time.Second})
	s.Hold(record.Motion, true)
	s.flows(t, 9*fps)
	s.Hold(record.Motion, false)
	eventually(t, "end", func() bool { return !s.Recording() })
	newest := s.clip(t, len(s.shelf.List("porch")))
	list := s.shelf.List("porch")
	if len(list) < 2 || list[0].ID != newest.ID {
		t.Fatalf("%+v", list)
	}
	for i := range list[1:] {
		ended := list[i+1].At.Add(list[i+1].Lasts)
		if apart := list[i].At.Sub(ended); apart.Abs() > 800*time.Millisecond { // less than from key to key; a busy machine shifts arrivals
			t.Errorf("a gap of %v", apart)
		}
		probe(t, s.shelf.export(t, list[i].ID))
	}
}

// Privacy ends a clip at once, wipes what was held in memory, and lets nothing begin.
func TestPrivacyEndsTheClip(t *testing.T) {
	t.Parallel()
	s := film(t, record.Options{Post: time.Minute})
	s.flows(t, 5*fps)
	s.Hold(record.Motion, true)
	s.flows(t, fps)
	s.source.Pause(true)
	dark := time.Now()
	c := s.clip(t, 1)
	if over := c.At.Add(c.Lasts).Sub(dark); over > 200*time.Millisecond || c.State != record.Whole {
		t.Errorf("recorded for %v of privacy: %+v", over, c)
	}
	if n := probe(t, s.shelf.export(t, c.ID)).frames(t, 0); n != c.Frames {
		t.Errorf("%d pictures of %d", n, c.Frames)
	}
	s.Trigger(record.Doorbell)
	s.Hold(record.Motion, true)
	s.source.Pause(false)
	light := time.Now()
	s.flows(t, fps)
	if len(s.shelf.List("")) != 1 || s.Recording() {
		t.Error("what happened in privacy is recorded")
	}
	s.Trigger(record.ByHand)
	s.flows(t, fps)
	s.Wipe()
	if c = s.clip(t, 2); c.At.Before(light.Add(-200 * time.Millisecond)) {
		t.Errorf("a clip begins %v before privacy ended", light.Sub(c.At))
	}
}

// A camera that goes away and comes back leaves a gap in the clip, and the clip plays.
func TestAGapIsMarked(t *testing.T) {
	t.Parallel()
	s := film(t, record.Options{Post: 5 * time.Second})
	s.flows(t, 2*fps)
	s.Trigger(record.Motion)
	s.flows(t, fps)
	must(t, s.camera.Do(t.Context(), "drop", nil))
	c := s.clip(t, 1)
	if c.Gaps != 1 {
		t.Errorf("%d gaps in %+v", c.Gaps, c)
	}
	if n := probe(t, s.shelf.export(t, c.ID)).frames(t, 0); n != c.Frames {
		t.Errorf("%d pictures of %d", n, c.Frames)
	}
}

// Any place of a clip is found at once, and what stands there plays after the head.
func TestSeek(t *testing.T) {
	t.Parallel()
	s := film(t, record.Options{Post: 3 * time.Second})
	s.flows(t, 5*fps)
	s.Trigger(record.Motion)
	c := s.clip(t, 1)
	begin := time.Now()
	r, err := s.shelf.Open(t.Context(), c.ID)
	must(t, err)
	offset, at := r.At(5 * time.Second)
	part := make([]byte, 64<<10)
	_, err = r.ReadAt(part, offset)
	took := time.Since(begin)
	must(t, errors.Join(err, r.Close()))
	t.Logf("found %v at %d in %v", at, offset, took)
	if string(part[4:8]) != "moof" || at > 5*time.Second || at < time.Second || offset <= r.Head() {
		t.Errorf("%q at %v, %d", part[4:8], at, offset)
	}
	if took > 2*time.Second { // 200 ms is the demand; this machine is busy
		t.Errorf("it took %v", took)
	}
}
