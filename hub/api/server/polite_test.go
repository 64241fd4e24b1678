package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// send is a request with headers: name and value in turn.
func send(api http.Handler, method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	return w
}

func TestEveryRefusalIsAProblem(t *testing.T) {
	api := as(apitest.New(wire.Open), wire.RoleOwner)
	for _, c := range []struct {
		method, path, body, kind string
		status                   int
		code                     string
	}{
		{"GET", "/api/v1/nothing", "", "", 404, wire.CodeUnknown},
		{"GET", "/", "", "", 404, wire.CodeUnknown},
		{"PUT", "/api/v1/people", "{}", "application/json", 405, wire.CodeMethod},
		{"DELETE", "/api/v1/status", "", "", 405, wire.CodeMethod},
		{"OPTIONS", "/api/v1/people", "", "", 405, wire.CodeMethod},
		{"POST", "/api/v1/people", `{"name":"x","role":"member"}`, "text/plain", 415, wire.CodeMedia},
		{"POST", "/api/v1/people", `name=x&role=owner`, "application/x-www-form-urlencoded", 415, wire.CodeMedia},
		{"POST", "/api/v1/people", `{"name":"x"}`, "", 415, wire.CodeMedia},
		{"POST", "/api/v1/people", `{"name":`, "application/json", 400, wire.CodeInvalid},
		{"POST", "/api/v1/people", "", "application/json", 400, wire.CodeInvalid},
		{"POST", "/api/v1/people", `{"name":7}`, "application/json", 422, wire.CodeInvalid},
		{"POST", "/api/v1/people", `{"name":"` + strings.Repeat("x", 80<<10) + `"}`, "application/json", 413, wire.CodeTooLarge},
		{"POST", "/api/v1/people", `[` + strings.Repeat("[", 30_000) + `]`, "application/json", 400, wire.CodeInvalid},
	} {
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.kind)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		var p wire.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != c.status || p.Code != c.code || p.Status != c.status ||
			p.Title == "" || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s as %q: %d %.200s", c.method, c.path, c.kind, w.Code, w.Body)
		}
		if c.status == 405 && w.Header().Get("Allow") == "" {
			t.Errorf("%s %s: nobody is told what is allowed", c.method, c.path)
		}
	}
}

// fallen is a hub with a mistake in it.
type fallen struct{ *apitest.Home }

func (fallen) People(context.Context) ([]wire.Person, error) { panic("a mistake about Mia") }

func TestAPanicIsAProblem(t *testing.T) {
	h := apitest.New(wire.Open)
	s := httptest.NewServer(server.New(server.Options{Hub: fallen{h}, Feed: h.Feed, Caller: server.Peer}))
	defer s.Close()
	for range 2 {
		resp, err := http.Get(s.URL + "/api/v1/people")
		if err != nil {
			t.Fatal(err)
		}
		var p wire.Problem
		err = json.NewDecoder(resp.Body).Decode(&p)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != 500 || p.Code != wire.CodeInternal {
			t.Errorf("%d %+v %v", resp.StatusCode, p, err)
		}
	}
}

func TestAWriteThatIsSentAgainIsDoneOnce(t *testing.T) {
	h := apitest.New(wire.Open)
	owner, other := as(h, wire.RoleOwner), as(h, wire.RoleMember)
	var all sync.WaitGroup
	made := make(chan string, 10)
	for range 10 {
		all.Go(func() {
			made <- send(owner, "POST", "/api/v1/people", `{"name":"Noor"}`, "Idempotency-Key", "k-1").Body.String()
		})
	}
	all.Wait()
	close(made)
	first := <-made
	for next := range made {
		if next != first {
			t.Errorf("two answers: %s and %s", first, next)
		}
	}
	if list, _ := h.People(t.Context()); len(list) != 3 {
		t.Errorf("%d people: it was done more than once", len(list))
	}
	if w := send(owner, "POST", "/api/v1/people", `{"name":"Zoe"}`, "Idempotency-Key", "k-1"); w.Code != 422 || !strings.Contains(w.Body.String(), wire.CodeKeyUsed) {
		t.Errorf("the key for another request: %d %s", w.Code, w.Body)
	}
	if w := send(owner, "POST", "/api/v1/people", `{"name":"Zoe"}`, "Idempotency-Key", "ä"); w.Code != 400 {
		t.Errorf("a key that is none: %d %s", w.Code, w.Body)
	}
	// The gate comes first: what somebody else was answered is nobody's who may not ask.
	if w := send(other, "POST", "/api/v1/people", `{"name":"Noor"}`, "Idempotency-Key", "k-1"); w.Code != 403 {
		t.Errorf("a member is answered what the owner was: %d %s", w.Code, w.Body)
	}
	if w := send(owner, "DELETE", "/api/v1/accessories/"+apitest.Toy, "", "Idempotency-Key", "k-2"); w.Code != 403 || !strings.Contains(w.Body.String(), wire.CodeConfirm) {
		t.Errorf("without the password: %d %s", w.Code, w.Body)
	}
	send(owner, "POST", "/api/v1/unlock", `{"password":"`+apitest.Password+`"}`)
	for range 2 {
		if w := send(owner, "DELETE", "/api/v1/accessories/"+apitest.Toy, "", "Idempotency-Key", "k-2"); w.Code != 204 {
			t.Errorf("removed: %d %s", w.Code, w.Body)
		}
	}
}

