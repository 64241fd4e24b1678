package server_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"image/jpeg"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
)

var update = flag.Bool("update", false, "write openapi.yaml anew")

func dial(t *testing.T, h *apitest.Home) *client.Client {
	t.Helper()
	socket := apitest.Socket(t)
	h.Serve(t, socket)
	c := client.Dial(socket)
	t.Cleanup(c.Close)
	return c
}

func TestTheDescriptionIsCommitted(t *testing.T) {
	got, err := server.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("openapi.yaml", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("openapi.yaml differs from the code; run go test ./hub/api/server -update and look at the difference")
	}
	if bytes.Contains(got, []byte("ErrorModel")) || !bytes.Contains(got, []byte("openapi: 3.1")) {
		t.Error("the description speaks of the framework's errors, or is not OpenAPI 3.1")
	}
}

func TestAStrangerLearnsOnlyTheState(t *testing.T) {
	h := apitest.New(wire.Open)
	api := server.New(server.Options{Hub: h, Feed: h.Feed})
	for _, line := range server.Routes() {
		method, path, access := line[0], strings.ReplaceAll(line[1], "{id}", apitest.Toy), line[2]
		if access == "undeclared" {
			t.Errorf("%s %s declares nobody", method, path)
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader("{}")))
		if access == "public" {
			if path != "/api/v1/status" {
				t.Errorf("%s is open to strangers", path)
			}
			if body := w.Body.String(); w.Code != 200 || strings.Contains(body, "482") || strings.Contains(body, "X-HM") {
				t.Errorf("a stranger was told %d %s", w.Code, body)
			}
			continue
		}
		if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), wire.CodeStranger) {
			t.Errorf("%s %s answered a stranger %d %s", method, path, w.Code, w.Body)
		}
	}
}

// The mux answers a path with dots or empty parts itself, with a redirection in HTML: an answer that is
// none of ours, and one that a client takes for a mistake of the hub.
func TestOddPathsAreRefusedInOurWords(t *testing.T) {
	h := apitest.New(wire.Open)
	api := server.New(server.Options{Hub: h, Feed: h.Feed, Caller: server.Peer})
	for _, path := range []string{"//api/v1/people", "/api/v1/../v1/people", "/api/v1/accessories//do", "/api/v1/accessories/..", "/api/v1/people/", "/"} {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), wire.CodeUnknown) {
			t.Errorf("%s was answered %d %s", path, w.Code, w.Body)
		}
	}
}

func TestALockedHubTakesOnlyThePassword(t *testing.T) {
	c, ctx := dial(t, apitest.New(wire.Locked)), t.Context()
	if _, err := c.Accessories(ctx); wire.Code(err) != wire.CodeLocked {
		t.Errorf("a locked hub lists accessories: %v", err)
	}
	if err := c.Events(ctx, func(wire.Event) error { return nil }); wire.Code(err) != wire.CodeLocked {
		t.Errorf("a locked hub streams: %v", err)
	}
	if err := c.Unlock(ctx, "wrong"); wire.Code(err) != wire.CodePassword {
		t.Errorf("a wrong password: %v", err)
	}
	if _, err := c.Setup(ctx, "another password of mine"); wire.Code(err) != wire.CodeClaimed {
		t.Errorf("setup of a claimed hub: %v", err)
	}
	if err := c.Unlock(ctx, apitest.Password); err != nil {
		t.Fatal(err)
	}
	if s, err := c.Status(ctx); err != nil || s.State != wire.Open || s.HomeKit[0].SetupCode == "" {
		t.Errorf("after unlock: %+v, %v", s, err)
	}
}

func TestAnUnclaimedHubTakesOnlySetup(t *testing.T) {
	c, ctx := dial(t, apitest.New(wire.Unclaimed)), t.Context()
	if _, err := c.People(ctx); wire.Code(err) != wire.CodeUnclaimed {
		t.Errorf("an unclaimed hub lists people: %v", err)
	}
	if err := c.Unlock(ctx, "x"); wire.Code(err) != wire.CodeUnclaimed {
		t.Errorf("unlock of an unclaimed hub: %v", err)
	}
	var p *wire.Problem
	if _, err := c.Setup(ctx, "short"); !errors.As(err, &p) || p.Code != "password.too_short" || p.Status != 422 || p.Args["min"] != "15" {
		t.Errorf("a short password: %v", err)
	}
	if a, err := c.Setup(ctx, "a long enough password"); err != nil || a.RecoveryCode != apitest.RecoveryCode || len(a.HomeKit) != 1 {
		t.Errorf("setup: %+v, %v", a, err)
	}
}

func TestTheHomeThroughTheSocket(t *testing.T) {
	h := apitest.New(wire.Open)
	c, ctx := dial(t, h), t.Context()
	made, err := c.Add(ctx, wire.AddRequest{Driver: "rtsp", Name: "Garden", Address: "rtsp://127.0.0.1/", Fields: map[string]string{"user": "u"}, Secret: map[string]string{"password": "p"}})
	if err != nil || made.ID == "" {
		t.Fatal(made, err)
	}
	if _, err := c.Add(ctx, wire.AddRequest{Driver: "rtsp", Name: "Garden"}); wire.Code(err) != wire.CodeName {
		t.Errorf("a name was given twice: %v", err)
	}
	if err := c.Remove(ctx, made.ID); err != nil {
		t.Error(err)
	}
	if err := c.Remove(ctx, made.ID); wire.Code(err) != wire.CodeUnknown {
		t.Errorf("removed twice: %v", err)
	}
	if err := c.Do(ctx, apitest.Toy, wire.Do{Trait: "speed", Value: []byte("50")}); err != nil {
		t.Error(err)
	}
	if done := h.Orders(); len(done) != 1 || string(done[0].Value) != "50" || done[0].Trait != "speed" {
		t.Errorf("the toy was told %+v", done)
	}
	if err := c.Do(ctx, apitest.Toy, wire.Do{Trait: "battery", Value: []byte("50")}); wire.Code(err) != wire.CodeTrait {
		t.Errorf("a toy's battery was set: %v", err)
	}
	still, err := c.Still(ctx, apitest.Camera, 320, 180)
	if err != nil {
		t.Fatal(err)
	}
	if age := time.Since(still.At); age < 0 || age > time.Minute {
		t.Errorf("the still is %v old", age)
	}
	if m, err := jpeg.Decode(bytes.NewReader(still.JPEG)); err != nil || m.Bounds().Dx() != 320 {
		t.Errorf("the still: %v", err)
	}
}

