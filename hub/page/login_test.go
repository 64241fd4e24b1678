package page_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/keys"
)

// What a log-in is good for, and what it is not.
func TestASession(t *testing.T) {
	s := shown(t)
	for _, body := range []string{`{"password":"wrong"}`, `{`, `{"password":1}`, `{"password":"` + strings.Repeat("x", 9<<10) + `"}`} {
		if a := s.ask(t, "POST /login", "", body); a.code < 400 || strings.Contains(a.body, "token") {
			t.Errorf("%.40s: %d %s", body, a.code, a.body)
		}
	}
	token := s.logIn(t)
	if a := s.ask(t, "GET /api/v1/status", token, ""); !strings.Contains(a.body, `"open"`) {
		t.Errorf("the status is %s", a.body)
	}
	if a := s.ask(t, "GET /api/v1/homekit", token, ""); a.code != http.StatusOK || !strings.Contains(a.body, apitest.SetupURI) {
		t.Errorf("HomeKit: %d %s", a.code, a.body)
	}
	if a := s.ask(t, "POST /qr", token, `{"text":"`+apitest.SetupURI+`"}`); a.code != http.StatusOK || !strings.Contains(a.body, `"path":"M`) {
		t.Errorf("the square: %d %s", a.code, a.body)
	}
	if a := s.ask(t, "POST /qr", token, `{"text":"https://example.org"}`); a.code != http.StatusUnprocessableEntity {
		t.Errorf("any square: %d", a.code)
	}
	for _, line := range []string{"GET /api/v1/apps", "POST /api/v1/apps/invitation", "POST /api/v1/password", "POST /api/v1/page/on", "POST /api/v1/recovery-code",
		"POST /api/v1/accessories", "POST /api/v1/accessories/" + apitest.Toy, "DELETE /api/v1/apps/x", "GET /api/v1/zones", "GET /api/v1//homekit", "PUT /api/v1/status"} {
		if a := s.ask(t, line, token, "{}"); a.code != http.StatusForbidden || !strings.Contains(a.body, wire.CodeForbidden) {
			t.Errorf("%s: %d %s", line, a.code, a.body)
		}
	}
	if a := s.ask(t, "POST /logout", token, ""); a.code != http.StatusNoContent {
		t.Errorf("log out: %d", a.code)
	}
	if a := s.ask(t, "GET /api/v1/homekit", token, ""); a.code != http.StatusUnauthorized {
		t.Errorf("after logging out: %d %s", a.code, a.body)
	}
}

// What cannot be undone takes the password again, of this very session: the log-in was not it.
func TestThePasswordAgain(t *testing.T) {
	s := shown(t)
	token, other := s.logIn(t), s.logIn(t)
	line := "DELETE /api/v1/accessories/" + apitest.Toy
	if a := s.ask(t, line, token, ""); a.code != http.StatusForbidden || !strings.Contains(a.body, wire.CodeConfirm) {
		t.Errorf("at once: %d %s", a.code, a.body)
	}
	if a := s.ask(t, "POST /api/v1/unlock", token, `{"password":"wrong"}`); a.code != http.StatusUnauthorized {
		t.Errorf("a wrong one: %d %s", a.code, a.body)
	}
	if a := s.ask(t, "POST /api/v1/unlock", token, `{"password":"`+apitest.Password+`"}`); a.code != http.StatusNoContent {
		t.Errorf("the right one: %d %s", a.code, a.body)
	}
	if a := s.ask(t, line, other, ""); a.code != http.StatusForbidden {
		t.Errorf("another session: %d %s", a.code, a.body)
	}
	if a := s.ask(t, line, token, ""); a.code != http.StatusNoContent {
		t.Errorf("after it: %d %s", a.code, a.body)
	}
}

