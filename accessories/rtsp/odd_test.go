package rtsp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/rtsp"
	"github.com/ingle-home/ingle/accessories/rtsp/sim"
)

// pull gives a camera's first n units, sound among them where it is asked for.
func pull(ctx context.Context, c device.Config, view string, sound bool, n int) ([]*media.Unit, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	session, err := rtsp.New().Open(ctx, c)
	if err != nil {
		return nil, err
	}
	var units []*media.Unit
	err = session.(device.Viewable).Watch(ctx, view, sound, func(u *media.Unit) {
		if units = append(units, u); len(units) == n {
			cancel()
		}
	})
	if err == nil && len(units) < n {
		err = fmt.Errorf("%d of %d units", len(units), n)
	}
	return units, err
}

// fromKey leaves out what cannot be decoded: pictures before the first key picture, and after a gap
// those before the next.
func fromKey(units []*media.Unit) []*media.Unit {
	var whole []*media.Unit
	ready := false
	for _, u := range units {
		if ready = u.Key || ready && !u.Gap; ready && u.Sound == nil {
			whole = append(whole, u)
		}
	}
	return whole
}

// decode has ffmpeg decode pictures strictly: one damaged picture fails the test. It gives the number of
// pictures that came out.
func decode(t *testing.T, units []*media.Unit) int {
	t.Helper()
	var in bytes.Buffer
	var track *media.Track
	for _, u := range units {
		nals := u.NALs
		if u.Track != track {
			track = u.Track
			nals = append([][]byte{track.SPS, track.PPS}, nals...)
		}
		for _, nal := range nals {
			in.Write([]byte{0, 0, 0, 1})
			in.Write(nal)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ffmpeg", "-hide_banner", "-loglevel", "error", "-err_detect", "explode", "-xerror",
		"-f", "h264", "-i", "pipe:0", "-fps_mode", "passthrough", "-f", "framemd5", "pipe:1")
	var out, said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &said
	if err := cmd.Run(); err != nil || said.Len() > 0 {
		t.Fatalf("decoder: %v: %s", err, said.String())
	}
	pictures := 0
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "#") {
			pictures++
		}
	}
	return pictures
}

// oddity is a camera that does something in its own way.
type oddity struct {
	options   sim.Options
	transport string
	check     func(t *testing.T, units []*media.Unit)
}

func oddities() map[string]oddity {
	with := func(f func(o *sim.Options)) sim.Options {
		o := sim.Options{Width: 320, Height: 240, FPS: 30, GOP: 1}
		f(&o)
		return o
	}
	return map[string]oddity{
		"parameter sets only in the SDP":    {options: with(func(o *sim.Options) { o.Sets = sim.OnlySDP })},
		"parameter sets only in the stream": {options: with(func(o *sim.Options) { o.Sets = sim.OnlyStream })},
		"eight slices": {options: with(func(o *sim.Options) { o.Slices = 8 }), check: func(t *testing.T, units []*media.Unit) {
			for _, u := range units {
				if len(slicesOf(u)) != 8 {
					t.Fatalf("%d slices", len(slicesOf(u)))
				}
			}
		}},
		"eight slices, each marked": {options: with(func(o *sim.Options) { o.Slices, o.EachMarked = 8, true })},
		"B-frames":                  {options: with(func(o *sim.Options) { o.Between = 2 }), check: wantShuffled},
		"two sizes": {options: with(func(o *sim.Options) { o.Then = [2]int{160, 120} }), check: func(t *testing.T, units []*media.Unit) {
			seen := map[int]bool{}
			for _, u := range units {
				seen[u.Track.Width] = true
			}
			if !seen[320] || !seen[160] {
				t.Fatalf("widths %v", seen)
			}
		}},
		"gaps": {options: with(func(o *sim.Options) { o.Gaps = 20 }), check: func(t *testing.T, units []*media.Unit) {
			for _, u := range units {
				if u.Gap {
					return
				}
			}
			t.Fatal("no gap was marked")
		}},
		"gaps in slices": {options: with(func(o *sim.Options) { o.Gaps, o.Slices = 97, 8 })},
		"RTSPS":          {options: with(func(o *sim.Options) { o.TLS = true })},
		"RTSPS, SHA-256": {options: with(func(o *sim.Options) { o.TLS, o.SHA256 = true, true })},
		"UDP":            {options: with(func(o *sim.Options) { o.UDP = true }), transport: "udp"},
		"UDP, encrypted": {options: with(func(o *sim.Options) { o.UDP, o.TLS = true, true }), transport: "udp"},
		"stamped":        {options: with(func(o *sim.Options) { o.Stamp = 1 }), check: wantStamps},
		"large pictures": {options: sim.Options{Width: 1280, Height: 720, FPS: 15, GOP: 1, Heavy: true}, check: wantLarge},
	}
}

