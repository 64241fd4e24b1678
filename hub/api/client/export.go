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

// Page says whether the plain page for browsers is on, and how to know it.
func (c *Client) Page(ctx context.Context) (wire.Page, error) {
	return ask[wire.Page](ctx, c, "GET", "/page", nil)
}

// SetPage switches the plain page for browsers on or off.
func (c *Client) SetPage(ctx context.Context, on bool) (wire.Page, error) {
	if on {
		return ask[wire.Page](ctx, c, "POST", "/page/on", nil)
	}
	return ask[wire.Page](ctx, c, "POST", "/page/off", nil)
}
