package client

import (
	"context"
	"net/url"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// Apps lists the paired apps.
func (c *Client) Apps(ctx context.Context) ([]wire.App, error) {
	return ask[[]wire.App](ctx, c, "GET", "/apps", nil)
}

// ClaimCode draws the code with which the first app claims the hub.
func (c *Client) ClaimCode(ctx context.Context) (wire.ClaimCode, error) {
	return ask[wire.ClaimCode](ctx, c, "POST", "/claim-code", nil)
}

// Invite draws a code with which one more app is let in.
func (c *Client) Invite(ctx context.Context, i wire.Invitation) (wire.ClaimCode, error) {
	return ask[wire.ClaimCode](ctx, c, "POST", "/apps/invitation", i)
}

// RenameApp gives a paired app another name.
func (c *Client) RenameApp(ctx context.Context, id, name string) (wire.App, error) {
	return ask[wire.App](ctx, c, "POST", "/apps/"+url.PathEscape(id)+"/name", wire.AppName{Name: name})
}

// RevokeApp lets an app in no more.
func (c *Client) RevokeApp(ctx context.Context, id string) error {
	return c.tell(ctx, "DELETE", "/apps/"+url.PathEscape(id), nil)
}

// Tokens lists what lets scripts in.
func (c *Client) Tokens(ctx context.Context) ([]wire.Token, error) {
	return ask[[]wire.Token](ctx, c, "GET", "/tokens", nil)
}

// MakeToken lets a script in. The secret is in the answer, and nowhere else.
func (c *Client) MakeToken(ctx context.Context, r wire.TokenRequest) (wire.NewToken, error) {
	return ask[wire.NewToken](ctx, c, "POST", "/tokens", r)
}

// RevokeToken lets a script in no more. Which is a token's ID or name.
func (c *Client) RevokeToken(ctx context.Context, which string) error {
	return c.tell(ctx, "DELETE", "/tokens/"+url.PathEscape(which), nil)
}
