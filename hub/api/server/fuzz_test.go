package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/apitest/dice"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// FuzzRoutes makes requests out of the description of the API: whatever is sent to whatever route by whomever
// in whatever state, the hub makes no mistake (500), answers in time, and says why in its own words.
func FuzzRoutes(f *testing.F) {
	deck, err := describedRoutes()
	if err != nil || deck.Len() < 40 {
		f.Fatalf("%d routes are described, %v", deck.Len(), err)
	}
	for i := range deck.Len() {
		f.Add(byte(i), byte(4), byte(0), []byte{})
		f.Add(byte(i), byte(i), byte(9), []byte("\x05\x03\x00\x04\x09\x06\x0b seeds \xff\x10\x20\x31\x42\x53\x64\x75\x86"))
	}
	roles := append(roles(), wire.RoleOwner)
	states := []wire.State{wire.Open, wire.Open, wire.Open, wire.Locked, wire.Unclaimed}
	f.Fuzz(func(t *testing.T, which, who, state byte, choices []byte) {
		r, id := deck.Draw(int(which), choices)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if id == "events" {
			cancel() // it ends when the reader goes, and the reader has gone
		}
		api := as(apitest.New(states[int(state)%len(states)]), roles[int(who)%len(roles)])
		if state%2 == 1 { // who gave the password may do more
			call(api, "POST", "/api/v1/unlock", `{"password":"`+apitest.Password+`"}`)
		}
		w := httptest.NewRecorder()
		began := time.Now()
		api.ServeHTTP(w, r.WithContext(ctx))
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s took %v", id, took)
		}
		judge(t, r, w)
	})
}

func describedRoutes() (dice.Deck, error) {
	raw, err := server.Description()
	if err != nil {
		return dice.Deck{}, err
	}
	return dice.Parse(raw)
}

func judge(t *testing.T, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	said := w.Body.Bytes()
	switch {
	case w.Code == http.StatusInternalServerError:
		t.Errorf("%s %s: %s", r.Method, r.URL, said)
	case w.Code >= 400 && r.Method != http.MethodHead:
		var p wire.Problem
		if err := json.Unmarshal(said, &p); err != nil || p.Code == "" || p.Status != w.Code || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %d %s %v", r.Method, r.URL, w.Code, said, w.Header())
		}
	case w.Code < 400 && strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") && !json.Valid(said) && len(said) > 0:
		t.Errorf("%s %s: no JSON: %s", r.Method, r.URL, said)
	}
}
