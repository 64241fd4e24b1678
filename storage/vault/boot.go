package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// A Boot keeps the key of one boot slot outside the vault: a credential of the
// system, a TPM, a file on another disk. With it a hub opens its vault without a
// person, and so does whoever gets hold of both. Kind and At are written into
// keys.json, in the clear.
type Boot interface {
	// Kind begins with "boot-", at most 32 bytes.
	Kind() string
	// At is where the key lies, in the words of this kind; at most 1024 bytes.
	At() string
	// Key gives the 32-byte key that lies there.
	Key(ctx context.Context) ([]byte, error)
	// Make gives the key that lies there, or makes and keeps one if none does.
	// It must be durable when Make returns.
	Make(ctx context.Context) ([]byte, error)
	// Drop destroys the key. One that is gone already is no error.
	Drop(ctx context.Context) error
}

// Find gives the Boot of a slot as the file names it; nil if there is no such
// kind on this machine.
type Find func(kind, at string) Boot

var (
	// ErrNoBoot says that the household wants to open its hub itself.
	ErrNoBoot = errors.New("vault: no boot slot")
	// ErrBoot says that a boot slot's key cannot be had now, or is another one.
	ErrBoot = errors.New("vault: the boot slot does not open")
)

// OpenBoot opens the vault in dir by its boot slot: ErrNoBoot, ErrBoot, or as
// Open.
func OpenBoot(ctx context.Context, dir string, find Find) (*Vault, error) {
	return openBoot(ctx, dir, find, floor)
}

func openBoot(ctx context.Context, dir string, find Find, min cost) (*Vault, error) {
	verdict := ErrNoBoot
	v, err := open(dir, min, func(f *keyFile) (*pair, error) {
		return f.unlock((*slot).isBoot, func(s *slot) ([]byte, error) {
			key, err := bootKey(ctx, find(s.Kind, s.At), s)
			if err != nil {
				verdict = fmt.Errorf("%w: %w", ErrBoot, err)
				return make([]byte, keySize), nil // opens nothing; another slot may
			}
			verdict = ErrBoot
			return key, nil
		})
	})
	if errors.Is(err, ErrWrong) {
		return nil, verdict
	}
	return v, err
}

func bootKey(ctx context.Context, b Boot, s *slot) ([]byte, error) {
	if b == nil {
		return nil, fmt.Errorf("%s is not to be had here", s.Kind)
	}
	key, err := b.Key(ctx)
	if err != nil {
		return nil, err
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("%s: the key has %d bytes", s.Kind, len(key))
	}
	return derive(key, s.Salt, "hub/slot/boot"), nil
}

// BootSlot tells how the vault in dir opens by itself: kind and at of its boot
// slot, empty if a person opens it. It says what the file claims; only an
// opening proves it.
func BootSlot(dir string) (kind, at string) {
	found, err := readCopies(dir, cost{})
	if err != nil {
		return "", ""
	}
	for _, s := range found[0].Slots {
		if s.isBoot() {
			return s.Kind, s.At
		}
	}
	return "", ""
}

// SetBoot makes b the only way in without a person; nil for none. Before the
// slots before it go, the new one has opened with what b gives back; their keys
// are dropped last, and one that cannot be is no error: it opens nothing any
// more. After an error the old slot is in force.
func (v *Vault) SetBoot(ctx context.Context, b Boot, find Find) error {
	var gone []slot
	err := v.change(func(f *keyFile, k *keys) error {
		for _, s := range f.Slots {
			if s.isBoot() {
				gone = append(gone, s)
			}
		}
		f.drop((*slot).isBoot)
		if b == nil {
			return nil
		}
		return f.addBoot(ctx, b, k)
	})
	if err != nil {
		return err
	}
	for _, s := range gone {
		if b != nil && s.Kind == b.Kind() && s.At == b.At() {
			continue
		}
		if old := find(s.Kind, s.At); old != nil && !sameKey(ctx, old, b) {
			_ = old.Drop(ctx)
		}
	}
	return nil
}

// sameKey tells whether two boots keep one key: the disk with it may be mounted
// elsewhere today, or be reached through a link.
func sameKey(ctx context.Context, a, b Boot) bool {
	if b == nil {
		return false
	}
	x, errX := a.Key(ctx)
	y, errY := b.Key(ctx)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func (f *keyFile) addBoot(ctx context.Context, b Boot, k *keys) error {
	key, err := b.Make(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBoot, err)
	}
	if len(key) != keySize {
		return fmt.Errorf("%w: a key of %d bytes", ErrBoot, len(key))
	}
	salt := random(saltSize)
	own := derive(key, salt, "hub/slot/boot")
	clear(key)
	if _, err := f.add(b.Kind(), b.At(), kdf{Name: kdfHKDF}, salt, own, &k.data); err != nil {
		return err
	}
	s := &f.Slots[len(f.Slots)-1]
	again, err := bootKey(ctx, b, s)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBoot, err)
	}
	defer clear(again)
	if f.try(s, again, &k.data) != nil {
		return fmt.Errorf("%w: it gave back another key", ErrBoot)
	}
	return nil
}
