package keys

import (
	"context"
	"net/http"
	"path/filepath"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/storage/vault"
)

// Whoever changes a key shows the password again, or the recovery code: an app
// that was left open on a table is not enough.

// proven runs do with a vault that a secret has just opened.
func (r *Ring) proven(ctx context.Context, secret string, do func(v *vault.Vault, h Home, byCode bool) error) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	_, h, err := r.held()
	if err != nil {
		return err
	}
	v, byCode, err := r.Unlock(SourceOf(ctx), secret)
	if err != nil {
		return err
	}
	defer v.Close()
	return Problem(do(v, h, byCode))
}

// ChangePassword replaces the password. It is done when it is on disk, twice.
func (r *Ring) ChangePassword(ctx context.Context, q wire.PasswordRequest) error {
	return r.proven(ctx, q.Password, func(v *vault.Vault, h Home, byCode bool) error {
		if err := v.ChangePassword(q.New, h.Names(), r.Effort); err != nil {
			return err
		}
		if byCode {
			return h.NoteRecovery(ctx, Used)
		}
		return nil
	})
}

// NewRecoveryCode makes another recovery code. The old one is good until
// ConfirmRecovery.
func (r *Ring) NewRecoveryCode(ctx context.Context, q wire.UnlockRequest) (wire.RecoveryCode, error) {
	var made wire.RecoveryCode
	err := r.proven(ctx, q.Password, func(v *vault.Vault, _ Home, _ bool) (err error) {
		made.RecoveryCode, err = v.NewRecoveryCode()
		return err
	})
	return made, err
}

// ConfirmRecovery takes the word of somebody who has this recovery code: it is
// the only one from now on.
func (r *Ring) ConfirmRecovery(ctx context.Context, q wire.RecoveryCode) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	v, h, err := r.held()
	if err != nil {
		return err
	}
	source := SourceOf(ctx)
	if err := r.tries.take(source); err != nil {
		return err
	}
	if err := v.ConfirmRecovery(q.RecoveryCode); err != nil {
		return Problem(err)
	}
	if err := r.tries.forgive(source); err != nil {
		return Problem(err)
	}
	return h.NoteRecovery(ctx, Kept)
}

// SetBoot says how the hub starts after a power cut.
func (r *Ring) SetBoot(ctx context.Context, q wire.BootRequest) (wire.BootAnswer, error) {
	if q.How == wire.BootKeyFile && !filepath.IsAbs(q.Path) {
		return wire.BootAnswer{}, wire.Refuse(http.StatusUnprocessableEntity, "boot.path")
	}
	err := r.proven(ctx, q.Password, func(v *vault.Vault, h Home, _ bool) (err error) {
		switch q.How {
		case wire.BootLocked:
			err = v.SetBoot(ctx, nil, r.find)
		case wire.BootKeyFile:
			err = r.setBoot(ctx, v, q.Path)
		default:
			err = r.setBoot(ctx, v, "")
		}
		if err == nil { // it has just been tried
			h.NoteBoot(true)
		}
		return err
	})
	r.look()
	return wire.BootAnswer{Protection: r.Protection()}, err
}

// Rotate seals everything anew under a new data key. It goes on when whoever
// asked has hung up.
func (r *Ring) Rotate(ctx context.Context, q wire.UnlockRequest) error {
	return r.proven(ctx, q.Password, func(*vault.Vault, Home, bool) error {
		own, h, err := r.held()
		if err != nil {
			return err
		}
		return h.Rotate(context.WithoutCancel(ctx), own)
	})
}

// Renew is Rotate for the hub itself, after something was forgotten.
func (r *Ring) Renew(ctx context.Context) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	v, h, err := r.held()
	if err != nil {
		return err
	}
	return h.Rotate(ctx, v)
}

// Prove takes the password, or the recovery code, of somebody who asks for what an
// open app alone must not get.
func (r *Ring) Prove(ctx context.Context, secret string) error {
	return r.proven(ctx, secret, func(_ *vault.Vault, h Home, byCode bool) error {
		if byCode {
			return h.NoteRecovery(ctx, Used)
		}
		return nil
	})
}
