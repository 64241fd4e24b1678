package client

import (
	"context"
	"net/url"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// ChangePassword replaces the password; present is it, or the recovery code.
func (c *Client) ChangePassword(ctx context.Context, present, next string) error {
	return c.tell(ctx, "POST", "/password", wire.PasswordRequest{Password: present, New: next})
}

// NewRecoveryCode makes another recovery code, which is shown once. The old one is good until
// ConfirmRecovery.
func (c *Client) NewRecoveryCode(ctx context.Context, password string) (wire.RecoveryCode, error) {
	return ask[wire.RecoveryCode](ctx, c, "POST", "/recovery-code", wire.UnlockRequest{Password: password})
}

// ConfirmRecovery says that somebody has the recovery code.
func (c *Client) ConfirmRecovery(ctx context.Context, code string) error {
	return c.tell(ctx, "POST", "/recovery-code/confirm", wire.RecoveryCode{RecoveryCode: code})
}

// SetBoot says how the hub starts after a power cut.
func (c *Client) SetBoot(ctx context.Context, r wire.BootRequest) (wire.BootAnswer, error) {
	return ask[wire.BootAnswer](ctx, c, "POST", "/boot", r)
}

// SetLanguage chooses the language of the home, and gives it as the hub calls it.
func (c *Client) SetLanguage(ctx context.Context, language string) (wire.Language, error) {
	return ask[wire.Language](ctx, c, "POST", "/language", wire.Language{Language: language})
}

// Rotate seals everything anew under a new key.
func (c *Client) Rotate(ctx context.Context, password string) error {
	return c.tell(ctx, "POST", "/keys/rotate", wire.UnlockRequest{Password: password})
}

// Suggest asks for a password of five words.
func (c *Client) Suggest(ctx context.Context, language string) (wire.Passphrase, error) {
	return ask[wire.Passphrase](ctx, c, "GET", "/passphrase?"+url.Values{"language": {language}}.Encode(), nil)
}

// Judge asks whether a password would do.
func (c *Client) Judge(ctx context.Context, password string) (wire.Verdict, error) {
	return ask[wire.Verdict](ctx, c, "POST", "/password/check", wire.PasswordCheck{Password: password})
}
