package client

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// Backup makes a backup. It takes as long as it takes: ctx bounds it, and ends it.
func (c *Client) Backup(ctx context.Context, r wire.BackupRequest) (wire.Backup, error) {
	var made wire.Backup
	raw, err := c.send(ctx, "POST", "/backup", r)
	if err != nil {
		return made, err
	}
	if err := json.Unmarshal(raw, &made); err != nil {
		return made, fmt.Errorf("client: backup: %w", err)
	}
	return made, nil
}

// Backups tells about the backups, and how far the one is that is being made.
func (c *Client) Backups(ctx context.Context) (wire.BackupStatus, error) {
	return ask[wire.BackupStatus](ctx, c, "GET", "/backup", nil)
}

// ScheduleBackups has the hub make backups by itself, or not any more.
func (c *Client) ScheduleBackups(ctx context.Context, s wire.BackupSchedule) (wire.BackupStatus, error) {
	return ask[wire.BackupStatus](ctx, c, "POST", "/backup/schedule", s)
}

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

// Holdings counts what the hub keeps about the people of the home.
func (c *Client) Holdings(ctx context.Context) ([]wire.Holding, error) {
	return ask[[]wire.Holding](ctx, c, "GET", "/holdings", nil)
}
