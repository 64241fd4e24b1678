package main

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Who logged in to the plain page is out once there is another password, and comes in with that; a claim is
// not made there.
func TestANewPasswordEndsThePagesSessions(t *testing.T) {
	t.Parallel()
	_, c := running(t, shortDir(t), "--page", "127.0.0.1:0")
	if _, err := c.SetPage(t.Context(), true); err == nil {
		t.Fatal("an unclaimed hub shows a page")
	}
	if _, err := c.Setup(t.Context(), password); err != nil {
		t.Fatal(err)
	}
	at, err := c.SetPage(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer tr.CloseIdleConnections()
	browser := &http.Client{Transport: tr, Timeout: 30 * time.Second}
	ask := func(method, path, token, body string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, at.Address+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+token)
		resp, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		said, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(said)
	}
	enter := func(password string) (int, string) {
		t.Helper()
		code, said := ask("POST", "/login", "", `{"password":"`+password+`"}`)
		var in struct{ Token string }
		if err := json.Unmarshal([]byte(said), &in); err != nil {
			t.Fatal(err)
		}
		return code, in.Token
	}
	const next = "seven lanterns paint quiet otters"
	_, token := enter(password)
	if code, said := ask("GET", "/api/v1/homekit", token, ""); code != http.StatusOK || !strings.Contains(said, "X-HM://") {
		t.Fatalf("after the log-in: %d %s", code, said)
	}
	if err := c.ChangePassword(t.Context(), password, next); err != nil {
		t.Fatal(err)
	}
	if code, said := ask("GET", "/api/v1/homekit", token, ""); code != http.StatusUnauthorized {
		t.Errorf("with the old token: %d %s", code, said)
	}
	if code, _ := enter(password); code != http.StatusUnauthorized {
		t.Errorf("with the old password: %d", code)
	}
	soon(t, "the new password is let in", func() bool { code, _ := enter(next); return code == http.StatusOK })
}
