package page_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/entrance"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/keys"
	"github.com/ingle-home/ingle/hub/page"
)

// memory is a store without a disk.
type memory struct {
	mu   sync.Mutex
	kept *page.State
}

func (m *memory) Load(context.Context) (page.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		return page.State{}, archive.ErrNone
	}
	return *m.kept, nil
}

func (m *memory) Save(_ context.Context, s page.State) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept = &s
	return nil
}

// guessed is the family's hub with the throttle of a real one before its password.
type guessed struct {
	*apitest.Home
	ring  *keys.Ring
	right func() // what happens once a password was right; nil: nothing
}

func (g guessed) Unlock(ctx context.Context, r wire.UnlockRequest) error {
	if g.ring == nil {
		err := g.Home.Unlock(ctx, r)
		if err == nil && g.right != nil {
			g.right()
		}
		return err
	}
	v, _, err := g.ring.Unlock(keys.SourceOf(ctx), r.Password)
	if err != nil {
		return keys.Problem(err)
	}
	return v.Close()
}

func apiOf(h guessed) http.Handler {
	api := server.New(server.Options{Hub: h, Feed: h.Feed, Caller: server.Paired})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.ServeHTTP(w, r.WithContext(keys.From(r.Context(), entrance.Source(r))))
	})
}

