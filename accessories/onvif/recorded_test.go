package onvif

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
)

// recorded is where npm's onvif 0.8.1 keeps what a real camera once answered.
const recorded = "testdata/judge/node_modules/onvif-recorded/test/serverMockup"

// recordedCamera is that camera: it gives its recorded answer to each operation, to everybody.
func recordedCamera(t *testing.T) *line {
	t.Helper()
	if _, err := os.Stat(recorded); err != nil {
		t.Skip("npm's onvif 0.8.1 is not installed here: run `npm ci` in accessories/onvif/testdata/judge, or `make test`")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		operation := ""
		for d := xml.NewDecoder(strings.NewReader(string(raw))); ; {
			token, err := d.Token()
			if err != nil {
				break
			}
			if start, ok := token.(xml.StartElement); ok && strings.HasPrefix(start.Name.Space, "http://www.onvif.org/") {
				operation = start.Name.Local
				break
			}
		}
		for _, part := range []string{"", "device.", "media.", "events."} {
			if raw, err := os.ReadFile(filepath.Join(recorded, part+filepath.Base(operation)+".xml")); err == nil {
				_, _ = w.Write(raw)
				return
			}
		}
		w.WriteHeader(http.StatusInternalServerError)
		raw, _ = os.ReadFile(filepath.Join(recorded, "Error.xml"))
		_, _ = w.Write(raw)
	}))
	t.Cleanup(server.Close)
	l, err := newLine("127.0.0.1", one{server.Listener.Addr().String()}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// one is a network in which everything leads to one address.
type one struct{ address string }

func (o one) Dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, o.address)
}

func (one) Listen(context.Context, string) (net.Listener, error) { return nil, device.ErrRefused }

// What a real camera answered is understood, its hosts replaced by the one that was dialled.
func TestARecordedCamera(t *testing.T) {
	l := recordedCamera(t)
	s := &session{line: l, config: device.Config{Now: time.Now}, tuned: map[string]bool{}}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.login(ctx); err != nil {
		t.Fatal(err)
	}
	if skew, measured := l.skew(); !measured || skew > -11*365*24*time.Hour {
		t.Errorf("its clock, of 2014, is off by %v", skew)
	}
	if !s.proof.open || s.parts.media != "http://127.0.0.1:80/onvif/services" || s.parts.events != s.parts.media || s.parts.recording != "" {
		t.Errorf("parts %+v", s.parts)
	}
	list, err := s.readProfiles(ctx)
	if err != nil || len(list) == 0 {
		t.Fatalf("%d profiles, %v", len(list), err)
	}
	first := list[0]
	if v := first.view; v.ID != "main" || v.Width != 1920 || v.Height != 1080 || v.FPS != 5 || first.url != "rtsp://127.0.0.1:554/h264main" {
		t.Errorf("its first profile is %+v", first)
	}
	s.profiles = list
	if h := s.readTopics(ctx); !h.motion || h.doorbell {
		t.Errorf("it tells %+v", h)
	}
	if at, err := s.stillAt(ctx, account{}); err != nil || at != "http://127.0.0.1:80/onvif-cgi/jpg/image.cgi?resolution=800x600&compression=20&camera=1" {
		t.Errorf("its still pictures are at %q, %v", at, err)
	}
	if _, err := s.call(ctx, ask{ns: nsDevice, action: "Nothing"}); !errors.As(err, new(*fault)) {
		t.Errorf("what it does not know: %v", err)
	}
}

// Every recorded answer can be read, and given back.
func TestEveryRecordedAnswerIsRead(t *testing.T) {
	files, err := filepath.Glob(recorded + "/*.xml")
	if err != nil || len(files) == 0 {
		t.Skip("npm's onvif 0.8.1 is not installed here: run `npm ci` in accessories/onvif/testdata/judge, or `make test`")
	}
	read := 0
	for _, path := range files {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), "{{") {
			continue // a program that would make the answer
		}
		n, err := envelope(raw)
		if errors.As(err, new(*fault)) {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
			continue
		}
		var b strings.Builder
		n.write(&b, "")
		again, err := parse([]byte(b.String()))
		if err != nil || again.name != n.name || len(again.kids) != len(n.kids) {
			t.Errorf("%s comes back as %v, %v", filepath.Base(path), again, err)
		}
		read++
	}
	if read < 50 {
		t.Errorf("only %d answers were read", read)
	}
}
