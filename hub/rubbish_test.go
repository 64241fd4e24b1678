package main

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/apitest/dice"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Seven hundred requests out of the description of the API, half of them nonsense, reach a hub that runs, from its
// console, which may do everything: it makes no mistake (500), answers each in time, and is well afterwards.
func TestAHubThatIsAskedRubbish(t *testing.T) {
	t.Parallel()
	p, c := running(t, shortDir(t))
	must[wire.SetupAnswer](t)(c.Setup(t.Context(), password))
	deck := must[dice.Deck](t)(dice.Parse(must[[]byte](t)(server.Description())))
	line := &http.Transport{DisableCompression: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", p.ready.Socket)
	}}
	defer line.CloseIdleConnections()
	source := rand.NewChaCha8([32]byte{5})
	answers := map[int]int{}
	for i := range 700 {
		choices := make([]byte, 64)
		_, _ = source.Read(choices) // it never fails
		r, id := deck.Draw(i, choices)
		if id == "find" || id == "events" || id == "set-boot" || !utf8Header(r) { // they take their time, or make the machine's secret
			continue
		}
		code, said := asked(t, line, r)
		answers[code]++
		var problem wire.Problem
		switch {
		case code == http.StatusInternalServerError:
			t.Errorf("%s: %s %s: %s", id, r.Method, r.URL, said)
		case code >= 400 && r.Method != http.MethodHead && (json.Unmarshal(said, &problem) != nil || problem.Code == ""):
			t.Errorf("%s: %s %s: %d %s", id, r.Method, r.URL, code, said)
		}
	}
	t.Logf("it answered %v", answers)
	if answers[200] < 50 || answers[422] < 50 {
		t.Errorf("the requests are too much alike: %v", answers)
	}
	if status, err := c.Status(t.Context()); err != nil || status.State != wire.Open {
		t.Errorf("the hub is %v, %v", status.State, err)
	}
	if strings.Contains(p.log.String(), "panic") {
		t.Error("a route panicked")
	}
}

// utf8Header says whether a client sends the request at all.
func utf8Header(r *http.Request) bool {
	for _, values := range r.Header {
		for _, v := range values {
			if strings.ContainsFunc(v, func(c rune) bool { return c < ' ' || c > '~' }) {
				return false
			}
		}
	}
	return !strings.ContainsFunc(r.URL.RawQuery, func(c rune) bool { return c <= ' ' || c > '~' })
}

func asked(t *testing.T, line http.RoundTripper, r *http.Request) (int, []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r = r.WithContext(ctx)
	r.RequestURI, r.URL.Scheme, r.URL.Host = "", "http", "hub"
	began := time.Now()
	resp, err := line.RoundTrip(r)
	if err != nil {
		t.Fatalf("%s %s after %v: %v", r.Method, r.URL, time.Since(began), err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	return resp.StatusCode, said
}
