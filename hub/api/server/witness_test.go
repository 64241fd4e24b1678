package server_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// seen notes what it hears of, and whether that ended.
type seen struct {
	mu    sync.Mutex
	looks []server.Look
	ended int
}

func (s *seen) Looked(l server.Look) func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks = append(s.looks, l)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.ended++
	}
}

// watched is the family's hub with a witness, for an app of a role.
func watched(role string) (http.Handler, *seen) {
	h, s := apitest.New(wire.Open), &seen{}
	api := server.New(server.Options{Hub: h, Feed: h.Feed, Caller: server.Paired, Shared: &server.Shared{Witness: s}})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		api.ServeHTTP(w, r.WithContext(server.WithApp(r.Context(), wire.App{ID: "app-1", Name: "phone", Role: role, Person: "mia"})))
	}), s
}

func TestALookIsNotedWhereItIsLetIn(t *testing.T) {
	camera := "/accessories/" + apitest.Camera
	past := "/history?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&trait="
	for name, c := range map[string]struct {
		role, method, path string
		act                string // "": none
	}{
		"a picture":                             {wire.RoleMember, "GET", camera + "/still", "still"},
		"a picture for a guest":                 {wire.RoleGuest, "GET", camera + "/still", ""},
		"a picture for a stranger":              {"", "GET", camera + "/still", ""},
		"a picture of what has none":            {wire.RoleOwner, "GET", "/accessories/none/still", ""},
		"where people are":                      {wire.RoleGuardian, "GET", "/accessories", "place"},
		"what is in the home":                   {wire.RoleMember, "GET", "/accessories", ""},
		"where somebody was":                    {wire.RoleGuardian, "GET", "/accessories/" + apitest.Watch + past + "where", "history"},
		"where somebody was, for a member":      {wire.RoleMember, "GET", "/accessories/" + apitest.Watch + past + "where", ""},
		"how full a battery was":                {wire.RoleGuardian, "GET", "/accessories/" + apitest.Watch + past + "battery", ""},
		"a recording that there is not":         {wire.RoleOwner, "GET", "/clips/none", ""},
		"an export with the wrong password":     {wire.RoleOwner, "POST", "/export", ""},
		"the list of recordings":                {wire.RoleOwner, "GET", "/clips", ""},
		"the zones, which are places, not whom": {wire.RoleOwner, "GET", "/zones", ""},
	} {
		t.Run(name, func(t *testing.T) {
			api, s := watched(c.role)
			code, said := call(api, c.method, "/api/v1"+c.path, `{"password":"wrong","path":"/tmp/x"}`)
			switch {
			case c.act == "" && len(s.looks) > 0:
				t.Errorf("noted %+v of %d %s", s.looks, code, said)
			case c.act != "" && (len(s.looks) != 1 || s.looks[0].Act != c.act || s.looks[0].App.ID != "app-1" || s.ended != 1):
				t.Errorf("noted %+v, ended %d, of %d %s", s.looks, s.ended, code, said)
			}
		})
	}
}

// Who follows what happens in the home sees where people are until they hang up.
func TestFollowingIsALookThatLasts(t *testing.T) {
	api, s := watched(wire.RoleGuardian)
	first(t, api, "")
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.looks) != 1 || s.looks[0].Act != "place" || !s.looks[0].Long {
		t.Errorf("noted %+v", s.looks)
	}
}

// Every route that gives pictures or films is known to the gate: a new one that is not turns this red.
func TestEveryRouteThatShowsSomethingIsNoted(t *testing.T) {
	api, _ := watched(wire.RoleOwner)
	rec := httptest.NewRecorder()
	api.ServeHTTP(rec, httptest.NewRequest("GET", "/api/v1/openapi.yaml", nil))
	var showing []string
	id := ""
	for line := range strings.Lines(rec.Body.String()) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "operationId: "); ok {
			id = name
		}
		for _, media := range []string{"image/jpeg:", "video/mp4:", "multipart/x-mixed-replace:", "audio/"} {
			if strings.HasPrefix(line, media) {
				showing = append(showing, id)
			}
		}
	}
	if len(showing) < 4 {
		t.Fatalf("only %q show anything", showing)
	}
	for _, id := range showing {
		if !slices.Contains(server.Shown(), id) {
			t.Errorf("%s gives what nobody keeps who looked at", id)
		}
	}
}
