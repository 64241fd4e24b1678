package entrance_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/claim"
	"github.com/ingle-home/ingle/hub/api/tokens"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// caller is somebody who speaks plain HTTP over TLS.
type caller struct {
	t      *testing.T
	root   string
	http   *http.Client
	secret string // a token's
}

func (h *hub) caller(t *testing.T, key []byte, secret string) caller {
	t.Helper()
	conf := &tls.Config{InsecureSkipVerify: true}
	if key != nil {
		cert, err := claim.Certificate(ed25519.NewKeyFromSeed(key))
		if err != nil {
			t.Fatal(err)
		}
		conf.Certificates = []tls.Certificate{cert}
	}
	line := &http.Transport{TLSClientConfig: conf}
	t.Cleanup(line.CloseIdleConnections)
	return caller{t, "https://" + h.address, &http.Client{Transport: line, Timeout: patience}, secret}
}

func (c caller) send(method, path, body string, headers ...string) (int, string, http.Header) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.root+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if c.secret != "" {
		r.Header.Set("Authorization", "Bearer "+c.secret)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	resp, err := c.http.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Content-Type") == "text/event-stream" { // it never ends
		return resp.StatusCode, "", resp.Header
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(raw), resp.Header
}

// table is the committed table of roles: class, method, path.
func table(t *testing.T) [][]string {
	t.Helper()
	raw, err := os.ReadFile("../server/testdata/access.txt")
	if err != nil {
		t.Fatal(err)
	}
	var list [][]string
	for line := range strings.Lines(string(raw)) {
		list = append(list, strings.Fields(line))
	}
	if len(list) < 40 {
		t.Fatalf("the table has %d routes", len(list))
	}
	return list
}

// pocket holds the tokens that the hub has at the time.
type pocket struct{ atomic.Pointer[tokens.Box] }

func (p *pocket) Known(ctx context.Context, secret string) (wire.Token, bool) {
	if box := p.Load(); box != nil {
		return box.Known(ctx, secret)
	}
	return wire.Token{}, false
}

// box is a home's tokens, one for each role.
func box(t *testing.T) (*tokens.Box, map[string]wire.NewToken) {
	t.Helper()
	b := tokens.New(func(err error) error { return err }, time.Now)
	if err := b.Open(t.Context(), &drawer{}); err != nil {
		t.Fatal(err)
	}
	made := map[string]wire.NewToken{}
	for _, role := range []string{wire.RoleGuest, wire.RoleMember, wire.RoleGuardian} {
		one, err := b.Make(t.Context(), wire.TokenRequest{Name: role, Role: role})
		if err != nil {
			t.Fatal(err)
		}
		made[role] = one
	}
	return b, made
}

type drawer struct{ kept tokens.State }

func (d *drawer) Load(context.Context) (tokens.State, error)   { return d.kept, nil }
func (d *drawer) Save(_ context.Context, s tokens.State) error { d.kept = s; return nil }

// Every route is called by an app of every role, by a token of every role and by a stranger, over TLS: each
// one below the class that the table names is refused, and nobody else is.
func TestEveryRouteThroughTheDoor(t *testing.T) {
	h, _ := opened(t)
	box, made := box(t)
	h.tokens.Store(box)
	classes := []string{"public", "guest", "member", "guardian", "owner", "console"}
	callers := map[string]caller{"public": h.caller(t, nil, ""), "public by a wrong token": h.caller(t, nil, "ingle_AAAAAAAAAAAAAAAAAAAAAAAAAA")}
	for _, role := range classes[1:5] {
		self, _ := h.pair(t, role)
		callers[role] = h.caller(t, self.Key, "")
		if one, ok := made[role]; ok {
			callers[role+" by a token"] = h.caller(t, nil, one.Secret)
		}
	}
	for who, c := range callers {
		have := slices.Index(classes, strings.Fields(who)[0])
		for _, r := range table(t) {
			need := slices.Index(classes, r[0])
			code, said, _ := c.send(r[1], strings.ReplaceAll(r[2], "{id}", "nobody"), "{}")
			var p wire.Problem
			_ = json.Unmarshal([]byte(said), &p) // a film is none
			switch refused := p.Code == wire.CodeStranger || p.Code == wire.CodeForbidden; {
			case refused != (have < need):
				t.Errorf("%s: %s %s: %d %s", who, r[1], r[2], code, said)
			case have == 0 && need > 0 && code != http.StatusUnauthorized, have > 0 && have < need && code != http.StatusForbidden, code == http.StatusInternalServerError:
				t.Errorf("%s: %s %s: %d %s", who, r[1], r[2], code, said)
			case len(r) > 3 && have >= need && p.Code != wire.CodeConfirm:
				t.Errorf("%s: %s %s takes no password: %d %s", who, r[1], r[2], code, said)
			}
		}
	}
}

