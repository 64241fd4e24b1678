package keys_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/keys"
	"github.com/ingle-home/ingle/storage/vault"
)

// app is where a request over the network comes from.
func app(t *testing.T) context.Context { return keys.From(t.Context(), "192.168.1.7") }

// badDisk has the disk take no count of tries.
func badDisk(t *testing.T, dir string) {
	t.Helper()
	path := filepath.Join(dir, "tries.json")
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	must(t, os.MkdirAll(filepath.Join(path, "in the way"), 0o700))
}

// The right password opens a locked hub whose disk takes no count, and the house hears of it; wrong
// ones are slowed down.
func TestTheRightPasswordOnABadDisk(t *testing.T) {
	r, h, dir, code := claimed(t, wire.SetupRequest{Password: password, StartLocked: true})
	must(t, r.Release())
	badDisk(t, dir)
	v, byCode, err := r.Unlock("192.168.1.7", password)
	if err != nil || byCode {
		t.Fatalf("the right password: %v", err)
	}
	r.Hold(v, h)
	if h.uncounted == nil {
		t.Error("the house does not hear of it")
	}
	for tries := 0; wire.Code(err) != wire.CodeTooMany; tries++ { // on a slow machine a try outlasts the first waits
		if _, _, err = r.Unlock("192.168.1.8", another); err == nil || tries > 9 {
			t.Fatalf("guess %d: %v", tries, err)
		}
	}
	if v, _, err := r.Unlock(keys.Console, code); err != nil {
		t.Errorf("the console: %v", err)
	} else {
		must(t, v.Close())
	}

	// What is done is not told as failed because a note of it could not be kept.
	h.deaf = true
	must(t, r.Prove(app(t), code))
	must(t, r.ChangePassword(app(t), wire.PasswordRequest{Password: code, New: another}))
	made, err := r.NewRecoveryCode(app(t), wire.UnlockRequest{Password: code})
	must(t, err)
	must(t, r.ConfirmRecovery(app(t), made))

	must(t, os.RemoveAll(filepath.Join(dir, "tries.json")))
	must(t, r.Prove(app(t), made.RecoveryCode))
	if h.uncounted != nil {
		t.Errorf("on a disk that is well again: %v", h.uncounted)
	}
}

// Of two apps that change the password at once, one after the other has its turn, and the later one
// hears why what it typed is not the password any more.
func TestTwoChangesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h, dir, code := claimed(t, wire.SetupRequest{Password: password, StartLocked: true})
		ctx := keys.From(t.Context(), keys.Console)
		_, end := rotating(t, r, h, code)
		fresh := []string{another, "another harbour under quiet snow"}
		answers := make([]chan error, len(fresh))
		for i, next := range fresh {
			answers[i] = make(chan error, 1)
			go func() { answers[i] <- r.ChangePassword(ctx, wire.PasswordRequest{Password: password, New: next}) }()
		}
		synctest.Wait()
		must(t, end())
		first, second := <-answers[0], <-answers[1]
		won := 0
		if first != nil {
			won, first, second = 1, second, first
		}
		if first != nil || wire.Code(second) != "keys.changed" {
			t.Errorf("the answers: %v and %v", first, second)
		}
		for i, secret := range append(fresh, password) {
			v, err := vault.Open(dir, secret)
			if (err == nil) != (i == won) {
				t.Errorf("secret %d after change %d: %v", i, won, err)
			}
			if err == nil {
				must(t, v.Close())
			}
		}
	})
}

// rotating has r seal everything anew, in a house that takes as long as the test likes: it stands still
// until end, which gives what became of it.
func rotating(t *testing.T, r *keys.Ring, h *house, code string) (ended <-chan error, end func() error) {
	t.Helper()
	begun, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	h.within = func() { close(begun); <-goOn }
	go func() {
		done <- r.Rotate(keys.From(t.Context(), keys.Console), wire.UnlockRequest{Password: code})
	}()
	<-begun
	return done, func() error { close(goOn); return <-done }
}

