package setracker_test

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/setracker"
)

const where = "251126,101500,A,52.100000,N,5.200000,E,3.0,90,12,7,80,66,1234,0,00010001,0,1"

func cut(parts ...[]byte) []setracker.Frame {
	var f setracker.Framer
	var out []setracker.Frame
	for i := 0; i <= len(parts); i++ {
		if i < len(parts) {
			f.Write(parts[i])
		}
		for {
			got, ok := f.Next(i == len(parts))
			if !ok {
				break
			}
			out = append(out, got)
		}
	}
	return out
}

func stream() []byte {
	var b []byte
	for i, ssid := range []string{"caf]e", "caf[e", "a}b", "my,wifi", "x][3G*1*0004*LK,0]"} {
		for range 4 {
			body := fmt.Sprintf("%s,%s,aa:bb:cc:dd:ee:ff,-50,%d", where, ssid, i)
			b = append(b, setracker.Frame{Maker: "3G", ID: "3456789012", Type: "UD", Body: []byte(body)}.Encode()...)
		}
	}
	return b
}

func TestEveryCutGivesTheSameFrames(t *testing.T) {
	b := stream()
	want := cut(b)
	if len(want) != 20 {
		t.Fatalf("%d frames, want 20", len(want))
	}
	for i := range b {
		if got := cut(b[:i], b[i:]); !reflect.DeepEqual(got, want) {
			t.Fatalf("cut at %d: %d frames", i, len(got))
		}
	}
}

func TestWrongLengthFallsBackToBrackets(t *testing.T) {
	for _, in := range []string{"[3G*3456789012*0001*LK,1,2,3]", "[3G*3456789012*00ff*LK,1,2,3]", "x\r\n[ZJ*3456789012*0005*0001*LK,1,2,3]"} {
		if got := cut([]byte(in)); len(got) != 1 || string(got[0].Body) != "1,2,3" {
			t.Errorf("%s: %+v", in, got)
		}
	}
}

func TestPositionKeepsEveryField(t *testing.T) {
	p, err := setracker.ParsePosition([]byte(where))
	if err != nil || !p.Place.Fixed || p.Place.Lat != 52.1 || p.Battery != 66 || p.Steps != 1234 || p.Status != 0x10001 {
		t.Fatalf("%+v %v", p, err)
	}
}

func TestOneWrongLengthAfterAnother(t *testing.T) {
	var in []byte
	for i := range 20 {
		in = append(in, mislabel("UD", where+strings.Repeat("[x]", 20-i), -1-i%7)...)
	}
	var bytewise [][]byte
	for i := range in {
		bytewise = append(bytewise, in[i:i+1])
	}
	for _, got := range [][]setracker.Frame{cut(in), cut(bytewise...)} {
		if len(got) != 20 {
			t.Errorf("%d of 20 frames", len(got))
		}
	}
}

func TestAWrongLengthIsForgivenToTheOwnIDOnly(t *testing.T) {
	own, wrong := mislabel("LK", "1,2,3", -1), "[3G*7000000001*0003*LK,1,2,3]"
	if got := cut([]byte(own + wrong + own)); len(got) != 2 || got[0].ID != got[1].ID {
		t.Errorf("%d frames: %+v", len(got), got)
	}
}

// A pause inside a frame is not its end, wherever brackets in a network's name would balance.
func TestAPauseDoesNotEndAFrame(t *testing.T) {
	body := where + ",x][3G*3456789012*0004*LK,0],aa:bb:cc:dd:ee:ff,-50,1"
	in := frame("3456789012", "UD", body)
	for cutAt := range in {
		if strings.HasSuffix(in[:cutAt], ",x]") {
			continue // what has arrived is a whole frame, as far as anyone can tell
		}
		var f setracker.Framer
		f.Write([]byte(in[:cutAt]))
		if got, ok := f.Next(true); ok {
			t.Fatalf("cut at %d: %s,%s", cutAt, got.Type, got.Body)
		}
		f.Write([]byte(in[cutAt:]))
		if got, ok := f.Next(false); !ok || string(got.Body) != body {
			t.Fatalf("cut at %d: %v %s,%s", cutAt, ok, got.Type, got.Body)
		}
	}
}