func TestTheFamilyThroughTheSocket(t *testing.T) {
	c, ctx := dial(t, apitest.New(wire.Open)), t.Context()
	p, err := c.AddPerson(ctx, wire.Person{Name: "Noor", Role: "guardian"})
	if err != nil || p.ID == "" {
		t.Errorf("person %+v, %v", p, err)
	}
	if _, err := c.AddPerson(ctx, wire.Person{Name: "Noor", Role: "king"}); wire.Code(err) != wire.CodeInvalid {
		t.Errorf("a king was added: %v", err)
	}
	if z, err := c.AddZone(ctx, wire.Zone{Name: "School", Lat: 52.5, Lon: 13.4, Radius: 150}); err != nil || z.ID == "" {
		t.Errorf("zone %+v, %v", z, err)
	}
	if _, err := c.AddZone(ctx, wire.Zone{Name: "Nowhere", Lat: 152, Radius: 1}); wire.Code(err) != wire.CodeInvalid {
		t.Errorf("a zone off the globe: %v", err)
	}
	people, err := c.People(ctx)
	zones, err2 := c.Zones(ctx)
	if err := errors.Join(err, err2); err != nil || len(people) != 3 || len(zones) != 2 {
		t.Errorf("%d people, %d zones, %v", len(people), len(zones), err)
	}
	if list, err := c.Troubles(ctx); err != nil || list == nil || len(list) != 0 {
		t.Errorf("troubles %v, %v", list, err)
	}
}

func TestHomeKitThroughTheSocket(t *testing.T) {
	h := apitest.New(wire.Open)
	h.Bridge(wire.HomeKit{ID: "private", Name: "Bridge", Kind: "private"})
	c, ctx := dial(t, h), t.Context()
	if list, err := c.HomeKit(ctx); err != nil || len(list) != 2 || list[0].SetupURI != apitest.SetupURI {
		t.Errorf("servers %+v, %v", list, err)
	}
	if s, err := c.NewCode(ctx, "bridge"); err != nil || s.SetupCode != apitest.NewSetupCode {
		t.Errorf("a new code: %+v, %v", s, err)
	}
	if s, err := c.Arm(ctx, "private", 90*time.Second); err != nil || s.ArmedUntil == nil || time.Until(*s.ArmedUntil) > 90*time.Second {
		t.Errorf("armed: %+v, %v", s, err)
	}
	if err := errors.Join(c.Unpair(ctx, "bridge"), c.Disarm(ctx, "private")); err != nil {
		t.Error(err)
	}
	_, newCode := c.NewCode(ctx, "nobody")
	_, arm := c.Arm(ctx, "bridge", time.Minute)
	_, never := c.Arm(ctx, "private", 0)
	_, long := c.Arm(ctx, "private", 25*time.Hour)
	for _, r := range []struct {
		err  error
		code string
	}{{newCode, wire.CodeNoServer}, {c.Unpair(ctx, "nobody"), wire.CodeNoServer}, {c.Disarm(ctx, "nobody"), wire.CodeNoServer},
		{arm, wire.CodeNotPrivate}, {c.Disarm(ctx, "bridge"), wire.CodeNotPrivate}, {never, wire.CodeInvalid}, {long, wire.CodeInvalid},
		{c.Unpair(ctx, strings.Repeat("x", 65)), wire.CodeInvalid}, {c.Unpair(ctx, "x/../bridge"), wire.CodeUnknown}} {
		if wire.Code(r.err) != r.code {
			t.Errorf("refused with %v, want %s", r.err, r.code)
		}
	}
}

func TestARefusalNeverRepeatsThePassword(t *testing.T) {
	api := apitest.New(wire.Unclaimed).API()
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/api/v1/setup", strings.NewReader(`{"password":"my secret words","extra":"my secret words"}`))
	r.Header.Set("Content-Type", "application/json")
	api.ServeHTTP(w, r)
	if w.Code != 422 || strings.Contains(w.Body.String(), "secret") || !strings.Contains(w.Body.String(), wire.CodeInvalid) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("content type %q", ct)
	}
}

func TestTheSocketIsPrivateAndReplaced(t *testing.T) {
	socket := apitest.Socket(t)
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	_ = left.Close()
	h := apitest.New(wire.Open)
	h.Serve(t, socket)
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm()&^0o060 != 0o600 {
		t.Errorf("the socket's mode is %v, %v", info.Mode(), err)
	}
	if err := server.ServeUnix(context.Background(), socket, h.API(), nil); !errors.Is(err, server.ErrSocketInUse) {
		t.Errorf("a second hub: %v", err)
	}
	if err := server.ServeUnix(context.Background(), "/tmp/"+strings.Repeat("x", 120), h.API(), nil); err == nil || !strings.Contains(err.Error(), "107") {
		t.Errorf("a path that is too long: %v", err)
	}
}
