package server_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/frames"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// What a camera recorded through the socket: nothing before it is switched on.
func TestClipsThroughTheSocket(t *testing.T) {
	h, socket := apitest.New(wire.Open), apitest.Socket(t)
	h.Serve(t, socket)
	c := client.Dial(socket)
	defer c.Close()
	ctx := t.Context()
	if err := c.Record(ctx, apitest.Camera); wire.Code(err) != "clips.off" {
		t.Errorf("by hand: %v", err)
	}
	rule, err := c.SetClipRule(ctx, apitest.Camera, wire.ClipRule{On: true, Days: 3})
	if err != nil || !rule.On {
		t.Fatal(rule, err)
	}
	if rule, err = c.ClipRule(ctx, apitest.Camera); err != nil || rule.Days != 3 {
		t.Error(rule, err)
	}
	if err := c.Record(ctx, apitest.Camera); err != nil {
		t.Error(err)
	}
	list, err := c.Clips(ctx, apitest.Camera)
	if err != nil || len(list) != 2 || list[0].State != "recording" || list[1].Lasts().Seconds() != 14 {
		t.Fatal(list, err)
	}
	id := list[1].ID
	if raw, err := c.ClipStill(ctx, id); err != nil || string(raw[:3]) != "\xff\xd8\xff" {
		t.Errorf("%q, %v", raw[:min(len(raw), 3)], err)
	}
	if one, err := c.KeepClip(ctx, id, true); err != nil || !one.Kept {
		t.Error(one, err)
	}
	if _, err := c.ExportClip(ctx, id, wire.ClipExportRequest{Password: "x", Path: "/x"}); wire.Code(err) != wire.CodePassword {
		t.Error(err)
	}
	if made, err := c.ExportClip(ctx, id, wire.ClipExportRequest{Password: apitest.Password, Path: "/x"}); err != nil || made.Path != "/x" {
		t.Error(made, err)
	}
	if err := c.DeleteClip(ctx, id); err != nil {
		t.Error(err)
	}
	if _, err := c.Clip(ctx, id); wire.Code(err) != "clips.unknown" {
		t.Error(err)
	}
	if _, err := c.SetClipRule(ctx, apitest.Camera, wire.ClipRule{Days: -1}); wire.Code(err) != wire.CodeInvalid {
		t.Error(err)
	}
}

// A film is given in any range of its bytes and stays in no cache.
func TestAFilmIsGivenInRanges(t *testing.T) {
	get := func(caller server.Access, state wire.State, headers ...string) *http.Response {
		w := httptest.NewRecorder()
		api := server.New(server.Options{Hub: apitest.New(state), Feed: server.NewFeed(), Caller: func(*http.Request) server.Access { return caller }})
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/clips/clip-1", nil)
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		api.ServeHTTP(w, r)
		return w.Result()
	}
	for _, c := range []struct {
		want, span string
		status     int
	}{{apitest.ClipFilm, "", 200}, {apitest.ClipFilm[2:6], "bytes=2-5", 206}, {apitest.ClipFilm[len(apitest.ClipFilm)-4:], "bytes=-4", 206}} {
		a := get(server.Owner, wire.Open, "Range", c.span)
		raw, err := io.ReadAll(a.Body)
		if err != nil || a.StatusCode != c.status || string(raw) != c.want || a.Header.Get("Content-Type") != "video/mp4" || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q: %d, %q, %v, %v", c.span, a.StatusCode, raw, a.Header, err)
		}
	}
	if a := get(server.Owner, wire.Open, "Range", "bytes=900-"); a.StatusCode != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("beyond its end: %d", a.StatusCode)
	}
	if a := get(server.Member, wire.Open); a.StatusCode != http.StatusNotFound {
		t.Errorf("a member: %d", a.StatusCode)
	}
	if a := get(server.Owner, wire.Locked); a.StatusCode != http.StatusLocked {
		t.Errorf("locked: %d", a.StatusCode)
	}
}

// Recordings are for owners and guardians, or for the persons whom the household named. To everybody else
// there are none, and none are for scripts.
func TestWhoMaySeeARecording(t *testing.T) {
	h := apitest.New(wire.Open)
	api := server.New(server.Options{Hub: h, Feed: h.Feed, Caller: server.Paired})
	get := func(ctx context.Context, path string) (int, string) {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/clips"+path, nil))
		return w.Code, w.Body.String()
	}
	app := func(role, person string) context.Context {
		return server.WithApp(t.Context(), wire.App{ID: role + "-" + person, Role: role, Person: person})
	}
	for _, named := range [][]string{nil, {"mia"}} {
		if _, err := h.Clips().SetRule(t.Context(), apitest.Camera, wire.ClipRule{On: true, People: named}); err != nil {
			t.Fatal(err)
		}
		for who, c := range map[string]struct {
			ctx  context.Context
			sees bool
		}{
			"the owner":           {app(wire.RoleOwner, "sam"), true},
			"a guardian":          {app(wire.RoleGuardian, "noor"), named == nil},
			"a guardian's script": {server.WithScript(t.Context(), wire.Token{ID: "token-1", Role: wire.RoleGuardian}), false},
			"a member":            {app(wire.RoleMember, ""), false},
			"a guest":             {app(wire.RoleGuest, "sam"), false},
			"Mia":                 {app(wire.RoleGuest, "mia"), named != nil},
		} {
			if code, said := get(c.ctx, ""); code != http.StatusOK || strings.Contains(said, "clip-1") != c.sees {
				t.Errorf("for %v, %s is told %d %s", named, who, code, said)
			}
			for _, path := range []string{"/clip-1", "/clip-1/about", "/clip-1/still", "/clip-1/frames?from=13900"} {
				if code, said := get(c.ctx, path); (code != http.StatusNotFound) != c.sees {
					t.Errorf("for %v, %s gets %s: %d %.80s", named, who, path, code, said)
				}
			}
		}
	}
	if _, err := h.Place(t.Context(), apitest.Toy, wire.Placement{Private: true}); err != nil {
		t.Fatal(err)
	}
	if code, said := get(app(wire.RoleGuardian, ""), "?camera=Rocket"); code != http.StatusNotFound || !strings.Contains(said, wire.CodeUnknown) {
		t.Errorf("a guardian who asks for a private toy: %d %s", code, said)
	}
}

// Pictures that move are sent as they come, and a refusal is told as long as none came.
func TestPicturesAreSentAsTheyCome(t *testing.T) {
	h, socket := apitest.New(wire.Open), apitest.Socket(t)
	h.Serve(t, socket)
	c := client.Dial(socket)
	defer c.Close()
	enough := errors.New("enough")
	n := 0
	take := func(f frames.Frame) error {
		if n++; n == 3 {
			return enough
		}
		return nil
	}
	as := wire.Look{Width: 160, Height: 90, Rate: 15}
	if err := c.Frames(t.Context(), apitest.Camera, as, take); !errors.Is(err, enough) { // it has no end of its own
		t.Error(err)
	}
	n = 0
	if err := c.ClipFrames(t.Context(), "clip-1", 0, as, take); !errors.Is(err, enough) {
		t.Error(err)
	}
	if err := c.Frames(t.Context(), apitest.Toy, as, take); wire.Code(err) != wire.CodeUnknown {
		t.Error(err)
	}
	if err := c.ClipFrames(t.Context(), "clip-9", 0, as, take); wire.Code(err) != "clips.unknown" {
		t.Error(err)
	}
	if err := c.Frames(t.Context(), apitest.Camera, wire.Look{Width: 1 << 20, Height: 90, Rate: 15}, take); wire.Code(err) != wire.CodeInvalid {
		t.Error(err)
	}
}
