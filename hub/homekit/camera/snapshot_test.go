package camera_test

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/stream"
)

func TestSnapshots(t *testing.T) {
	t.Parallel()
	porch := newPorch(t, v4)
	p := porch.phone()
	for _, size := range [][2]int{{640, 360}, {320, 240}} {
		body := fmt.Sprintf(`{"resource-type":"image","image-width":%d,"image-height":%d,"reason":1}`, size[0], size[1])
		picture, err := jpeg.Decode(bytes.NewReader(p.do("POST", "/resource", body, 200)))
		if err != nil {
			t.Fatal(err)
		}
		if at := picture.Bounds().Size(); at.X != size[0] || at.Y != size[1] {
			t.Errorf("a picture of %v, want %v", at, size)
		}
	}
	_ = porch.source.Close()
	if got := p.do("POST", "/resource", `{"resource-type":"image","image-width":640,"image-height":480}`, 207); !bytes.Contains(got, []byte("-70402")) {
		t.Errorf("a camera that is gone gives %s", got)
	}
	until(t, "unavailable", func() bool { return porch.status(0) == unavailable })
}

// counted is ffmpeg, and how often it ran.
func counted(t *testing.T) (program string, runs func() int) {
	t.Helper()
	dir := t.TempDir()
	program, log := filepath.Join(dir, "ffmpeg"), filepath.Join(dir, "runs")
	script := fmt.Sprintf("#!/bin/sh\necho run >> '%s'\nexec ffmpeg \"$@\"\n", log)
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return program, func() int {
		b, err := os.ReadFile(log)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return bytes.Count(b, []byte("run"))
	}
}

// Ten controllers that ask at once cause one call of the camera and one picture, of which all get a
// copy; who asks a moment later gets it too.
func TestCheck22TenControllersCauseOnePicture(t *testing.T) {
	t.Parallel()
	program, runs := counted(t)
	porch := newPorchWith(t, v4, stream.Options{FFmpeg: program})
	var phones []*phone
	for range 10 {
		phones = append(phones, porch.phone())
	}
	opened := porch.state().Describes // the driver has looked at the camera
	pictures := make([][]byte, len(phones))
	begin := time.Now()
	var asking sync.WaitGroup
	for i, p := range phones {
		asking.Go(func() {
			status, body, err := p.client.Do("POST", "/resource", []byte(still(320, 240)))
			if err != nil || status != 200 {
				t.Errorf("controller %d: %d %s %v", i, status, body, err)
			}
			pictures[i] = body
		})
	}
	asking.Wait()
	took := time.Since(begin)
	t.Logf("ten pictures after %v", took)
	for i, p := range pictures {
		if took < 4*time.Second && !bytes.Equal(p, pictures[0]) {
			t.Errorf("controller %d got another picture", i)
		}
	}
	if n := runs(); took < 4*time.Second && n != 1 {
		t.Errorf("%d pictures were made", n)
	}
	if s := porch.state(); s.Describes != opened+1 || s.Players != 1 {
		t.Errorf("the camera was called %d times, by %d", s.Describes-opened, s.Players)
	}
	phones[0].do("POST", "/resource", still(640, 360), 200) // another size is another picture, of the same line
	if s := porch.state(); runs() != 2 && took < 4*time.Second || s.Describes != opened+1 {
		t.Errorf("%d pictures after another size, %d calls", runs(), s.Describes-opened)
	}
}

// A picture takes 2 s at most where the camera must be called first, and 150 ms where there is one;
// of a few tries, for machines that stand still now and then.
func TestCheck22SnapshotTimes(t *testing.T) {
	t.Parallel()
	p := newPorch(t, v4).phone()
	best := func(tries int, within time.Duration, before func()) time.Duration {
		least := time.Hour
		for range tries {
			before()
			begin := time.Now()
			p.do("POST", "/resource", still(640, 360), 200)
			if least = min(least, time.Since(begin)); least <= within {
				break
			}
		}
		return least
	}
	const fresh, cached = 2 * time.Second, 150 * time.Millisecond
	cold := best(4, fresh, func() { p.source.Pause(true); p.source.Pause(false) })
	kept := best(4, cached, func() {})
	t.Logf("a picture takes %v, a cached one %v", cold, kept)
	if cold > fresh || kept > cached {
		t.Errorf("a picture takes %v, a cached one %v", cold, kept)
	}
}

// Privacy wipes the pictures: what is shown after it was taken after it.
func TestCheck22PrivacyWipesSnapshots(t *testing.T) {
	t.Parallel()
	program, runs := counted(t)
	p := newPorchWith(t, v4, stream.Options{FFmpeg: program}).phone()
	p.do("POST", "/resource", still(320, 240), 200)
	p.source.Pause(true)
	if got := p.do("POST", "/resource", still(320, 240), 207); !bytes.Contains(got, []byte("-70412")) {
		t.Errorf("under Privacy, a snapshot gives %s", got)
	}
	until(t, "the camera's line is closed", func() bool { return p.state().Connections == 0 })
	calls, made := p.state().Describes, runs()
	p.source.Pause(false)
	p.do("POST", "/resource", still(320, 240), 200)
	if s := p.state(); s.Describes != calls+1 || runs() != made+1 {
		t.Errorf("after Privacy, %d calls and %d pictures", s.Describes-calls, runs()-made)
	}
}
