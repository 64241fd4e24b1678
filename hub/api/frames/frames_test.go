package frames_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/frames"
)

// serve gives what a reader gets of some pictures.
func serve(t testing.TB, list ...frames.Frame) *http.Response {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		w := frames.NewWriter(rw)
		for _, f := range list {
			if err := w.Put(f); err != nil || !w.Begun() {
				t.Error(err)
			}
		}
	}))
	t.Cleanup(s.Close)
	resp, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func TestPicturesArriveWithTheirTimes(t *testing.T) {
	want := []frames.Frame{{JPEG: []byte("\xff\xd8one\r\n\xff\xd9")}, {JPEG: []byte("two"), Into: 1500 * time.Millisecond}}
	resp := serve(t, want...)
	if resp.Header.Get("Content-Type") != frames.Type || resp.Header.Get("Cache-Control") != "no-store" {
		t.Error(resp.Header)
	}
	var got []frames.Frame
	if err := frames.Read(resp.Body, func(f frames.Frame) error { got = append(got, f); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || !bytes.Equal(got[0].JPEG, want[0].JPEG) || !bytes.Equal(got[1].JPEG, want[1].JPEG) || got[1].Into != want[1].Into {
		t.Errorf("%q", got)
	}
	stop := errors.New("stop")
	if err := frames.Read(serve(t, want...).Body, func(frames.Frame) error { return stop }); !errors.Is(err, stop) {
		t.Error(err)
	}
}

func TestAStreamThatBreaks(t *testing.T) {
	whole, err := io.ReadAll(serve(t, frames.Frame{JPEG: []byte("picture")}).Body)
	if err != nil {
		t.Fatal(err)
	}
	none := func(frames.Frame) error { return nil }
	for cut := 1; cut < len(whole); cut++ {
		if err := frames.Read(bytes.NewReader(whole[:cut]), none); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d: %v", cut, err)
		}
	}
	for _, bad := range []string{"\r\n", "--x\r\nContent-Length: 99999999\r\n\r\n", "--x\r\nContent-Length: -1\r\n\r\n"} {
		if err := frames.Read(bytes.NewReader([]byte(bad)), none); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func FuzzRead(f *testing.F) {
	whole, err := io.ReadAll(serve(f, frames.Frame{JPEG: []byte("picture"), Into: time.Second}).Body)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte("--x\r\nContent-Length: 4194305\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		n := 0
		_ = frames.Read(bytes.NewReader(raw), func(one frames.Frame) error { n += len(one.JPEG); return nil })
		if n > len(raw) {
			t.Errorf("%d bytes of pictures in %d bytes", n, len(raw))
		}
	})
}
