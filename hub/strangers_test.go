package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/hub/api/server"
)

// Strangers get two answers, and a refusal to all else.
func TestStrangersGetTwoAnswers(t *testing.T) {
	d := must[*daemon](t)(newDaemon(settings{dir: shortDir(t), loopback: true, watchPort: -1}, "https://127.0.0.1:0"))
	api := withContact(server.New(server.Options{Hub: d, Feed: d.feed}))
	for _, c := range []struct {
		method, path string
		code         int
		says         string
	}{
		{"GET", "/.well-known/security.txt", 200, "Contact: https://"},
		{"GET", "/api/v1/status", 200, `{"ready":true,"product":"Ingle","state":"unclaimed"}`},
		{"POST", "/.well-known/security.txt", 404, "hub.unknown"},
		{"GET", "//.well-known/security.txt", 404, "hub.unknown"},
		{"GET", "/.well-known/../api/v1/people", 404, "hub.unknown"},
		{"GET", "//api/v1/people", 404, "hub.unknown"},
		{"GET", "/api/v1/people", 403, "hub.forbidden"},
		{"POST", "/api/v1/setup", 403, "hub.forbidden"},
		{"CONNECT", "/", 404, "hub.unknown"},
	} {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequest(c.method, c.path, strings.NewReader("{}")))
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.says) || w.Header().Get("Location") != "" {
			t.Errorf("%s %s: %d %s, want %d %s", c.method, c.path, w.Code, w.Body, c.code, c.says)
		}
		if strings.Contains(w.Body.String(), http.StatusText(http.StatusTemporaryRedirect)) {
			t.Errorf("%s %s leads elsewhere", c.method, c.path)
		}
	}
}