func TestListsAndStillsAreTagged(t *testing.T) {
	h := apitest.New(wire.Open)
	api := as(h, wire.RoleOwner)
	for _, path := range []string{"/accessories", "/people", "/zones", "/troubles", "/clips", "/homekit", "/accessories/" + apitest.Toy + "/about", "/openapi.yaml", "/docs"} {
		w := send(api, "GET", "/api/v1"+path, "")
		tag := w.Header().Get("ETag")
		again := send(api, "GET", "/api/v1"+path, "", "If-None-Match", tag)
		if w.Code != 200 || tag == "" || again.Code != 304 || again.Body.Len() > 0 {
			t.Errorf("%s: %d with %q, then %d", path, w.Code, tag, again.Code)
		}
	}
	before := send(api, "GET", "/api/v1/people", "").Header().Get("ETag")
	send(api, "POST", "/api/v1/people", `{"name":"Noor"}`)
	if w := send(api, "GET", "/api/v1/people", "", "If-None-Match", before); w.Code != 200 || !strings.Contains(w.Body.String(), "Noor") {
		t.Errorf("after a change: %d", w.Code)
	}
	// What one is told is not what another may know that it has not changed.
	all := send(api, "GET", "/api/v1/accessories", "").Header().Get("ETag")
	if w := send(as(h, wire.RoleGuest), "GET", "/api/v1/accessories", "", "If-None-Match", all); w.Code != 200 {
		t.Errorf("a guest with an owner's tag: %d", w.Code)
	}
	still := send(api, "GET", "/api/v1/accessories/"+apitest.Camera+"/still?width=64&height=36", "")
	if still.Code != 200 || still.Header().Get("ETag") == "" {
		t.Errorf("a still: %d %v", still.Code, still.Header())
	}
}

func TestAChangeOfWhatSomebodyElseChangedIsRefused(t *testing.T) {
	h := apitest.New(wire.Open)
	api := as(h, wire.RoleOwner)
	path := "/api/v1/accessories/" + apitest.Toy
	seen := send(api, "GET", path+"/about", "").Header().Get("ETag")
	h.Report(apitest.Toy, trait.Speed.Of(40, time.Now())) // what it does is not what people decide
	var all sync.WaitGroup
	codes := make(chan int, 8)
	for i := range 8 {
		all.Go(func() {
			codes <- send(api, "POST", path, fmt.Sprintf(`{"name":"Rocket %d"}`, i), "If-Match", seen).Code
		})
	}
	all.Wait()
	close(codes)
	got := map[int]int{}
	for c := range codes {
		got[c]++
	}
	if got[200] != 1 || got[412] != 7 {
		t.Errorf("eight changes of the same: %v", got)
	}
	if w := send(api, "POST", path+"/homekit", `{"alone":true}`, "If-Match", seen); w.Code != 412 || !strings.Contains(w.Body.String(), wire.CodeChanged) {
		t.Errorf("another change: %d %s", w.Code, w.Body)
	}
	if w := send(api, "POST", path, `{"name":"Rocket"}`); w.Code != 200 {
		t.Errorf("a change that does not ask: %d", w.Code)
	}
}