// While everything is sealed anew, who only shows a secret does not wait, who wants to change one hears
// what takes so long, and who hangs up has changed nothing.
func TestAChangeDuringARotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h, dir, code := claimed(t, wire.SetupRequest{Password: password, StartLocked: true})
		ctx := keys.From(t.Context(), keys.Console)
		_, end := rotating(t, r, h, code)
		must(t, r.Prove(ctx, code))
		change := wire.PasswordRequest{Password: code, New: another}
		if err := r.ChangePassword(ctx, change); wire.Code(err) != "keys.busy" {
			t.Errorf("the change: %v", err)
		}
		if err := r.ConfirmRecovery(ctx, wire.RecoveryCode{}); wire.Code(err) != "keys.busy" {
			t.Errorf("the confirmation: %v", err)
		}
		hungUp, hangUp := context.WithCancel(ctx)
		gone := make(chan error, 1)
		go func() { gone <- r.ChangePassword(hungUp, change) }()
		synctest.Wait()
		hangUp()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("who hung up: %v", err)
		}
		if err := r.ChangePassword(hungUp, change); !errors.Is(err, context.Canceled) {
			t.Errorf("who hung up before: %v", err)
		}
		must(t, end())
		v, err := vault.Open(dir, password)
		must(t, err)
		must(t, v.Close())
	})
}

// The keys are not wiped under a rotation.
func TestReleaseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h, _, code := claimed(t, wire.SetupRequest{Password: password, StartLocked: true})
		rotated, end := rotating(t, r, h, code)
		released := make(chan error, 1)
		go func() { released <- r.Release() }()
		synctest.Wait()
		if len(released) != 0 || len(rotated) != 0 {
			t.Error("the keys were wiped")
		}
		must(t, end())
		must(t, <-released)
	})
}

// Two apps make a recovery code at once: the later one is good, and who confirms the other hears it.
func TestTwoRecoveryCodesAtOnce(t *testing.T) {
	r, _, dir, code := claimed(t, wire.SetupRequest{Password: password, StartLocked: true})
	ctx := keys.From(t.Context(), keys.Console)
	var made [2]wire.RecoveryCode
	for i := range made {
		var err error
		made[i], err = r.NewRecoveryCode(ctx, wire.UnlockRequest{Password: code})
		must(t, err)
	}
	if err := r.ConfirmRecovery(ctx, made[0]); wire.Code(err) != "recovery.unknown" {
		t.Errorf("the first: %v", err)
	}
	must(t, r.ConfirmRecovery(ctx, made[1]))
	for secret, want := range map[string]bool{code: false, made[0].RecoveryCode: false, made[1].RecoveryCode: true} {
		v, err := vault.OpenRecovery(dir, secret)
		if (err == nil) != want {
			t.Errorf("a code: %v; want it to open: %v", err, want)
		}
		if err == nil {
			must(t, v.Close())
		}
	}
}

// A folder that has the place of a copy is named, and nothing is changed.
func TestAFolderInTheWay(t *testing.T) {
	dir, ctx := machine(t), keys.From(t.Context(), keys.Console)
	r := ring(t, dir)
	v, _, err := r.Create(ctx, wire.SetupRequest{Password: password, StartLocked: true})
	must(t, err)
	must(t, r.Settle())
	r.Hold(v, &house{})
	twin := filepath.Join(dir, "keys.twin.json")
	must(t, errors.Join(os.Remove(twin), os.Mkdir(twin, 0o700)))
	err = r.ChangePassword(ctx, wire.PasswordRequest{Password: password, New: another})
	var p *wire.Problem
	if !errors.As(err, &p) || p.Code != "keys.in-the-way" || p.Args["path"] != twin {
		t.Errorf("a change: %v", err)
	}
	must(t, os.Remove(twin))
	must(t, r.ChangePassword(ctx, wire.PasswordRequest{Password: password, New: another}))
	must(t, r.Release())
}

// A recovery code with a slip of the pen is told from a wrong password.
func TestAMistypedCodeIsNamed(t *testing.T) {
	dir, ctx := machine(t), keys.From(t.Context(), keys.Console)
	r := ring(t, dir)
	v, code, err := r.Create(ctx, wire.SetupRequest{Password: password, StartLocked: true})
	must(t, err)
	must(t, r.Settle())
	r.Hold(v, &house{})
	last := "0"
	if strings.HasSuffix(code, last) {
		last = "1"
	}
	slip := code[:len(code)-1] + last
	if _, _, err := r.Unlock(keys.Console, slip); wire.Code(err) != "recovery.mistyped" {
		t.Errorf("unlock: %v", err)
	}
	if err := r.ConfirmRecovery(ctx, wire.RecoveryCode{RecoveryCode: slip}); wire.Code(err) != "recovery.mistyped" {
		t.Errorf("confirm: %v", err)
	}
	if _, _, err := r.Unlock(keys.Console, another); wire.Code(err) != wire.CodePassword {
		t.Errorf("a wrong password: %v", err)
	}
	must(t, r.Release())
}
