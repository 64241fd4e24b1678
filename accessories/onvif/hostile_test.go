package onvif_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/onvif"
	"github.com/ingle-home/ingle/accessories/onvif/sim"
)

// twist stands before a simulated camera and changes its answers to one operation, or to all for "".
func twist(t *testing.T, c *sim.Sim, operation string, change func(w http.ResponseWriter, r *http.Request, answer []byte)) string {
	t.Helper()
	at, err := url.Parse(c.Address())
	if err != nil {
		t.Fatal(err)
	}
	var front *httptest.Server
	front = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		req, err := http.NewRequestWithContext(r.Context(), r.Method, at.Scheme+"://"+at.Host+r.URL.RequestURI(), bytes.NewReader(body))
		if err != nil {
			return
		}
		req.Header = r.Header.Clone()
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			return
		}
		defer res.Body.Close()
		answer, _ := io.ReadAll(res.Body)
		answer = bytes.ReplaceAll(answer, []byte("http://"+at.Host), []byte(front.URL))
		if operation == "" || bytes.Contains(body, []byte("<"+operation+" ")) || r.Method == operation {
			change(w, r, answer)
			return
		}
		if v := res.Header.Get("WWW-Authenticate"); v != "" {
			w.Header().Set("WWW-Authenticate", v)
		}
		w.WriteHeader(res.StatusCode)
		_, _ = w.Write(answer)
	}))
	t.Cleanup(front.Close)
	return front.URL + "/onvif/device_service"
}

// endless writes something over and over until the peer has enough.
func endless(w http.ResponseWriter, before, again string) {
	if _, err := io.WriteString(w, before); err != nil {
		return
	}
	block := []byte(strings.Repeat(again, 1+64<<10/len(again)))
	for range 1 << 14 { // 1 GB
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// TestHostileCamera: whatever a camera answers, Open ends soon, takes little memory, and calls nobody else.
func TestHostileCamera(t *testing.T) {
	t.Parallel()
	var strangers atomic.Int32
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangers.Add(1) }))
	t.Cleanup(func() {
		stranger.Close()
		if n := strangers.Load(); n != 0 {
			t.Errorf("somebody else was called %d times", n)
		}
	})
	laughs := `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]><s:Envelope xmlns:s="x"><s:Body><r>&b;&c;</r></s:Body></s:Envelope>`
	for name, change := range map[string]func(http.ResponseWriter, *http.Request, []byte){
		"endless elements": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			endless(w, `<?xml version="1.0"?><Envelope><Body><a>`, "<a/>")
		},
		"endless depth": func(w http.ResponseWriter, _ *http.Request, _ []byte) { endless(w, "<Envelope>", "<a>") },
		"endless text":  func(w http.ResponseWriter, _ *http.Request, _ []byte) { endless(w, "<Envelope>", "aaaa") },
		"entities":      func(w http.ResponseWriter, _ *http.Request, _ []byte) { _, _ = io.WriteString(w, laughs) },
		"a length that lies": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Content-Length", "9000000000000000000")
			_, _ = io.WriteString(w, "<Envelope>")
		},
		"drops": func(w http.ResponseWriter, r *http.Request, _ []byte) {
			tick := time.NewTicker(200 * time.Millisecond)
			defer tick.Stop()
			for r.Context().Err() == nil {
				<-tick.C
				_, _ = io.WriteString(w, "<")
				w.(http.Flusher).Flush()
			}
		},
		"away": func(w http.ResponseWriter, r *http.Request, _ []byte) {
			http.Redirect(w, r, stranger.URL+"/onvif/device_service", http.StatusTemporaryRedirect)
		},
	} {
		for _, operation := range []string{"", "GetProfiles", "GetStreamUri", "GetEventProperties"} {
			t.Run(name+" "+operation, func(t *testing.T) {
				t.Parallel()
				c := camera(t, sim.Options{})
				cfg := usual(c)
				cfg.Address = twist(t, c, operation, change)
				begin := time.Now()
				s, err := onvif.New().Open(t.Context(), cfg)
				if err == nil && operation != "GetEventProperties" {
					t.Errorf("it opened: %+v", s.Offer())
				}
				if took := time.Since(begin); took > 20*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		}
	}
}

// TestHostileProfiles: ten thousand profiles, and streams that are said to be elsewhere.
func TestHostileProfiles(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{})
	one := regexp.MustCompile(`(?s)<[a-z]+:Profiles.*</[a-z]+:Profiles>`)
	cfg := usual(c)
	cfg.Address = twist(t, c, "GetProfiles", func(w http.ResponseWriter, _ *http.Request, answer []byte) {
		_, _ = w.Write(one.ReplaceAllFunc(answer, func(p []byte) []byte { return bytes.Repeat(p, 300) }))
	})
	s, err := onvif.New().Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.(device.Viewable).Views()); n > 64 {
		t.Errorf("%d views", n)
	}
	// A name and a password of somebody else's, and another host: the port is believed, and nothing else.
	cfg.Address = twist(t, c, "GetStreamUri", func(w http.ResponseWriter, _ *http.Request, answer []byte) {
		_, _ = w.Write(bytes.ReplaceAll(answer, []byte("rtsp://127.0.0.1"), []byte("rtsp://admin:admin@192.0.2.66")))
	})
	watch(t, open(t, cfg), "main", false, 3)
}

// TestHostileStill: what is no small JPEG is no still picture.
func TestHostileStill(t *testing.T) {
	t.Parallel()
	c := camera(t, sim.Options{})
	for name, change := range map[string]func(http.ResponseWriter){
		"a gigabyte": func(w http.ResponseWriter) { endless(w, "\xff\xd8\xff\xe0", "x") },
		"a playlist": func(w http.ResponseWriter) { fmt.Fprint(w, "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n") },
		"nothing":    func(http.ResponseWriter) {},
		"packed":     func(w http.ResponseWriter) { w.Header().Set("Content-Encoding", "gzip"); fmt.Fprint(w, "\x1f\x8b\x08") },
	} {
		cfg := usual(c)
		cfg.Address = twist(t, c, http.MethodGet, func(w http.ResponseWriter, _ *http.Request, _ []byte) { change(w) })
		s := open(t, cfg)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		raw, err := s.(device.Snapper).Snap(t.Context())
		runtime.ReadMemStats(&after)
		if err == nil || len(raw) != 0 || errors.Is(err, device.ErrRefused) {
			t.Errorf("%s: %d bytes, %v", name, len(raw), err)
		}
		if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 200 {
			t.Errorf("%s: %d MB for one still", name, mb)
		}
	}
}
