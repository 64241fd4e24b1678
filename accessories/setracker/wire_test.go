package setracker_test

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

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
