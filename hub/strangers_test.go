package main

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// Strangers get two answers, and a refusal to all else: another one before the hub has an owner.
func TestStrangersGetTwoAnswers(t *testing.T) {
	p, c := running(t, shortDir(t))
	address := strings.TrimPrefix(p.ready.API, "https://")
	for _, state := range []string{"unclaimed", "claimed"} {
		code, says := http.StatusForbidden, wire.CodeUnclaimed
		if state == "claimed" {
			must[wire.SetupAnswer](t)(c.Setup(t.Context(), password))
			code, says = http.StatusUnauthorized, wire.CodeStranger
		}
		for _, ask := range []struct {
			line, more string
			code       int
			says       string
		}{
			{"GET /.well-known/security.txt", "", 200, "Contact: https://"},
			{"GET /api/v1/status", "", 200, `{"ready":true,"product":"Ingle","state":"` + state + `"}`},
			{"POST /.well-known/security.txt", "", code, says},
			{"GET //.well-known/security.txt", "", code, says},
			{"GET /.well-known/../api/v1/people", "", code, says},
			{"GET //api/v1/people", "", code, says},
			{"GET /api/v1/people", "", code, says},
			{"POST /api/v1/setup", "", code, says},
			{"POST /api/v1/claim-code", "", code, says},
			{"GET /api/v1/events", "", code, says},
			{"GET /debug/pprof/", "", code, says},
			{"DELETE /", "", code, says},
			{"GET /api/v1/status", "Origin: https://example.org\r\n", http.StatusMisdirectedRequest, ""},
			{"GET /api/v1/status", "Host: evil.example\r\n", http.StatusMisdirectedRequest, ""},
			{"POST /api/v1/setup", "Sec-Fetch-Site: cross-site\r\n", http.StatusMisdirectedRequest, ""},
		} {
			resp, body := raw(t, address, ask.line, ask.more)
			if resp.StatusCode != ask.code || !strings.Contains(body, ask.says) || resp.Header.Get("Location") != "" {
				t.Errorf("%s: %d %s, want %d %s", ask.line, resp.StatusCode, body, ask.code, ask.says)
			}
			for name, value := range resp.Header {
				said := strings.ToLower(strings.Join(append(value, name, body), " "))
				if strings.Contains(said, p.ready.Version) {
					t.Errorf("%s tells the version: %s", ask.line, value)
				}
				for _, own := range ownNames(t) {
					if strings.Contains(said, strings.ToLower(own)) {
						t.Errorf("%s tells %q", ask.line, own)
					}
				}
			}
		}
	}
	tellsNothing(t, address, p.ready.Version)
	if _, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}); err == nil {
		t.Error("TLS 1.2 is spoken")
	}
}

// raw sends a request as it is written, without what a client would mend.
func raw(t *testing.T, address, line, more string) (*http.Response, string) {
	t.Helper()
	conn := must[*tls.Conn](t)(tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}))
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if s := conn.ConnectionState(); s.CurveID != tls.X25519MLKEM768 {
		t.Errorf("the keys were agreed on by %v", s.CurveID)
	}
	host, _, _ := net.SplitHostPort(address)
	if !strings.Contains(more, "Host: ") {
		more += "Host: " + host + "\r\n"
	}
	if _, err := io.WriteString(conn, line+" HTTP/1.1\r\n"+more+"Content-Length: 0\r\nConnection: close\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp := must[*http.Response](t)(http.ReadResponse(bufio.NewReader(conn), nil))
	defer resp.Body.Close()
	body := must[[]byte](t)(io.ReadAll(resp.Body))
	return resp, string(body)
}

// tellsNothing looks for the machine and the version in the hub's certificate.
func tellsNothing(t *testing.T, address, version string) {
	t.Helper()
	conn := must[*tls.Conn](t)(tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}))
	shown := string(conn.ConnectionState().PeerCertificates[0].Raw)
	_ = conn.Close()
	for _, own := range ownNames(t) {
		if strings.Contains(shown, own) {
			t.Errorf("the certificate tells %q", own)
		}
	}
	if strings.Contains(shown, version) {
		t.Error("the certificate tells the version")
	}
}

// ownNames are what tells machines apart: its name, and the addresses of its network cards.
func ownNames(t *testing.T) []string {
	t.Helper()
	var names []string
	if host := must[string](t)(os.Hostname()); len(host) > 5 { // "hub" is in every second text
		names = append(names, host)
	}
	for _, card := range must[[]net.Interface](t)(net.Interfaces()) {
		if len(card.HardwareAddr) > 0 {
			names = append(names, card.HardwareAddr.String())
		}
	}
	return names
}
