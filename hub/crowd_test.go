package main

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/entrance"
)

// A stranger opens three times as many connections as the hub holds: the first ones are closed, and
// whoever comes last is answered.
func TestACrowdDoesNotKeepTheLastOneOut(t *testing.T) {
	p, _ := running(t, shortDir(t))
	address := strings.TrimPrefix(p.ready.API, "https://")
	var held []net.Conn
	for range 3 * entrance.Most {
		c := must[net.Conn](t)(net.Dial("tcp", address))
		defer c.Close()
		held = append(held, c)
	}
	insecure := &http.Client{Timeout: patience, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	resp := must[*http.Response](t)(insecure.Get(p.ready.API + "/api/v1/status"))
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the last one was answered %s", resp.Status)
	}
	open := 0
	for _, c := range held { // those that idle are closed later, by the clock: ask at once
		_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := io.ReadAll(c); errors.Is(err, os.ErrDeadlineExceeded) {
			open++
		}
	}
	if open > entrance.Most {
		t.Errorf("%d idle connections are held, want %d at most", open, entrance.Most)
	}
}