func TestTheHistoryIsToldByClass(t *testing.T) {
	h := apitest.New(wire.Open)
	now := time.Now().UTC()
	for i := range 100 {
		h.Report(apitest.Watch, trait.Battery.Of(i, now.Add(time.Duration(i-100)*time.Second)))
		h.Report(apitest.Watch, trait.Where.Of(trait.Place{Lat: 52.52}, now.Add(time.Duration(i-100)*time.Second)))
		h.Report(apitest.Watch, trait.Heart.Of(60, now.Add(time.Duration(i-100)*time.Second)))
	}
	ask := func(role, of, more string) *httptest.ResponseRecorder {
		q := url.Values{"trait": {of}, "from": {now.Add(-time.Hour).Format(time.RFC3339)}, "to": {now.Add(time.Second).Format(time.RFC3339)}}
		return send(as(h, role), "GET", "/api/v1/accessories/"+apitest.Watch+"/history?"+q.Encode()+more, "")
	}
	for _, c := range []struct {
		role, of string
		code     int
	}{{wire.RoleGuest, "battery", 403}, {wire.RoleMember, "battery", 200}, {wire.RoleMember, "where", 403}, {wire.RoleGuardian, "where", 200},
		{wire.RoleGuardian, "heart", 403}, {wire.RoleOwner, "heart", 200}, {wire.RoleOwner, "nonsense", 422}} {
		if w := ask(c.role, c.of, ""); w.Code != c.code || c.code == 200 && !strings.Contains(w.Body.String(), `"points":[{`) {
			t.Errorf("%s asks for %s: %d %.200s", c.role, c.of, w.Code, w.Body)
		}
	}
	var past wire.History
	if err := json.Unmarshal(ask(wire.RoleOwner, "battery", "&points=10").Body.Bytes(), &past); err != nil || len(past.Points) > 10 || past.Points[len(past.Points)-1].Count < 10 {
		t.Errorf("joined: %+v, %v", past, err)
	}
	for _, more := range []string{"&points=0", "&points=2001", "&from=x", "&to=1900-01-01T00:00:00Z"} {
		if w := send(as(h, wire.RoleOwner), "GET", "/api/v1/accessories/"+apitest.Watch+"/history?trait=battery&from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z"+more, ""); w.Code != 422 && !strings.HasPrefix(more, "&from") && !strings.HasPrefix(more, "&to") {
			t.Errorf("%s: %d", more, w.Code)
		}
	}
	for _, q := range []string{"from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "from=2020-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "from=0001-01-01T00:00:00Z&to=0001-01-01T01:00:00Z", "from=2026-03-02T00:00:00Z"} {
		if w := send(as(h, wire.RoleOwner), "GET", "/api/v1/accessories/"+apitest.Watch+"/history?trait=battery&"+q, ""); w.Code != 422 {
			t.Errorf("%s: %d %s", q, w.Code, w.Body)
		}
	}
}

func TestTheDocsAreOnePageWithoutScripts(t *testing.T) {
	api := as(apitest.New(wire.Open), wire.RoleGuest)
	w := send(api, "GET", "/api/v1/docs", "")
	page := w.Body.String()
	for _, none := range []string{"<script", "http://", "https://", "src=", "<link", "@import"} {
		if strings.Contains(page, none) {
			t.Errorf("the page has %q", none)
		}
	}
	for _, r := range server.Routes() {
		if !strings.Contains(page, r[0]+" "+r[1]+"<") {
			t.Errorf("%s %s is not on the page", r[0], r[1])
		}
	}
	if w.Header().Get("Content-Security-Policy") == "" || !strings.Contains(page, `id="shape-Problem"`) {
		t.Errorf("%v", w.Header())
	}
	want, err := server.OpenAPI()
	if err != nil || send(api, "GET", "/api/v1/openapi.yaml", "").Body.String() != string(want) {
		t.Errorf("the hub serves another description: %v", err)
	}
}

// Every operation says who may call it, what it does, how it refuses, and what keeps it from being done twice.
func TestEveryOperationIsDescribed(t *testing.T) {
	var all struct {
		Paths map[string]map[string]struct {
			Summary    string
			Role       string `json:"x-role"`
			Parameters []struct{ Name, In string }
			Responses  map[string]struct{ Content map[string]json.RawMessage }
		}
	}
	raw, err := server.Description()
	if err != nil || json.Unmarshal(raw, &all) != nil {
		t.Fatal(err)
	}
	for path, item := range all.Paths {
		for method, op := range item {
			has := map[string]bool{}
			for _, p := range op.Parameters {
				has[p.Name] = true
			}
			refusal := op.Responses["default"].Content["application/problem+json"]
			if op.Summary == "" || op.Role == "" || op.Role == "undeclared" || refusal == nil || has["Idempotency-Key"] != (method != "get") {
				t.Errorf("%s %s: %+v", method, path, op)
			}
		}
	}
}
