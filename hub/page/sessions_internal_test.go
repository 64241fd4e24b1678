package page

import (
	"bytes"
	"context"
	"crypto/x509"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSessionsEndByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sessions
		defer s.end()
		lazy, _ := s.begin(0)
		busy, _ := s.begin(0)
		<-time.After(idle - time.Second)
		if s.of(lazy, false) == nil || s.of(busy, true) == nil {
			t.Fatal("they ended early")
		}
		ended := s.of(lazy, false).ctx
		<-time.After(2 * time.Second)
		if s.of(lazy, false) != nil || ended.Err() == nil {
			t.Error("what only looks on keeps a session")
		}
		begun := s.of(busy, true).begun
		for s.of(busy, true) != nil {
			<-time.After(idle / 2)
		}
		if lasted := time.Since(begun); lasted < longest || lasted > longest+idle {
			t.Errorf("one that is used lasts %v", lasted)
		}
	})
}

func TestSessionsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s sessions
		defer s.end()
		first, _ := s.begin(0)
		for range maxSessions {
			<-time.After(time.Second)
			_, _ = s.begin(0)
		}
		if len(s.list) != maxSessions || s.of(first, true) != nil {
			t.Errorf("%d sessions, the first is among them: %v", len(s.list), s.of(first, true) != nil)
		}
		if s.of("", true) != nil {
			t.Error("no token is good")
		}
	})
}

// A certificate is renewed before its end, with the key that people know.
func TestARenewedCertificateKeepsItsWords(t *testing.T) {
	now := time.Now()
	first, err := issue(State{}, now.Add(-valid+renew-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	d := New(Options{})
	store := &kept{State: first}
	d.store, d.state = store, first
	if err := d.certify(t.Context()); err != nil {
		t.Fatal(err)
	}
	old, err := x509.ParseCertificate(first.Cert)
	if err != nil {
		t.Fatal(err)
	}
	if Words(old) != Words(d.cert.Leaf) || !d.cert.Leaf.NotAfter.After(now.Add(renew)) || bytes.Equal(store.Cert, first.Cert) {
		t.Errorf("words %q then %q, until %v", Words(old), Words(d.cert.Leaf), d.cert.Leaf.NotAfter)
	}
	same := d.cert
	if err := d.certify(t.Context()); err != nil || d.cert != same {
		t.Errorf("it was renewed again: %v", err)
	}
}

type kept struct{ State }

func (k *kept) Load(context.Context) (State, error)   { return k.State, nil }
func (k *kept) Save(_ context.Context, s State) error { k.State = s; return nil }

// Every text that the script names is there, in every language, and nothing but words is drawn.
func TestTheScript(t *testing.T) {
	script, err := files.ReadFile("page.js")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(keys(script)); n < 30 {
		t.Errorf("it names %d texts", n)
	}
	for _, sink := range []string{"innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "localStorage", "sessionStorage", "document.cookie"} {
		if strings.Contains(string(script), sink) {
			t.Errorf("it uses %s", sink)
		}
	}
}

func FuzzLanguage(f *testing.F) {
	for _, seed := range []string{"de-AT,en;q=0.5", ",,;q=", "en;q=NaN", strings.Repeat("de,", 100)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if got := preferred(header); got != "" && !strings.Contains(header, got) {
			t.Errorf("%q gave %q", header, got)
		}
	})
}

func FuzzScope(f *testing.F) {
	for _, seed := range []string{"/api/v1/status", "/api/v1/accessories/a/do", "/api/v1/accessories//do", "/api/v1/apps/x", "/api/v1/../v1/apps"} {
		f.Add("GET", seed)
		f.Add("POST", seed)
		f.Add("DELETE", seed)
	}
	f.Fuzz(func(t *testing.T, method, path string) {
		if !inScope(method, path) {
			return
		}
		for _, shut := range []string{"/apps", "/password", "/recovery-code", "/boot", "/keys", "/page", "/setup", "/people", "/zones", "/backup"} {
			if clean, err := url.PathUnescape(path); err == nil && strings.HasPrefix(clean, api+shut) {
				t.Errorf("%s %s is in the scope", method, path)
			}
		}
	})
}
