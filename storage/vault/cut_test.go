package vault

import (
	"bytes"
	"context"
	"fmt"

	"github.com/ingle-home/ingle/storage/cuttest"
)

// What storage/powercut has this package's test binary do: change a vault in every way on a
// disk that loses what was not synced, and judge what it left.

// waysIn are the ways into a vault.
type waysIn struct {
	Passwords, Codes []string // of each at least one opens, if it is not empty
	AllCodes         bool     // every one of them does
	Boot             bool
	Gone             []string // passwords and codes that open nothing
}

func changeWhileCut(t cuttest.Teller, dir, _ string) error {
	var now waysIn
	if err := t.Say(now); err != nil {
		return err
	}
	v, code, err := create(dir, secret, cheap)
	if err != nil {
		return err
	}
	now = waysIn{Passwords: []string{secret}, Codes: []string{code}}
	for n, change := range []func() error{
		func() error { return setBootTold(v, dir, "first", &now) },
		func() error { return changePasswordTold(t, v, another, &now) },
		func() error { return replaceCodeTold(t, v, &now) },
		func() error { return v.Rotate().Commit() },
		func() error { return setBootTold(v, dir, "second", &now) },
		func() error { return changePasswordTold(t, v, secret+" again", &now) },
		func() error { return v.Rotate().Commit() },
	} {
		if err := t.Say(now); err != nil {
			return err
		}
		if err := change(); err != nil {
			return fmt.Errorf("change %d: %w", n, err)
		}
	}
	return t.Say(now)
}

func setBootTold(v *Vault, dir, name string, now *waysIn) error {
	find, p := pockets(dir)
	p.name = name
	if err := v.SetBoot(context.Background(), p, find); err != nil {
		return err
	}
	now.Boot = true
	return nil
}

func changePasswordTold(t cuttest.Teller, v *Vault, next string, now *waysIn) error {
	old := now.Passwords[0]
	now.Passwords = []string{old, next}
	if err := t.Say(*now); err != nil {
		return err
	}
	if err := v.ChangePassword(next, nil, 0); err != nil {
		return err
	}
	now.Passwords, now.Gone = []string{next}, append(now.Gone, old)
	return nil
}

func replaceCodeTold(t cuttest.Teller, v *Vault, now *waysIn) error {
	next, err := v.NewRecoveryCode()
	if err != nil {
		return err
	}
	old := now.Codes[0]
	now.Codes, now.AllCodes = []string{old, next}, true
	if err := t.Say(*now); err != nil {
		return err
	}
	now.AllCodes = false
	if err := t.Say(*now); err != nil {
		return err
	}
	if err := v.ConfirmRecovery(next); err != nil {
		return err
	}
	now.Codes, now.Gone = []string{next}, append(now.Gone, old)
	return nil
}

// judgeWays tries every way in.
func judgeWays(dir string, said waysIn) error {
	find, _ := pockets(dir)
	if said.Boot {
		if _, err := cheapBoot(dir, find); err != nil {
			return fmt.Errorf("by the boot slot: %w", err)
		}
	}
	if n := openBy(openCheap, dir, said.Passwords); n == 0 && len(said.Passwords) > 0 {
		return fmt.Errorf("no password opens it")
	}
	codes := openBy(cheapRecovery, dir, said.Codes)
	if codes == 0 && len(said.Codes) > 0 || said.AllCodes && codes < len(said.Codes) {
		return fmt.Errorf("%d of %d recovery codes open it", codes, len(said.Codes))
	}
	if len(said.Passwords) > 0 { // whatever was opened first, there is a way in ever after
		if n := openBy(openCheap, dir, said.Passwords); n != 1 {
			return fmt.Errorf("settled, %d passwords open it", n)
		}
		if err := wantTwins(dir); err != nil {
			return err
		}
	}
	if n := openBy(openCheap, dir, said.Gone) + openBy(cheapRecovery, dir, said.Gone); n > 0 {
		return fmt.Errorf("%d secrets open it that were replaced", n)
	}
	return nil
}

func openBy(open func(dir, secret string) (*Vault, error), dir string, secrets []string) (n int) {
	for _, s := range secrets {
		if v, err := open(dir, s); err == nil {
			n++
			_ = v.Close()
		}
	}
	return n
}

func wantTwins(dir string) error {
	var raws [][]byte
	for _, path := range copies(dir) {
		raw, err := readBounded(path)
		if err != nil {
			return err
		}
		raws = append(raws, raw)
	}
	if !bytes.Equal(raws[0], raws[1]) {
		return fmt.Errorf("the copies differ after an opening")
	}
	return nil
}
