package server

import (
	"context"
	"net/http"

	"github.com/ingle-home/ingle/hub/api/wire"
)

func (a *api) keys() {
	add(a, route{"change-password", "POST", "/password", Owner, nil, http.StatusNoContent, "Replace the password"},
		func(ctx context.Context, in *answer[wire.PasswordRequest]) (*none, error) {
			err := a.Hub.ChangePassword(ctx, in.Body)
			if err == nil {
				a.Proofs.forget()
			}
			return &none{}, err
		})
	add(a, route{"new-recovery-code", "POST", "/recovery-code", Owner, nil, 0, "Make another recovery code; it is shown once, and the old one is good until this one is confirmed"},
		func(ctx context.Context, in *answer[wire.UnlockRequest]) (*answer[wire.RecoveryCode], error) {
			made, err := a.Hub.NewRecoveryCode(ctx, in.Body)
			return &answer[wire.RecoveryCode]{made}, err
		})
	add(a, route{"confirm-recovery-code", "POST", "/recovery-code/confirm", Owner, nil, http.StatusNoContent, "Say that somebody has the recovery code; it is the only one then"},
		func(ctx context.Context, in *answer[wire.RecoveryCode]) (*none, error) {
			return &none{}, a.Hub.ConfirmRecovery(ctx, in.Body)
		})
	add(a, route{"set-boot", "POST", "/boot", Owner, nil, 0, "Say how the hub starts after a power cut"},
		func(ctx context.Context, in *answer[wire.BootRequest]) (*answer[wire.BootAnswer], error) {
			set, err := a.Hub.SetBoot(ctx, in.Body)
			return &answer[wire.BootAnswer]{set}, err
		})
	add(a, route{"rotate", "POST", "/keys/rotate", Owner, nil, http.StatusNoContent, "Seal everything anew under a new key; answers when it is done"},
		func(ctx context.Context, in *answer[wire.UnlockRequest]) (*none, error) {
			return &none{}, a.Hub.Rotate(ctx, in.Body)
		})
	type ask struct {
		Language string `query:"language" maxLength:"32" doc:"en, de; English for any other"`
	}
	always := []wire.State{wire.Open, wire.Locked, wire.Unclaimed}
	add(a, route{"suggest-passphrase", "GET", "/passphrase", Owner, always, 0, "Offer a password of five words"},
		func(ctx context.Context, in *ask) (*answer[wire.Passphrase], error) {
			offer, err := a.Hub.Suggest(ctx, in.Language)
			return &answer[wire.Passphrase]{offer}, err
		})
	add(a, route{"check-password", "POST", "/password/check", Owner, always, 0, "Say whether a password that somebody thinks of would do, and why not"},
		func(ctx context.Context, in *answer[wire.PasswordCheck]) (*answer[wire.Verdict], error) {
			verdict, err := a.Hub.Judge(ctx, in.Body.Password)
			return &answer[wire.Verdict]{verdict}, err
		})
}
