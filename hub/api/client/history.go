package client

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// History gives what is kept of one trait of a thing between two times, the oldest first. Where that is more
// than points, neighbours are joined; 0 points are as many as there may be, wire.MaxPoints.
func (c *Client) History(ctx context.Context, id, trait string, from, to time.Time, points int) (wire.History, error) {
	q := url.Values{"trait": {trait}, "from": {from.UTC().Format(time.RFC3339Nano)}, "to": {to.UTC().Format(time.RFC3339Nano)}}
	if points > 0 {
		q.Set("points", strconv.Itoa(points))
	}
	return ask[wire.History](ctx, c, "GET", "/accessories/"+url.PathEscape(id)+"/history?"+q.Encode(), nil)
}

// Ledger tells who looked at what, the newest first.
func (c *Client) Ledger(ctx context.Context, q wire.LedgerQuery) ([]wire.Viewing, error) {
	v := url.Values{}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.UTC().Format(time.RFC3339Nano))
	}
	for key, value := range map[string]string{"device": q.Device, "person": q.Person} {
		if value != "" {
			v.Set(key, value)
		}
	}
	return ask[[]wire.Viewing](ctx, c, "GET", "/ledger?"+v.Encode(), nil)
}

// VerifyLedger says whether that is as it was written.
func (c *Client) VerifyLedger(ctx context.Context) (wire.ChainCheck, error) {
	return ask[wire.ChainCheck](ctx, c, "GET", "/ledger/verify", nil)
}

// Security tells what happened to the hub's security, the newest first.
func (c *Client) Security(ctx context.Context) (wire.Security, error) {
	return ask[wire.Security](ctx, c, "GET", "/security", nil)
}

// VerifySecurity says whether that is as it was written.
func (c *Client) VerifySecurity(ctx context.Context) (wire.ChainCheck, error) {
	return ask[wire.ChainCheck](ctx, c, "GET", "/security/verify", nil)
}

// AcknowledgeAlert says that somebody has seen to an alert.
func (c *Client) AcknowledgeAlert(ctx context.Context, id string) error {
	return c.tell(ctx, "POST", "/security/alerts/"+url.PathEscape(id)+"/seen", nil)
}