// Everybody is sent away within the second, streams too, when the page is switched off, when there is
// another password, and who logs out.
func TestASessionEnds(t *testing.T) {
	for how, end := range map[string]func(s *site, token string) error{
		"another password": func(s *site, _ string) error { s.desk.EndSessions(); return nil },
		"switched off":     func(s *site, _ string) error { _, err := s.desk.PageOff(t.Context()); return err },
		"logged out": func(s *site, token string) error {
			s.ask(t, "POST /logout", token, "")
			return nil
		},
	} {
		s := shown(t)
		token := s.logIn(t)
		stream := s.follow(t, token)
		if err := end(s, token); err != nil {
			t.Error(err)
		}
		var slow net.Error
		if _, err := io.Copy(io.Discard, stream); errors.As(err, &slow) && slow.Timeout() {
			t.Errorf("%s: the stream goes on: %v", how, err)
		}
		if how == "switched off" {
			s.switchOn(t)
		}
		if a := s.ask(t, "GET /api/v1/homekit", token, ""); a.code != http.StatusUnauthorized {
			t.Errorf("%s: the token is good: %d", how, a.code)
		}
	}
}

// A password that is not the hub's any more when it was found right opens no session.
func TestAPasswordOfBeforeOpensNothing(t *testing.T) {
	s := &site{home: apitest.New(wire.Open), store: &memory{}}
	var changed func()
	s.desk = newDesk(t, guessed{Home: s.home, right: func() { changed() }})
	changed = s.desk.EndSessions
	s.desk.Open(t.Context(), s.store)
	s.switchOn(t)
	if a := s.ask(t, "POST /login", "", `{"password":"`+apitest.Password+`"}`); a.code != http.StatusUnauthorized || strings.Contains(a.body, "token") {
		t.Errorf("%d %s", a.code, a.body)
	}
}

// Guesses are counted by the hub's own throttle, for this source and for all, and whoever sits at the
// console, or has a paired app, gets in meanwhile.
func TestGuessesAreSlowedDown(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("PATH", t.TempDir()) // without systemd-creds
	ring, err := keys.New(keys.Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	const password = "quiet otters paint seven lanterns"
	v, code, err := ring.Create(keys.From(t.Context(), keys.Console), wire.SetupRequest{Password: password, StartLocked: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(ring.Settle(), v.Close()); err != nil {
		t.Fatal(err)
	}
	s := &site{home: apitest.New(wire.Open), store: &memory{}}
	s.desk = newDesk(t, guessed{Home: s.home, ring: ring})
	s.desk.Open(t.Context(), s.store)
	s.switchOn(t)
	for tries := 0; ; tries++ { // on a slow machine a try outlasts the first waits
		a := s.ask(t, "POST /login", "", `{"password":"a wrong one that is long"}`)
		if a.code == http.StatusTooManyRequests && strings.Contains(a.body, wire.CodeTooMany) {
			break
		}
		if a.code != http.StatusUnauthorized || tries > 9 {
			t.Fatalf("guess %d: %d %s", tries, a.code, a.body)
		}
	}
	if a := s.ask(t, "POST /login", "", `{"password":"`+password+`"}`); a.code != http.StatusTooManyRequests {
		t.Errorf("the right one, too soon: %d %s", a.code, a.body)
	}
	for _, source := range []string{keys.Console, keys.App + "phone"} {
		if v, _, err := ring.Unlock(source, code); err != nil {
			t.Errorf("%q is kept out: %v", source, err)
		} else if err := v.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Strangers who hold connections push out only one another: the household's stream goes on.
func TestACrowdOfStrangers(t *testing.T) {
	s := shown(t)
	stream := s.follow(t, s.logIn(t))
	address := strings.TrimPrefix(s.at.Address, "https://")
	var first *tls.Conn
	for n := range 70 {
		c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatalf("stranger %d: %v", n, err)
		}
		defer c.Close()
		if first == nil {
			first = c
		}
	}
	var slow net.Error
	_ = first.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := first.Read(make([]byte, 1)); err == nil || errors.As(err, &slow) && slow.Timeout() {
		t.Errorf("the first stranger is still there: %v", err)
	}
	s.home.Report(apitest.Toy, trait.Speed.Of(30, time.Now()))
	for {
		line, err := stream.ReadString('\n')
		if err != nil {
			t.Fatalf("the household was pushed out: %v", err)
		}
		if strings.HasPrefix(line, "event: change") {
			return
		}
	}
}

// follow opens the stream of events and reads its first line.
func (s *site) follow(t *testing.T, token string) *bufio.Reader {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.at.Address+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := s.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	stream := bufio.NewReader(resp.Body)
	if first, err := stream.ReadString('\n'); err != nil || !strings.HasPrefix(first, "id:") {
		t.Fatalf("the stream begins with %q, %v", first, err)
	}
	return stream
}
