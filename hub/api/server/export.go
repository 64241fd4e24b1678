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
	// Holdings counts what the hub keeps about the people of the home.
	Holdings(ctx context.Context) ([]wire.Holding, error)
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
	add(a, route{"list-holdings", "GET", "/holdings", Owner, nil, 0, "What the hub keeps about the people of the home: how much, how old, until when"},
		func(ctx context.Context, _ *none) (*answer[[]wire.Holding], error) {
			list, err := a.Hub.Holdings(ctx)
			return &answer[[]wire.Holding]{full(list)}, err
		})
}
