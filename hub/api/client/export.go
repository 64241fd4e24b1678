package client

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// Export makes a copy in the clear. It takes as long as it takes: ctx bounds it, and ends it.
func (c *Client) Export(ctx context.Context, r wire.ExportRequest) (wire.Export, error) {
	var made wire.Export
	raw, err := c.send(ctx, "POST", "/export", r)
	if err != nil {
		return made, err
	}
	if err := json.Unmarshal(raw, &made); err != nil {
		return made, fmt.Errorf("client: export: %w", err)
	}
	return made, nil
}

// Exporting tells how far the export is that is being made.
func (c *Client) Exporting(ctx context.Context) (wire.ExportStatus, error) {
	return ask[wire.ExportStatus](ctx, c, "GET", "/export", nil)
}

// Holdings counts what the hub keeps about the people of the home.
func (c *Client) Holdings(ctx context.Context) ([]wire.Holding, error) {
	return ask[[]wire.Holding](ctx, c, "GET", "/holdings", nil)
}
