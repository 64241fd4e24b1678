package fresh_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/ingle-home/ingle/hub/api/server/fresh"
)

func get(code int, body string, match ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["If-None-Match"] = match
	w := httptest.NewRecorder()
	fresh.Serve(w, r, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	})
	return w
}

func TestWhatTheCallerHasIsNotSent(t *testing.T) {
	first := get(200, "one")
	tag := first.Header().Get("ETag")
	if first.Code != 200 || first.Body.String() != "one" || tag == "" {
		t.Fatalf("%d %s %q", first.Code, first.Body, tag)
	}
	for _, named := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
		if w := get(200, "one", named); w.Code != http.StatusNotModified || w.Body.Len() > 0 || w.Header().Get("ETag") != tag || w.Header().Get("Content-Type") != "" {
			t.Errorf("%s: %d %q %v", named, w.Code, w.Body, w.Header())
		}
	}
	for _, named := range []string{"", `"x"`, tag[1:], "nonsense,,,"} {
		if w := get(200, "one", named); w.Code != 200 || w.Body.String() != "one" {
			t.Errorf("%s: %d %q", named, w.Code, w.Body)
		}
	}
	if w := get(200, "two", tag); w.Code != 200 || w.Body.String() != "two" {
		t.Errorf("another body: %d", w.Code)
	}
	if w := get(404, "none", "*"); w.Code != 404 || w.Body.String() != "none" || w.Header().Get("ETag") != "" {
		t.Errorf("a refusal: %d %v", w.Code, w.Header())
	}
	if !fresh.Named([]string{tag}, tag, false) || fresh.Named([]string{"W/" + tag}, tag, false) {
		t.Error("a weak tag guards a change")
	}
}
