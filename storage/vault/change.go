package vault

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ingle-home/ingle/storage"
)

// Every change writes keys.json and its twin once, each by a rename. A crash
// leaves the old state, the new one, or one of each; any secret that opened
// either opens the vault, and the opening settles which it is. No change touches
// a database, and none but a rotation changes the data key: a secret that was
// replaced because somebody knows it is worth nothing to them once a rotation
// follows.

// errClosed says that a vault was closed before it was to change.
var errClosed = errors.New("vault: it is closed")

// errRotated says that another Vault of the same folder has drawn a new data key:
// what this one derives opens nothing any more.
var errRotated = errors.New("vault: its data key was replaced, open it again")

// ChangePassword has the password slot open with another password, of which one
// try takes about effort on this machine. What Judge refuses gives its *Refusal;
// names are those that the hub knows. After an error the old password counts, unless
// the disk lets neither copy be brought back.
func (v *Vault) ChangePassword(password string, names []string, effort time.Duration) error {
	if err := Judge(password, names); err != nil {
		return err
	}
	c := v.min
	if c == floor {
		var err error
		if c, err = calibrate(v.dir, effort); err != nil {
			return err
		}
	}
	salt := random(saltSize)
	key, err := stretch(v.dir, password, salt, c)
	if err != nil {
		return err
	}
	return v.change(func(f *keyFile, k *keys) error {
		f.drop(isKind(kindPassword))
		_, err := f.add(kindPassword, "", kdf{kdfArgon2id, c}, salt, key, &k.data)
		return err
	})
}

// NewRecoveryCode makes another recovery code and gives it this one time. The
// one before opens the vault until ConfirmRecovery says that somebody has the
// new one: a crash in between must not leave a code that nobody saw.
func (v *Vault) NewRecoveryCode() (string, error) {
	secret := random(codeSize)
	err := v.change(func(f *keyFile, k *keys) error {
		first := true
		f.drop(func(s *slot) bool { // all but the first: it was confirmed, the others never were
			again := s.Kind == kindRecovery && !first
			first = first && s.Kind != kindRecovery
			return again
		})
		return f.addRecovery(secret, &k.data)
	})
	if err != nil {
		return "", err
	}
	return formatCode(secret), nil
}

// ConfirmRecovery makes this code the only one, because somebody has it. ErrWrong
// for any other.
func (v *Vault) ConfirmRecovery(code string) error {
	secret, err := parseCode(code)
	if err != nil {
		return ErrWrong
	}
	return v.change(func(f *keyFile, _ *keys) error {
		p, err := f.unlockRecovery(secret)
		if err != nil {
			return err
		}
		f.drop(func(s *slot) bool { return s.Kind == kindRecovery && wordOf(s.ID) != p.slot })
		return nil
	})
}

func (f *keyFile) drop(which func(*slot) bool) {
	kept := f.Slots[:0:0]
	for i := range f.Slots {
		if !which(&f.Slots[i]) {
			kept = append(kept, f.Slots[i])
		}
	}
	f.Slots = kept
}

// change writes the file anew as edit leaves it, one revision on. Nothing is
// written if edit fails or leaves the slots as they were.
func (v *Vault) change(edit func(*keyFile, *keys) error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	unlock, err := lockDir(v.dir)
	if err != nil {
		return err
	}
	defer unlock()
	f, old, err := v.alike()
	if err != nil {
		return err
	}
	before := slices.Clone(f.Slots)
	if err := edit(f, v.keys); err != nil {
		return err
	}
	if slices.EqualFunc(before, f.Slots, func(a, b slot) bool { return a.ID == b.ID }) {
		return nil
	}
	f.Rev++
	f.Stale = f.Stale || slices.ContainsFunc(before, func(s slot) bool { return f.count(func(k *slot) bool { return k.ID == s.ID }) == 0 })
	f.MAC = f.mac(&v.keys.data)
	return f.writeOver(v.dir, old)
}

// alike is current, with both copies brought to it: so no two copies are ever
// further apart than one change, and whatever opens the older of them opens the
// newer, or has the data key of it.
func (v *Vault) alike() (f *keyFile, raw []byte, err error) {
	if f, err = v.current(); err != nil {
		return nil, nil, err
	}
	if raw, err = f.marshal(); err != nil {
		return nil, nil, err
	}
	if err = healTo(v.dir, raw); err != nil {
		return nil, nil, fmt.Errorf("vault: write keys: %w", storage.Full(err))
	}
	return f, raw, nil
}

// current reads the file as it is now; another Vault of the same folder may have
// changed it. The data key, which only a rotation changes, proves it.
func (v *Vault) current() (*keyFile, error) {
	if v.keys == nil {
		return nil, errClosed
	}
	found, err := readCopies(v.dir, v.min)
	if err != nil {
		return nil, err
	}
	f, dek := newestOf(found, v.keys)
	switch {
	case f == nil:
		return nil, ErrDamaged
	case *dek != v.keys.data:
		return nil, errRotated
	case f.outdated(found):
		return nil, fmt.Errorf("%w: these keys are of an old copy", ErrDamaged)
	}
	return f, nil
}
