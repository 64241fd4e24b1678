package keys

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/storage/vault"
)

// Whoever changes a key shows the password again, or the recovery code: an app
// that was left open on a table is not enough.

// patience is how long a change waits for another one: longer than any takes but a
// rotation, which may take many minutes.
const patience = 20 * time.Second

// turn waits until nothing else is being changed, and gives what ends this turn. Whoever
// hung up meanwhile gets none: a change that its maker was told has failed must not
// happen after all.
func (r *Ring) turn(ctx context.Context) (over func(), err error) {
	select {
	case r.changing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	over = func() { <-r.changing }
	if err := ctx.Err(); err != nil {
		over()
		return nil, err
	}
	return over, nil
}

// soon is turn for a person, who is told what takes so long.
func (r *Ring) soon(ctx context.Context) (over func(), err error) {
	brief, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	over, err = r.turn(brief)
	if err != nil && ctx.Err() == nil {
		return nil, wire.Refuse(http.StatusServiceUnavailable, "keys.busy")
	}
	return over, err
}

// change runs do with a vault that a secret has just opened, one change at a time.
func (r *Ring) change(ctx context.Context, secret string, do func(v *vault.Vault, h Home, byCode bool) error) error {
	asked := r.secrets.Load()
	over, err := r.soon(ctx)
	if err != nil {
		return err
	}
	defer over()
	err = r.proven(ctx, secret, do)
	if wire.Code(err) == wire.CodePassword && r.secrets.Load() != asked {
		return wire.Refuse(http.StatusConflict, "keys.changed") // it may have been right when it was typed
	}
	return err
}

// proven runs do with a vault that a secret has just opened.
func (r *Ring) proven(ctx context.Context, secret string, do func(v *vault.Vault, h Home, byCode bool) error) error {
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

// noteRecovery has the house remember what became of the recovery code. What was done
// with it is done, even where the disk does not take the note.
func (r *Ring) noteRecovery(ctx context.Context, h Home, s Recovery) {
	if err := h.NoteRecovery(context.WithoutCancel(ctx), s); err != nil {
		r.Log.Warn("what became of the recovery code is not noted", "err", err)
	}
}

// ChangePassword replaces the password. It is done when it is on disk, twice.
func (r *Ring) ChangePassword(ctx context.Context, q wire.PasswordRequest) error {
	return r.change(ctx, q.Password, func(v *vault.Vault, h Home, byCode bool) error {
		if err := v.ChangePassword(q.New, h.Names(), r.Effort); err != nil {
			return err
		}
		r.secrets.Add(1)
		if byCode {
			r.noteRecovery(ctx, h, Used)
		}
		return nil
	})
}

// NewRecoveryCode makes another recovery code. The old one is good until
// ConfirmRecovery.
func (r *Ring) NewRecoveryCode(ctx context.Context, q wire.UnlockRequest) (wire.RecoveryCode, error) {
	var made wire.RecoveryCode
	err := r.change(ctx, q.Password, func(v *vault.Vault, _ Home, _ bool) (err error) {
		made.RecoveryCode, err = v.NewRecoveryCode()
		return err
	})
	return made, err
}

// ConfirmRecovery takes the word of somebody who has this recovery code: it is
// the only one from now on.
func (r *Ring) ConfirmRecovery(ctx context.Context, q wire.RecoveryCode) error {
	over, err := r.soon(ctx)
	if err != nil {
		return err
	}
	defer over()
	v, h, err := r.held()
	if err != nil {
		return err
	}
	source := SourceOf(ctx)
	if err := r.take(source); err != nil {
		return err
	}
	err = v.ConfirmRecovery(q.RecoveryCode)
	if errors.Is(err, vault.ErrWrong) && vault.Mistyped(q.RecoveryCode) {
		return wire.Refuse(http.StatusConflict, codeMistyped)
	}
	if errors.Is(err, vault.ErrWrong) { // of two that were made at once, the first is void
		return wire.Refuse(http.StatusConflict, "recovery.unknown")
	}
	if err != nil {
		return Problem(err)
	}
	r.secrets.Add(1)
	r.forgive(source)
	r.noteRecovery(ctx, h, Kept)
	return nil
}

// SetBoot says how the hub starts after a power cut.
func (r *Ring) SetBoot(ctx context.Context, q wire.BootRequest) (wire.BootAnswer, error) {
	if q.How == wire.BootKeyFile && !filepath.IsAbs(q.Path) {
		return wire.BootAnswer{}, wire.Refuse(http.StatusUnprocessableEntity, "boot.path")
	}
	err := r.change(ctx, q.Password, func(v *vault.Vault, h Home, _ bool) (err error) {
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
	return r.change(ctx, q.Password, func(*vault.Vault, Home, bool) error {
		own, h, err := r.held()
		if err != nil {
			return err
		}
		return h.Rotate(context.WithoutCancel(ctx), own)
	})
}

// Stale tells whether a secret was replaced since the last rotation: until the next one,
// what is stored opens for whoever knows that secret and has an old copy of the keys.
func (r *Ring) Stale() (bool, error) {
	v, _, err := r.held()
	if err != nil {
		return false, err
	}
	return v.Stale()
}

// Renew is Rotate for the hub itself, after something was forgotten or a secret replaced.
func (r *Ring) Renew(ctx context.Context) error {
	over, err := r.turn(ctx)
	if err != nil {
		return err
	}
	defer over()
	v, h, err := r.held()
	if err != nil {
		return err
	}
	return h.Rotate(ctx, v)
}

// Prove takes the password, or the recovery code, of somebody who asks for what an
// open app alone must not get. It changes nothing, so it waits for no change.
func (r *Ring) Prove(ctx context.Context, secret string) error {
	return r.proven(ctx, secret, func(_ *vault.Vault, h Home, byCode bool) error {
		if byCode {
			r.noteRecovery(ctx, h, Used)
		}
		return nil
	})
}
