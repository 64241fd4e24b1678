package server

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ingle-home/ingle/hub/api/server/once"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// describe says of a route what every route has: who may call it, its refusals, and how to send it again.
func (a *api) describe(r route) {
	doc := a.huma.OpenAPI()
	item := doc.Paths[prefix+r.path]
	for _, op := range []*huma.Operation{item.Get, item.Post, item.Delete} {
		if op == nil || op.OperationID != r.id {
			continue
		}
		for status := range op.Responses {
			if status == "default" || status >= "400" {
				delete(op.Responses, status)
			}
		}
		op.Responses["default"] = &huma.Response{
			Description: "A refusal; its code is an i18n key",
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schemaOf[wire.Problem](doc)}},
		}
		op.Extensions = map[string]any{"x-role": r.access.String(), "x-password": r.final()}
		op.Security = []map[string][]string{}
		if r.access > Public {
			op.Security = append(op.Security, map[string][]string{"app": {}})
		}
		if r.access > Public && r.access <= Guardian {
			op.Security = append(op.Security, map[string][]string{"token": {}})
		}
		a.describeAgain(r, op)
	}
}

func (a *api) describeAgain(r route, op *huma.Operation) {
	longestKey := once.MaxKey
	switch {
	case r.method != http.MethodGet:
		op.Parameters = append(op.Parameters, &huma.Param{Name: once.Header, In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: &longestKey},
			Description: "A random text. What is sent again with the same one within ten minutes is done once, and has the same answer"})
	case r.whole():
		op.Parameters = append(op.Parameters, &huma.Param{Name: "If-None-Match", In: "header", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "The ETag of an earlier answer"})
		op.Responses["304"] = &huma.Response{Description: "Nothing has changed since that answer"}
	}
}

// describeAll says what is the same for all of the API.
func (a *api) describeAll() {
	doc := a.huma.OpenAPI()
	doc.Info.Description = "The API of an Ingle hub: for its apps, for its commands and for scripts. docs/API.md tells how to get in."
	doc.Info.License = nil
	doc.Servers = []*huma.Server{{URL: "/", Description: "the hub"}}
	doc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"app":   {Type: "mutualTLS", Description: "The key of a paired app"},
		"token": {Type: "http", Scheme: "bearer", Description: "A token that the owner made for a script"},
	}
	schemas := doc.Components.Schemas.Map()
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
}

//go:embed docs.html
var docsPage string

// docs serves the description: as it is, and for people to read, on a page without scripts.
func (a *api) docs() {
	always := []wire.State{wire.Open, wire.Locked}
	a.document(route{"openapi", "GET", "/openapi.yaml", Guest, always, 0, "This description (OpenAPI 3.1)"},
		"application/yaml", func() ([]byte, error) { return a.huma.OpenAPI().YAML() })
	a.document(route{"docs", "GET", "/docs", Guest, always, 0, "This description for people"}, "text/html", a.page)
}

func (a *api) document(r route, media string, text func() ([]byte, error)) {
	type file struct {
		ContentType string `header:"Content-Type"`
		Policy      string `header:"Content-Security-Policy"`
		Body        []byte
	}
	add(a, r, func(context.Context, *none) (*file, error) {
		body, err := text()
		return &file{media + "; charset=utf-8", "default-src 'none'; style-src 'unsafe-inline'", body}, err
	})
	a.huma.OpenAPI().Paths[prefix+r.path].Get.Responses["200"].Content = map[string]*huma.MediaType{media: {Schema: &huma.Schema{Type: huma.TypeString}}}
}

// paper is one route as the page has it.
type paper struct {
	Method, Path, Role, Summary string
	Password                    bool
	Parameters                  []*huma.Param
	Takes, Gives                string
}

// shape is one schema as the page has it.
type shape struct{ Name, Text string }

// page is the description as HTML, in one file.
func (a *api) page() ([]byte, error) {
	t, err := template.New("docs").Parse(docsPage)
	if err != nil {
		return nil, fmt.Errorf("server: docs: %w", err)
	}
	doc := a.huma.OpenAPI()
	var shown struct {
		About  string
		Routes []paper
		Shapes []shape
	}
	shown.About = doc.Info.Description
	for path, item := range doc.Paths {
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "DELETE": item.Delete} {
			if op != nil {
				shown.Routes = append(shown.Routes, a.paper(method, path, op))
			}
		}
	}
	slices.SortFunc(shown.Routes, func(x, y paper) int { return strings.Compare(x.Path+" "+x.Method, y.Path+" "+y.Method) })
	for name, schema := range doc.Components.Schemas.Map() {
		raw, err := json.MarshalIndent(schema, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("server: docs: %w", err)
		}
		shown.Shapes = append(shown.Shapes, shape{name, string(raw)})
	}
	slices.SortFunc(shown.Shapes, func(x, y shape) int { return strings.Compare(x.Name, y.Name) })
	var page bytes.Buffer
	if err := t.Execute(&page, shown); err != nil {
		return nil, fmt.Errorf("server: docs: %w", err)
	}
	return page.Bytes(), nil
}

func (a *api) paper(method, path string, op *huma.Operation) paper {
	p := paper{Method: method, Path: path, Role: a.access[op.OperationID].String(), Summary: op.Summary, Parameters: op.Parameters}
	p.Password = (route{id: op.OperationID, method: method}).final()
	if op.RequestBody != nil {
		p.Takes = shapeOf(op.RequestBody.Content)
	}
	for status, r := range op.Responses {
		if strings.HasPrefix(status, "2") {
			p.Gives = shapeOf(r.Content)
		}
	}
	return p
}

// shapeOf names the schema of a body, or its media type.
func shapeOf(content map[string]*huma.MediaType) string {
	for media, m := range content {
		switch {
		case media != "application/json" || m.Schema == nil:
			return media
		case m.Schema.Ref != "":
			return m.Schema.Ref[strings.LastIndex(m.Schema.Ref, "/")+1:]
		case m.Schema.Items != nil && m.Schema.Items.Ref != "":
			return m.Schema.Items.Ref[strings.LastIndex(m.Schema.Items.Ref, "/")+1:]
		}
	}
	return ""
}
