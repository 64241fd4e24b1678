package server

import (
	"context"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// Exports are copies in the clear of what the hub keeps, for somebody who wants to read it elsewhere.
type Exports interface {
	// Export takes the password again. It returns when the file is whole and durable, and ends with ctx.
	Export(ctx context.Context, r wire.ExportRequest) (wire.Export, error)
	Exporting(ctx context.Context) (wire.ExportStatus, error)
}

func (a *api) exports() {
	add(a, route{"make-export", "POST", "/export", Owner, nil, 0, "Write what the hub keeps into one archive in the clear; takes the password again, and gives up when the caller does"},
		func(ctx context.Context, in *answer[wire.ExportRequest]) (*answer[wire.Export], error) {
			made, err := a.Hub.Export(ctx, in.Body)
			return &answer[wire.Export]{made}, err
		})
	add(a, route{"show-export", "GET", "/export", Owner, nil, 0, "How far the export is that is being made"},
		func(ctx context.Context, _ *none) (*answer[wire.ExportStatus], error) {
			s, err := a.Hub.Exporting(ctx)
			return &answer[wire.ExportStatus]{s}, err
		})
}

// Pages is the plain page for browsers.
type Pages interface {
	Page(ctx context.Context) (wire.Page, error)
	PageOn(ctx context.Context) (wire.Page, error)
	// PageOff ends its connections too.
	PageOff(ctx context.Context) (wire.Page, error)
}

func (a *api) pages() {
	for _, r := range []struct {
		route
		do func(Pages, context.Context) (wire.Page, error)
	}{
		{route{"show-page", "GET", "/page", Owner, nil, 0, "Whether the plain page for browsers is on, and how to know it"}, Pages.Page},
		{route{"page-on", "POST", "/page/on", Owner, nil, 0, "Switch the plain page for browsers on"}, Pages.PageOn},
		{route{"page-off", "POST", "/page/off", Owner, nil, 0, "Switch the plain page for browsers off, and end its connections"}, Pages.PageOff},
	} {
		add(a, r.route, func(ctx context.Context, _ *none) (*answer[wire.Page], error) {
			p, err := r.do(a.Hub, ctx)
			return &answer[wire.Page]{p}, err
		})
	}
}
