package vault

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/ingle-home/ingle/storage"
)

// A copy of what is stored is sealed under a data key of its own and carries a
// keys.json of its own. Its slots are those of the vault, which a hub that does
// not keep the recovery code can copy but not make: so the code and the password of
// that day open it, on any machine. Boot slots stay behind: they are this
// machine's.

// Copy is the keys of one copy. It is the copy's epoch that follows the vault's.
type Copy struct {
	of    *Vault
	id    []byte
	epoch uint64
	key   *[keySize]byte // behind a pointer, so that %v never prints it
	file  []byte
}

// Copy draws a data key for a copy of what is stored under v. Close it.
func (v *Vault) Copy() (*Copy, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f, err := v.current()
	if err != nil {
		return nil, err
	}
	c := &Copy{of: v, id: f.Vault, epoch: f.Epoch + 1, key: new([keySize]byte)}
	rand.Read(c.key[:])
	f.drop((*slot).isBoot)
	f.Rev++
	if err := f.renew(&v.keys.data, c.key, c.epoch); err != nil {
		return nil, err
	}
	if err := f.prove(&v.keys.way, c.key); err != nil {
		return nil, err
	}
	f.MAC = f.mac(c.key)
	if c.file, err = f.marshal(); err != nil {
		return nil, err
	}
	v.out = append(v.out, c)
	return c, nil
}

// File is the copy's keys.json, which is no secret.
func (c *Copy) File() []byte { return c.file }

// ID is the vault's.
func (c *Copy) ID() []byte { return c.id }

// Epoch is the copy's.
func (c *Copy) Epoch() uint64 { return c.epoch }

// Key derives the key of a purpose, as Vault.Key does once the copy is opened.
func (c *Copy) Key(purpose string) []byte { return derive(c.key[:], c.id, purpose) }

// Close wipes the key.
func (c *Copy) Close() {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.of.out = slices.DeleteFunc(c.of.out, func(o *Copy) bool { return o == c })
	clear(c.key[:])
}

// Plant puts a copy's keys.json into dir, which must exist and hold none, to be
// opened there. What is no keys.json is ErrDamaged.
func Plant(dir string, file []byte) error {
	if Exists(dir) {
		return errors.New("vault: there are keys in this folder")
	}
	f, err := parseKeyFile(file, floor)
	if err != nil {
		return err
	}
	if err := f.write(dir); err != nil {
		return fmt.Errorf("vault: %w", storage.Full(err))
	}
	return nil
}

// OpenCopy opens the copy in dir, which v drew and did not close yet, without a
// secret: ErrWrong if it is another one, ErrDamaged as Open.
func (v *Vault) OpenCopy(dir string) (*Vault, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.keys == nil {
		return nil, errClosed
	}
	found, err := readCopies(dir, v.min)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		for _, c := range v.out {
			if string(f.Vault) == v.id && f.authentic(c.key) {
				return f.opened(dir, v.min, &keys{data: *c.key}), nil
			}
		}
	}
	return nil, ErrWrong
}

// IDOf is the identity that the vault in dir claims, which only an opening
// proves; nil if there is none or none can be read.
func IDOf(dir string) []byte {
	found, err := readCopies(dir, cost{})
	if err != nil {
		return nil
	}
	return found[0].Vault
}
