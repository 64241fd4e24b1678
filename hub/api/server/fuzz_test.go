package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// The part of OpenAPI that requests are made from.
type (
	description struct {
		Paths      map[string]map[string]operation
		Components struct{ Schemas map[string]schema }
	}
	operation struct {
		OperationID string
		Parameters  []struct {
			Name, In string
			Schema   schema
		}
		RequestBody *struct {
			Content map[string]struct{ Schema schema }
		}
	}
	schema struct {
		Ref        string `json:"$ref"`
		Type       any
		Format     string
		Enum       []any
		Properties map[string]schema
		Items      *schema
		Minimum    *float64
		Maximum    *float64
		MaxLength  *int
	}
)

type target struct {
	method, path string
	operation
}

// dice decides by the bytes that the fuzzer finds; when they are used up, everything is the first choice.
type dice struct{ left []byte }

func (d *dice) throw(sides int) int {
	if len(d.left) == 0 {
		return 0
	}
	n := int(d.left[0])
	d.left = d.left[1:]
	return n % sides
}

func pick[T any](d *dice, from ...T) T { return from[d.throw(len(from))] }

// text is one that fits as a rule, or what is left of the bytes.
func (d *dice) text(fits ...string) string {
	odd := []string{"", "\x00", "..", "../../people", "%2e%2e", "null", strings.Repeat("x", 70), strings.Repeat("é", 5000), "'; --", "🧸", "\xff\xfe", string(d.left)}
	if d.throw(3) < 2 && len(fits) > 0 {
		return pick(d, fits...)
	}
	return pick(d, odd...)
}

// value makes one of a schema, or of none.
func (d *dice) value(all map[string]schema, s schema, depth int) any {
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		s = all[name]
	}
	if d.throw(8) == 7 || depth > 6 {
		return pick[any](d, nil, true, -1, 1e308, "", []any{}, map[string]any{"x": nil}, json.Number("1e400"), strings.Repeat("[", 100))
	}
	if len(s.Enum) > 0 {
		return pick(d, s.Enum...)
	}
	kind, _ := s.Type.(string)
	if list, ok := s.Type.([]any); ok && len(list) > 0 {
		kind, _ = list[0].(string)
	}
	switch kind {
	case "object":
		made := map[string]any{}
		for _, name := range slices.Sorted(func(yield func(string) bool) {
			for name := range s.Properties {
				if !yield(name) {
					return
				}
			}
		}) {
			if d.throw(4) < 3 {
				made[name] = d.value(all, s.Properties[name], depth+1)
			}
		}
		return made
	case "array":
		var made []any
		for range d.throw(4) {
			made = append(made, d.value(all, *s.Items, depth+1))
		}
		return made
	case "integer", "number":
		edges := []float64{1, 0, -1, 50, 9007199254740993}
		for _, e := range []*float64{s.Minimum, s.Maximum} {
			if e != nil {
				edges = append(edges, *e, *e+1, *e-1)
			}
		}
		return pick(d, edges...)
	case "boolean":
		return d.throw(2) == 1
	case "string":
		return d.text(apitest.Password, "Garden", "speed", "where", "member", apitest.Toy, apitest.Camera, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "/tmp")
	}
	return pick[any](d, 50, true, "x", map[string]any{}) // a value of any kind
}