func newDesk(t *testing.T, h guessed) *page.Desk {
	t.Helper()
	d := page.New(page.Options{Address: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
	d.OnAPI(apiOf(h))
	t.Cleanup(d.Close)
	return d
}

// site is a page that is on, and somebody's browser.
type site struct {
	desk  *page.Desk
	home  *apitest.Home
	store *memory
	at    wire.Page
	http  *http.Client
}

func shown(t *testing.T) *site {
	t.Helper()
	s := &site{home: apitest.New(wire.Open), store: &memory{}}
	s.desk = newDesk(t, guessed{Home: s.home})
	s.desk.Open(t.Context(), s.store)
	s.switchOn(t)
	return s
}

func (s *site) switchOn(t *testing.T) {
	t.Helper()
	var err error
	if s.at, err = s.desk.PageOn(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.http = browser(t)
}

func browser(t *testing.T) *http.Client {
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

// said is an answer, read to its end.
type said struct {
	code   int
	header http.Header
	body   string
}

func (s *site) ask(t *testing.T, line, token, body string, headers ...string) said {
	t.Helper()
	method, path, _ := strings.Cut(line, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, s.at.Address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	resp, err := s.http.Do(r)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return said{resp.StatusCode, resp.Header, string(raw)}
}

func (s *site) logIn(t *testing.T) string {
	t.Helper()
	a := s.ask(t, "POST /login", "", `{"password":"`+apitest.Password+`"}`)
	var in struct{ Token string }
	if err := json.Unmarshal([]byte(a.body), &in); err != nil || a.code != http.StatusOK || len(in.Token) < 26 {
		t.Fatalf("log in: %d %s", a.code, a.body)
	}
	return in.Token
}

// The page is shut before the hub is claimed, and until somebody opens it; then it is open after a restart
// too, with the same certificate, and shut again when it is told.
func TestItIsOffUntilItIsSwitchedOn(t *testing.T) {
	d := newDesk(t, guessed{Home: apitest.New(wire.Unclaimed)})
	if _, err := d.PageOn(t.Context()); wire.Code(err) != wire.CodeLocked {
		t.Errorf("without a store: %v", err)
	}
	store := &memory{}
	d.Open(t.Context(), store)
	if p, err := d.Page(t.Context()); err != nil || p.On || p.Address != "" {
		t.Errorf("at first it is %+v, %v", p, err)
	}
	first, err := d.PageOn(t.Context())
	if err != nil || !first.On || len(strings.Fields(first.Words)) != 7 || len(first.Fingerprint) != 95 {
		t.Fatalf("on: %+v, %v", first, err)
	}
	d.Close()
	if _, err := tls.Dial("tcp", strings.TrimPrefix(first.Address, "https://"), &tls.Config{InsecureSkipVerify: true}); err == nil {
		t.Error("it listens after its end")
	}
	again := newDesk(t, guessed{Home: apitest.New(wire.Open)})
	again.Open(t.Context(), store)
	p, err := again.Page(t.Context())
	if err != nil || !p.On || p.Words != first.Words || p.Fingerprint != first.Fingerprint {
		t.Errorf("after a restart: %+v, %v; it was %+v", p, err, first)
	}
	if p, err := again.PageOff(t.Context()); err != nil || p.On {
		t.Errorf("off: %+v, %v", p, err)
	}
	if _, err := tls.Dial("tcp", strings.TrimPrefix(p.Address, "https://"), &tls.Config{InsecureSkipVerify: true}); err == nil {
		t.Error("it listens though it is off")
	}
	if store.kept.On {
		t.Error("a restart would open it")
	}
}

func TestTheCertificate(t *testing.T) {
	s := shown(t)
	address := strings.TrimPrefix(s.at.Address, "https://")
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	state := c.ConnectionState()
	leaf := state.PeerCertificates[0]
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if state.Version != tls.VersionTLS13 || !ok || key.Curve != elliptic.P256() || page.Words(leaf) != s.at.Words {
		t.Errorf("TLS %x, %T, words %q not %q", state.Version, leaf.PublicKey, page.Words(leaf), s.at.Words)
	}
	if err := leaf.VerifyHostname("127.0.0.1"); err != nil || leaf.NotAfter.Sub(leaf.NotBefore) > 825*24*time.Hour {
		t.Errorf("%v, valid until %v", err, leaf.NotAfter)
	}
	if _, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}); err == nil {
		t.Error("TLS 1.2 is spoken")
	}
}

func TestWhatStrangersSee(t *testing.T) {
	s := shown(t)
	total := 0
	for _, path := range []string{"/", "/page.css", "/page.js", "/icon.svg"} {
		a := s.ask(t, "GET "+path, "", "")
		total += len(a.body)
		if a.code != http.StatusOK {
			t.Errorf("%s: %d", path, a.code)
		}
		for name, part := range map[string]string{"Content-Security-Policy": "frame-ancestors 'none'", "Cache-Control": "no-store",
			"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"} {
			if !strings.Contains(a.header.Get(name), part) {
				t.Errorf("%s: %s is %q", path, name, a.header.Get(name))
			}
		}
		if csp := a.header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || a.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %s, %s", path, csp, a.header.Get("Set-Cookie"))
		}
		for _, secret := range []string{"Porch", "Mia", "X-HM", "0.1", "Rocket"} {
			if path != "/page.css" && strings.Contains(a.body, secret) {
				t.Errorf("%s tells %s", path, secret)
			}
		}
	}
	t.Logf("%d bytes", total)
	if total > 60_000 {
		t.Errorf("the page has %d bytes", total)
	}
	for _, line := range []string{"GET /api/v1/events", "GET /api/v1/homekit", "GET /api/v1/accessories", "GET /api/v1/labels", "GET /api/v1/privacy/inventory", "POST /qr", "POST /stay", "GET /page.html", "GET /../page.js", "DELETE /api/v1/clips/x", "GET /debug/pprof/"} {
		if a := s.ask(t, line, "no such token", ""); a.code != http.StatusUnauthorized || !strings.Contains(a.body, wire.CodeStranger) {
			t.Errorf("%s: %d %s", line, a.code, a.body)
		}
	}
	if a := s.ask(t, "GET /api/v1/status", "", ""); a.code != http.StatusOK || strings.Contains(a.body, "0.1") || !strings.Contains(a.body, `"claimed"`) {
		t.Errorf("status: %d %s", a.code, a.body)
	}
}

func TestTheLanguage(t *testing.T) {
	s := shown(t)
	for asked, want := range map[string]string{"": "en", "de-AT,en;q=0.5": "de", "xx,en;q=0.3,de;q=0.8": "de", "de;q=oops, en": "en", "tlh": "en"} {
		if a := s.ask(t, "GET /", "", "", "Accept-Language", asked); !strings.Contains(a.body, `<html lang="`+want+`">`) {
			t.Errorf("%q is not answered in %s", asked, want)
		}
	}
	if a := s.ask(t, "GET /?lang=de", "", "", "Accept-Language", "en"); !strings.Contains(a.body, "Anmelden") {
		t.Error("a chosen language does not count")
	}
	if a := s.ask(t, "GET /text?lang=de&key=hub.password", "", ""); !strings.Contains(a.body, "Passwort") {
		t.Errorf("a text is %s", a.body)
	}
	if a := s.ask(t, "GET /text?key=no.such.key", "", ""); strings.TrimSpace(a.body) != "{}" {
		t.Errorf("no text is %s", a.body)
	}
	if a := s.ask(t, "GET /", "", ""); regexp.MustCompile(`[>:]"?(page|tile|trait|accessory|home)\.[a-z]`).MatchString(a.body) {
		t.Errorf("a key has no text: %s", a.body)
	}
}

// Another site, an evil name for this machine and a form of another page change nothing.
func TestForeignPagesAreRefused(t *testing.T) {
	s := shown(t)
	token := s.logIn(t)
	do := `{"trait":"speed","value":50}`
	line := "POST /api/v1/accessories/" + apitest.Toy + "/do"
	for _, headers := range [][]string{
		{"Host", "evil.example"}, {"Host", "hub.evil.example:443"}, {"Origin", "https://evil.example"}, {"Origin", "null"},
		{"Origin", "http://" + strings.TrimPrefix(s.at.Address, "https://")}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"},
	} {
		if a := s.ask(t, line, token, do, headers...); a.code != http.StatusMisdirectedRequest {
			t.Errorf("%v: %d %s", headers, a.code, a.body)
		}
	}
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", ""} {
		if a := s.ask(t, "POST /login", "", `{"password":"`+apitest.Password+`"}`, "Content-Type", kind); a.code != http.StatusUnsupportedMediaType {
			t.Errorf("a simple form of %q: %d %s", kind, a.code, a.body)
		}
	}
	if done := s.home.Orders(); len(done) != 0 {
		t.Errorf("they had things do %v", done)
	}
	if a := s.ask(t, line, token, do, "Origin", s.at.Address, "Sec-Fetch-Site", "same-origin"); a.code != http.StatusNoContent || len(s.home.Orders()) != 1 {
		t.Errorf("the own page: %d %s", a.code, a.body)
	}
}

// Who logged in sees how safe things are and how much is kept; what forgets is not the page's.
func TestThePageShowsLabelsAndCounts(t *testing.T) {
	s := shown(t)
	token := s.logIn(t)
	for line, want := range map[string]string{"GET /api/v1/labels": `"line":"encrypted"`, "GET /api/v1/privacy/inventory": `"category":"location"`} {
		if a := s.ask(t, line, token, ""); a.code != http.StatusOK || !strings.Contains(a.body, want) {
			t.Errorf("%s: %d %s", line, a.code, a.body)
		}
	}
	for _, line := range []string{"POST /api/v1/privacy/forget", "GET /api/v1/privacy/receipts", "POST /api/v1/privacy/plan", "POST /api/v1/accessories/" + apitest.Camera + "/label/check"} {
		if a := s.ask(t, line, token, "{}"); a.code != http.StatusForbidden {
			t.Errorf("%s: %d %s", line, a.code, a.body)
		}
	}
}
