package apitest

import (
	"context"
	"net/http"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// NewCode is the recovery code that NewRecoveryCode makes.
const NewCode = "0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV"

// proven compares the password.
func (h *Home) proven(password string) error {
	if password != h.password {
		return wire.Refuse(http.StatusUnauthorized, wire.CodePassword)
	}
	return nil
}

// ChangePassword takes any new password of at least 15 characters.
func (h *Home) ChangePassword(_ context.Context, r wire.PasswordRequest) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.proven(r.Password); err != nil {
		return err
	}
	if len(r.New) < 15 {
		return wire.Refuse(http.StatusUnprocessableEntity, "password.too_short", "min", "15")
	}
	h.password = r.New
	return nil
}

// NewRecoveryCode gives NewCode.
func (h *Home) NewRecoveryCode(_ context.Context, r wire.UnlockRequest) (wire.RecoveryCode, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return wire.RecoveryCode{RecoveryCode: NewCode}, h.proven(r.Password)
}

// ConfirmRecovery knows the two codes that were ever made.
func (h *Home) ConfirmRecovery(_ context.Context, r wire.RecoveryCode) error {
	if r.RecoveryCode != RecoveryCode && r.RecoveryCode != NewCode {
		return wire.Refuse(http.StatusConflict, "recovery.unknown")
	}
	return nil
}

// SetLanguage notes the language of the home.
func (h *Home) SetLanguage(_ context.Context, l wire.Language) (wire.Language, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(l.Language) != len("en") {
		return l, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeLanguage, "language", l.Language, "known", "de, en")
	}
	status := h.snap.Status
	status.Language = l.Language
	h.apply(wire.Change{Status: &status})
	return l, nil
}

// SetBoot notes how the hub starts: its machine keeps a key on the same disk only.
func (h *Home) SetBoot(_ context.Context, r wire.BootRequest) (wire.BootAnswer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.proven(r.Password); err != nil {
		return wire.BootAnswer{}, err
	}
	h.snap.Status.Protection = map[string]wire.Protection{
		wire.BootItself: wire.ProtectionSameDisk, wire.BootKeyFile: wire.ProtectionMedium, wire.BootLocked: wire.ProtectionManual,
	}[r.How]
	return wire.BootAnswer{Protection: h.snap.Status.Protection}, nil
}

// Rotate has nothing to seal.
func (h *Home) Rotate(_ context.Context, r wire.UnlockRequest) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.proven(r.Password)
}

// Suggest always offers the same: nobody lives here.
func (h *Home) Suggest(context.Context, string) (wire.Passphrase, error) {
	return wire.Passphrase{Passphrase: "otter-lantern-violet-harbour-pickle", Bits: 51.7}, nil
}

// Judge counts: 15 characters will do.
func (h *Home) Judge(_ context.Context, password string) (wire.Verdict, error) {
	if n := len([]rune(password)); n < 15 {
		return wire.Verdict{Percent: 100 * n / 15, Code: "password.too_short", Args: map[string]string{"min": "15"}}, nil
	}
	return wire.Verdict{Percent: 100 + len(password)}, nil
}