// What a page of another place can make a browser send changes nothing.
func TestAForeignPageChangesNothing(t *testing.T) {
	h, _ := opened(t)
	self, _ := h.pair(t, wire.RoleOwner)
	box, made := box(t)
	h.tokens.Store(box)
	before, _ := h.home.Snapshot(t.Context())
	name, port, _ := strings.Cut(h.address, ":")
	for _, c := range []caller{h.caller(t, self.Key, ""), h.caller(t, nil, made[wire.RoleGuardian].Secret), h.caller(t, nil, "")} {
		for _, evil := range [][]string{
			{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Origin", "https://" + h.address}, {"Sec-Fetch-Site", "cross-site"},
			{"Host", "evil.example"}, {"Host", "evil.example:" + port}, {"Host", name + ".evil.example"}, {"Host", "localhost.evil.example"},
			{"Content-Type", "text/plain"}, {"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Type", "multipart/form-data; boundary=x"}, {"Content-Type", ""},
		} {
			for path, body := range map[string]string{"/people": `{"name":"Eve","role":"owner"}`, "/accessories/" + apitest.Toy + "/do": `{"trait":"speed","value":100}`, "/accessories/" + apitest.Toy: `{"name":"Eve"}`} {
				if code, said, _ := c.send("POST", "/api/v1"+path, body, evil...); code < 400 {
					t.Errorf("%v: %s: %d %s", evil, path, code, said)
				}
			}
		}
	}
	after, _ := h.home.Snapshot(t.Context())
	a, _ := json.Marshal(before)
	b, _ := json.Marshal(after)
	if !bytes.Equal(a, b) || len(h.home.Orders()) != 0 {
		t.Errorf("the home was changed: %s", b)
	}
	if code, said, _ := h.caller(t, self.Key, "").send("POST", "/api/v1/people", `{"name":"Noor"}`); code != http.StatusCreated {
		t.Errorf("and the owner may not either: %d %s", code, said)
	}
}

// A script comes in with a token until somebody revokes it, and its stream ends then.
func TestAScriptComesInByAToken(t *testing.T) {
	h, _ := opened(t)
	box, made := box(t)
	token := made[wire.RoleMember]
	c := h.caller(t, nil, token.Secret)
	if code, _, _ := c.send("GET", "/api/v1/people", ""); code != http.StatusUnauthorized {
		t.Errorf("without any tokens: %d", code)
	}
	h.tokens.Store(box)
	box.OnDrop(h.line.Drop)
	if code, said, _ := c.send("GET", "/api/v1/people", ""); code != http.StatusOK || !strings.Contains(said, "Mia") {
		t.Errorf("%d %s", code, said)
	}
	if code, said, _ := c.send("GET", "/api/v1/status", ""); code != http.StatusOK || strings.Contains(said, "X-HM") {
		t.Errorf("a script is told how to pair: %d %s", code, said)
	}
	for _, other := range []string{"Basic " + token.Secret, "Bearer", "Bearer " + token.Secret + "x", token.Secret, "Bearer " + token.ID} {
		if code, _, _ := c.send("GET", "/api/v1/people", "", "Authorization", other); code != http.StatusUnauthorized {
			t.Errorf("%s: %d", other, code)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", c.root+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token.Secret)
	c.http.Timeout = 0
	resp, err := c.http.Do(r)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	defer resp.Body.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(io.Discard, resp.Body)
	}()
	if err := box.Revoke(t.Context(), token.ID); err != nil {
		t.Fatal(err)
	}
	wait(t, ended)
	if code, _, _ := h.caller(t, nil, token.Secret).send("GET", "/api/v1/people", ""); code != http.StatusUnauthorized {
		t.Errorf("a revoked token: %d", code)
	}
	if strings.Contains(h.log.String(), token.Secret) {
		t.Error("the log has the token")
	}
}