func (d *dice) request(all description, to target) *http.Request {
	path, query, header := to.path, url.Values{}, http.Header{}
	for _, p := range to.Parameters {
		raw, err := json.Marshal(d.value(all.Components.Schemas, p.Schema, 0))
		text := strings.Trim(string(raw), `"`)
		if err != nil {
			text = "1e400"
		}
		switch p.In {
		case "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(d.text(apitest.Toy, apitest.Camera, apitest.Watch, "bridge", "clip-1", "Rocket")))
		case "query":
			query.Add(p.Name, text)
		case "header":
			if d.throw(2) == 1 {
				header.Set(p.Name, text)
			}
		}
	}
	var body []byte
	if to.RequestBody != nil || d.throw(8) == 7 {
		made := any(d.text("{}"))
		if to.RequestBody != nil {
			made = d.value(all.Components.Schemas, to.RequestBody.Content["application/json"].Schema, 0)
		}
		body, _ = json.Marshal(made) // 1e400 is none: then the body is empty
		if d.throw(6) == 5 {
			body = []byte(d.text("{", "[]", "null", `{"a":1}{"b":2}`, string(body)+"x"))
		}
		header.Set("Content-Type", pick(d, "application/json", "application/json", "application/json; charset=utf-8", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", "", "a/b/c;;"))
	}
	header.Set("Accept", pick(d, "", "*/*", "text/html", "application/cbor", ";;q=", "text/event-stream"))
	method := pick(d, to.method, to.method, to.method, to.method, "GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "TRACE", "PATCH")
	r := httptest.NewRequest(method, "/", bytes.NewReader(body))
	r.URL = &url.URL{RawQuery: query.Encode()}
	if d.throw(10) == 9 {
		r.URL.RawQuery = string(d.left)
	}
	var err error
	if r.URL.Path, err = url.PathUnescape(path); err != nil {
		r.URL.Path = "/"
	}
	r.URL.RawPath, r.Header = path, header
	return r
}

// FuzzRoutes makes requests out of the description of the API: whatever is sent to whatever route by whomever
// in whatever state, the hub makes no mistake (500), answers in time, and says why in its own words.
func FuzzRoutes(f *testing.F) {
	var all description
	if err := json.Unmarshal(server.Described(), &all); err != nil {
		f.Fatal(err)
	}
	var targets []target
	for path, item := range all.Paths {
		for method, op := range item {
			targets = append(targets, target{strings.ToUpper(method), path, op})
		}
	}
	slices.SortFunc(targets, func(a, b target) int { return strings.Compare(a.path+" "+a.method, b.path+" "+b.method) })
	if len(targets) < 40 {
		f.Fatalf("%d routes are described", len(targets))
	}
	for i := range targets {
		f.Add(byte(i), byte(4), []byte{})
		f.Add(byte(i), byte(i), []byte("\x01\x07\x02\x05\x03\x00\x04\x09\x06\x0b seeds \xff\x10\x20\x31\x42\x53\x64\x75\x86"))
	}
	roles := append(roles(), wire.RoleOwner)
	states := []wire.State{wire.Open, wire.Open, wire.Open, wire.Locked, wire.Unclaimed}
	f.Fuzz(func(t *testing.T, which, who byte, rest []byte) {
		d := &dice{rest}
		to := targets[int(which)%len(targets)]
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if to.OperationID == "events" {
			cancel() // it ends when the reader goes, and the reader has gone
		}
		api := as(apitest.New(states[d.throw(len(states))]), roles[int(who)%len(roles)])
		if d.throw(2) == 1 { // who gave the password may do more
			call(api, "POST", "/api/v1/unlock", `{"password":"`+apitest.Password+`"}`)
		}
		r := d.request(all, to).WithContext(ctx)
		w := httptest.NewRecorder()
		began := time.Now()
		api.ServeHTTP(w, r)
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s %s took %v", r.Method, to.path, took)
		}
		judge(t, r, w)
	})
}

func judge(t *testing.T, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	said := w.Body.Bytes()
	switch {
	case w.Code == http.StatusInternalServerError:
		t.Errorf("%s %s: %s", r.Method, r.URL, said)
	case w.Code >= 400 && r.Method != http.MethodHead:
		var p wire.Problem
		if err := json.Unmarshal(said, &p); err != nil || p.Code == "" || p.Status != w.Code || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %d %s %v", r.Method, r.URL, w.Code, said, w.Header())
		}
	case w.Code < 400 && strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") && !json.Valid(said) && len(said) > 0:
		t.Errorf("%s %s: no JSON: %s", r.Method, r.URL, said)
	}
}
