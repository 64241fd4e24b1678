// Package dice makes requests out of the description of an API: such as fit, such as almost fit, and such as
// do not fit at all, as the bytes of a fuzzer decide.
package dice

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"

	"github.com/ingle-home/ingle/hub/api/apitest"
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

// Deck is all that can be asked of a hub.
type Deck struct {
	all     description
	targets []target
}

// Parse reads the description of an API, as JSON.
func Parse(raw []byte) (Deck, error) {
	var d Deck
	if err := json.Unmarshal(raw, &d.all); err != nil {
		return d, fmt.Errorf("dice: %w", err)
	}
	for path, item := range d.all.Paths {
		for method, op := range item {
			d.targets = append(d.targets, target{strings.ToUpper(method), path, op})
		}
	}
	slices.SortFunc(d.targets, func(a, b target) int { return strings.Compare(a.path+" "+a.method, b.path+" "+b.method) })
	return d, nil
}

// Len is how many routes are described.
func (d Deck) Len() int { return len(d.targets) }

// Draw makes a request of one of the routes, counted round and round, and gives the route's operation ID.
func (d Deck) Draw(which int, choices []byte) (*http.Request, string) {
	to := d.targets[which%len(d.targets)]
	return (&dice{choices}).request(d.all, to), to.OperationID
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
	if d.throw(12) == 11 || depth > 6 {
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
		return d.text(apitest.Password, "Garden", "speed", "where", "member", apitest.Toy, apitest.Camera, "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "/nonexistent")
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
		header.Set("Content-Type", "application/json")
		if d.throw(8) == 7 {
			header.Set("Content-Type", pick(d, "application/json; charset=utf-8", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", "", "a/b/c;;"))
		}
	}
	header.Set("Accept", pick(d, "", "*/*", "text/html", "application/cbor", ";;q=", "text/event-stream"))
	method := to.method
	if d.throw(10) == 9 {
		method = pick(d, "GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "TRACE", "PATCH")
	}
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