// All cameras run at once: most of the test is waiting for pictures.
func TestOddPictures(t *testing.T) {
	t.Parallel()
	type result struct {
		units []*media.Unit
		err   error
	}
	results := map[string]chan result{}
	for name, o := range oddities() {
		c := camera(t, o.options)
		cfg := config(c.Address(), "hub", "porch-light")
		cfg.Fields[rtsp.FieldTransport] = o.transport
		done := make(chan result, 1)
		results[name] = done
		go func() {
			n := 45
			if o.options.Heavy {
				n = 20
			}
			units, err := pull(t.Context(), cfg, "main", false, n)
			done <- result{units, err}
		}()
	}
	for name, o := range oddities() {
		t.Run(name, func(t *testing.T) {
			r := <-results[name]
			if r.err != nil {
				t.Fatal(r.err)
			}
			if o.check != nil {
				o.check(t, r.units)
			}
			whole := fromKey(r.units)
			if n := decode(t, whole); n != len(whole) || n == 0 {
				t.Fatalf("%d pictures of %d units", n, len(whole))
			}
		})
	}
}

// slicesOf leaves out what is no slice.
func slicesOf(u *media.Unit) [][]byte {
	var slices [][]byte
	for _, nal := range u.NALs {
		if typ := nal[0] & 0x1f; typ >= 1 && typ <= 5 {
			slices = append(slices, nal)
		}
	}
	return slices
}

func wantShuffled(t *testing.T, units []*media.Unit) {
	back, seen := 0, map[time.Duration]bool{}
	for i, u := range units {
		if i > 0 && u.PTS < units[i-1].PTS {
			back++
		}
		seen[u.PTS.Round(time.Millisecond)] = true
	}
	if back < 10 || len(seen) != len(units) {
		t.Fatalf("%d pictures of %d go back, %d times", back, len(units), len(seen))
	}
}

func wantStamps(t *testing.T, units []*media.Unit) {
	for _, u := range units {
		sent, ok := sim.Stamped(u.NALs)
		if late := u.At.Sub(sent); !ok || late < 0 || late > patience {
			t.Fatalf("stamp %v, %v", ok, late)
		}
	}
}

func wantLarge(t *testing.T, units []*media.Unit) {
	largest := 0
	for _, u := range units {
		largest = max(largest, u.Size())
	}
	if largest < 300_000 {
		t.Fatalf("the largest picture has %d bytes", largest)
	}
}

func TestKeyOnRequestInATenSecondGOP(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{Width: 320, Height: 240, FPS: 15, GOP: 10})
	var units []*media.Unit
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := open(t, config(c.Address(), "hub", "porch-light")).(device.Viewable).Watch(ctx, "main", false, func(u *media.Unit) {
		switch units = append(units, u); len(units) {
		case 3:
			c.RefreshKey()
		case 25:
			cancel()
		}
	})
	if err != nil || units[0].Track.Width != 320 {
		t.Fatal(err)
	}
	whole := fromKey(units)
	if n := decode(t, whole); n != len(whole) || n < 10 {
		t.Fatalf("%d pictures of %d units in %d", n, len(whole), len(units))
	}
}

func TestClockJump(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{Sound: media.PCMU})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var units []*media.Unit
	err := open(t, config(c.Address(), "hub", "porch-light")).(device.Viewable).Watch(ctx, "main", true, func(u *media.Unit) {
		if units = append(units, u); len(units) == 40 {
			_ = c.Do(ctx, "jump", nil)
		}
		if len(units) == 100 {
			cancel()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range units {
		if u.PTS < 0 || u.PTS > patience {
			t.Fatalf("PTS %v after an hour's jump", u.PTS)
		}
	}
}

func TestH265IsSaidPlainly(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{Width: 320, Height: 240, FPS: 15, GOP: 1, H265: true, Small: true})
	cfg := config(c.Address(), "hub", "porch-light")
	if _, err := rtsp.New().Open(t.Context(), cfg); !errors.Is(err, rtsp.ErrH265) || !errors.Is(err, device.ErrUnsupported) || device.Reason(err) != "h265" {
		t.Fatalf("open: %v", err)
	}
	cam, err := rtsp.Open(t.Context(), cfg, rtsp.Stream{View: media.View{ID: "p1"}, URL: c.Address()},
		rtsp.Stream{View: media.View{ID: "p2", FPS: 7}, URL: c.View("/small")})
	if err != nil {
		t.Fatal(err)
	}
	defer cam.Close()
	views := fmt.Sprintf("%+v", cam.Views())
	if want := "[{ID:p1 Codec:H.265 Width:320 Height:240 FPS:0 Sound:} {ID:p2 Codec:H.264 Width:160 Height:120 FPS:15 Sound:}]"; views != want {
		t.Fatalf("got  %s\nwant %s", views, want)
	}
	if err := cam.Watch(t.Context(), "p1", false, func(*media.Unit) {}); !errors.Is(err, rtsp.ErrH265) {
		t.Fatalf("watch: %v", err)
	}
	// So may one that is named by URL.
	cfg.Fields[rtsp.FieldSmall] = c.View("/small")
	if units, err := pull(t.Context(), cfg, "small", false, 3); err != nil || units[0].Track.Width != 160 {
		t.Fatal(err)
	}
	if err := cam.Watch(t.Context(), "p3", false, func(*media.Unit) {}); !errors.Is(err, device.ErrUnsupported) {
		t.Fatalf("watch a view that is not there: %v", err)
	}
}
