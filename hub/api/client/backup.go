package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

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

// PrivacyInventory tells how much is kept of whom, in a scope without times and in a room, which may be "".
func (c *Client) PrivacyInventory(ctx context.Context, s wire.PrivacyScope, room string) ([]wire.PrivacyItem, error) {
	q := url.Values{}
	for key, value := range map[string]string{"person": s.Person, "device": s.Device, "category": s.Category, "room": room} {
		if value != "" {
			q.Set(key, value)
		}
	}
	return ask[[]wire.PrivacyItem](ctx, c, "GET", "/privacy/inventory?"+q.Encode(), nil)
}

// PlanForgetting tells what a forgetting would do.
func (c *Client) PlanForgetting(ctx context.Context, s wire.PrivacyScope) (wire.PrivacyPlan, error) {
	return ask[wire.PrivacyPlan](ctx, c, "POST", "/privacy/plan", s)
}

// Forget forgets for good. It takes as long as the devices take: ctx bounds the wait, and does not end it.
func (c *Client) Forget(ctx context.Context, r wire.ForgetRequest) (wire.PrivacyReceipt, error) {
	return c.receipt(ctx, "/privacy/forget", r)
}

// Wipe forgets everything without the password: only who sits at the hub may.
func (c *Client) Wipe(ctx context.Context, r wire.WipeRequest) (wire.PrivacyReceipt, error) {
	return c.receipt(ctx, "/privacy/wipe", r)
}

func (c *Client) receipt(ctx context.Context, path string, r any) (wire.PrivacyReceipt, error) {
	var got wire.PrivacyReceipt
	raw, err := c.send(ctx, "POST", path, r)
	if err != nil {
		return got, err
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		return got, fmt.Errorf("client: forget: %w", err)
	}
	return got, nil
}

// Receipts lists the receipts of what was forgotten.
func (c *Client) Receipts(ctx context.Context) ([]wire.PrivacyReceipt, error) {
	return ask[[]wire.PrivacyReceipt](ctx, c, "GET", "/privacy/receipts", nil)
}

// Retention lists how long what is kept.
func (c *Client) Retention(ctx context.Context) ([]wire.RetentionRule, error) {
	return ask[[]wire.RetentionRule](ctx, c, "GET", "/privacy/retention", nil)
}

// SetRetention says how long a category is kept.
func (c *Client) SetRetention(ctx context.Context, r wire.RetentionRule) error {
	_, err := ask[struct{}](ctx, c, "POST", "/privacy/retention", r)
	return err
}

// Consents lists who agreed to what.
func (c *Client) Consents(ctx context.Context) ([]wire.Consent, error) {
	return ask[[]wire.Consent](ctx, c, "GET", "/privacy/consents", nil)
}

// NoteConsent notes that somebody agreed, or takes it back.
func (c *Client) NoteConsent(ctx context.Context, n wire.Consent) error {
	_, err := ask[struct{}](ctx, c, "POST", "/privacy/consents", n)
	return err
}

// Paused lists whose recording rests.
func (c *Client) Paused(ctx context.Context) ([]wire.PausePerson, error) {
	return ask[[]wire.PausePerson](ctx, c, "GET", "/privacy/paused", nil)
}

// PausePerson has the recording of somebody rest, or go on.
func (c *Client) PausePerson(ctx context.Context, p wire.PausePerson) error {
	_, err := ask[struct{}](ctx, c, "POST", "/privacy/paused", p)
	return err
}

// Cleanup are the forgettings after which this app has to drop all that it keeps.
func (c *Client) Cleanup(ctx context.Context) (wire.Cleanup, error) {
	return ask[wire.Cleanup](ctx, c, "GET", "/privacy/cleanup", nil)
}

// Cleaned tells the hub that this app dropped it.
func (c *Client) Cleaned(ctx context.Context, done wire.Cleanup) error {
	_, err := ask[struct{}](ctx, c, "POST", "/privacy/cleanup", done)
	return err
}

// Holdings counts what the hub keeps about the people of the home.
func (c *Client) Holdings(ctx context.Context) ([]wire.Holding, error) {
	return ask[[]wire.Holding](ctx, c, "GET", "/holdings", nil)
}