// Frames after a hostile one still decode, and none that was slipped in is believed.
func TestAHundredFramesAfterAHostileName(t *testing.T) {
	for _, ssid := range []string{"caf]e", "caf[e", "a}b", "my,wifi", "x][3G*1*0004*LK,0]"} {
		for _, longer := range []int{0, -5} {
			b := mislabel("UD", where+","+ssid+",aa:bb:cc:dd:ee:ff,-50,1", longer)
			for i := range 100 {
				b += frame("3456789012", "LK", fmt.Sprint(i))
			}
			got := cut([]byte(b))
			own := 0
			for _, f := range got {
				if f.ID != "3456789012" {
					t.Errorf("%s %+d: a frame of %s was believed", ssid, longer, f.ID)
				}
				if f.Type == "LK" {
					own++
				}
			}
			if own != 100 {
				t.Errorf("%s %+d: %d of 100 frames decode", ssid, longer, own)
			}
		}
	}
}

// mislabel is a frame whose length is wrong by some bytes.
func mislabel(kind, body string, by int) string {
	return fmt.Sprintf("[3G*3456789012*%04x*%s,%s]", len(kind)+1+len(body)+by, kind, body)
}

// Twice the bytes must not take four times as long, whether the length is right, too short or not
// believable, and whatever the brackets.
func TestByteWiseDeliveryIsLinear(t *testing.T) {
	for name, build := range map[string]func(n int) string{
		"right":     func(n int) string { return mislabel("UD", strings.Repeat("a]", n/2), 0) },
		"too short": func(n int) string { return mislabel("UD", strings.Repeat("[", n), -9) },
		"too long":  func(n int) string { return "[3G*3456789012*ffff*UD" + strings.Repeat("a", n) },
		"headers":   func(n int) string { return strings.Repeat("[3G*345678901", n/13) },
	} {
		cost := func(n int) time.Duration {
			best := time.Hour
			for range 5 {
				var f setracker.Framer
				in, from := []byte(build(n)), time.Now()
				for i := range in {
					f.Write(in[i : i+1])
					for ok := true; ok; {
						_, ok = f.Next(false)
					}
				}
				best = min(best, time.Since(from))
			}
			return best
		}
		half, whole := cost(16_000), cost(32_000)
		t.Logf("%s: %v for 16 kB, %v for 32 kB", name, half, whole)
		if whole > 50*time.Millisecond && whole > 3*half {
			t.Errorf("%s: %v for 16 kB, %v for 32 kB", name, half, whole)
		}
	}
}

// A frame of 32 KiB that comes in small pieces costs its own size and little more.
func TestAFrameCostsWhatItHolds(t *testing.T) {
	in := []byte(mislabel("UD", strings.Repeat("a", 32_000), 0))
	var from, to runtime.MemStats
	runtime.ReadMemStats(&from)
	var f setracker.Framer
	found := false
	for i := 0; i < len(in); i += 1000 {
		f.Write(in[i:min(i+1000, len(in))])
		_, ok := f.Next(false)
		found = found || ok
	}
	runtime.ReadMemStats(&to)
	if n := to.TotalAlloc - from.TotalAlloc; !found || n > 64<<10 {
		t.Errorf("found: %v, %d bytes for a frame of %d", found, n, len(in))
	}
}

// What was cut stays as it was when more arrives.
func TestFramesDoNotShareBytes(t *testing.T) {
	var f setracker.Framer
	f.Write([]byte(frame("3456789012", "LK", "1,2,3") + "[3G*34567"))
	got, _ := f.Next(false)
	f.Write([]byte("89012*0008*LK,4,5,6]"))
	next, _ := f.Next(false)
	_ = append(got.Body, "xxxxxxxxxxxxxxxx"...)
	if string(got.Body) != "1,2,3" || string(next.Body) != "4,5,6" {
		t.Errorf("%s, %s", got.Body, next.Body)
	}
}

func TestAFrameHasALimit(t *testing.T) {
	var f setracker.Framer
	f.Write([]byte("[3G*3456789012*0001*"))
	for range 100 {
		f.Write([]byte(strings.Repeat("[", 1000)))
		if _, ok := f.Next(false); ok {
			t.Fatal("a frame of brackets")
		}
	}
	f.Write([]byte(frame("3456789012", "LK", "1,2,3")))
	f.Write([]byte(frame("3456789012", "LK", "1,2,3")))
	if got, ok := f.Next(false); !ok || got.Type != "LK" {
		t.Errorf("after 100 kB of junk: %v %+v", ok, got)
	}
}

func FuzzFramer(f *testing.F) {
	f.Add(stream())
	f.Add([]byte("[3G*3456789012*0001*LK,[1,2,3]"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, frame := range cut(b) {
			if bytes.ContainsAny([]byte(frame.ID), "[]") {
				t.Fatal("an ID is digits")
			}
			_, _ = setracker.ParsePosition(frame.Body)
		}
	})
}
