package vault

import (
	"crypto/rand"
	"fmt"
)

// Next is a vault's next epoch: a new data key that nothing is sealed under yet.
type Next struct {
	vault *Vault
	epoch uint64
	key   *[keySize]byte // behind a pointer, so that %v never prints it
}

// Rotate draws a new data key. Whoever keeps something under keys of this vault
// seals it anew under those of Next; then Commit makes them the vault's keys.
func (v *Vault) Rotate() *Next {
	n := &Next{vault: v, epoch: v.Epoch() + 1, key: new([keySize]byte)}
	rand.Read(n.key[:])
	return n
}

// Stale tells whether a secret was replaced since the data key was drawn: until a
// rotation, what is stored still opens for whoever had that secret and kept a copy
// of keys.json from when it did.
func (v *Vault) Stale() (bool, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	f, err := v.current()
	if err != nil {
		return false, err
	}
	return f.Stale, nil
}

// Epoch is the one that begins with Commit.
func (n *Next) Epoch() uint64 { return n.epoch }

// ID is the vault's.
func (n *Next) ID() []byte { return n.vault.ID() }

// Key derives the key of a purpose, as Vault.Key does after Commit.
func (n *Next) Key(purpose string) []byte { return derive(n.key[:], n.vault.ID(), purpose) }

// Commit replaces the data key in both copies of keys.json: from then on the old
// one is nowhere. Slots stay, and what they say of the new one was tried with the one
// that opened this vault. After an error the vault's Epoch says
// which copy counts: the new one if it reached the disk at all, because the next
// opening will take it. What is sealed under the old keys must be kept then.
func (n *Next) Commit() error {
	v := n.vault
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
	if f.Epoch+1 != n.epoch {
		return fmt.Errorf("vault: rotate from epoch %d to %d", f.Epoch, n.epoch)
	}
	f.Rev++
	if err := f.renew(&v.keys.data, n.key, n.epoch); err != nil {
		return err
	}
	if err := f.prove(&v.keys.way, n.key); err != nil {
		return err
	}
	f.MAC = f.mac(n.key)
	err = f.writeOver(v.dir, old)
	if err != nil && !n.reached(v) {
		return err
	}
	v.keys.data, v.epoch = *n.key, n.epoch
	clear(n.key[:])
	return err
}

// reached tells whether a copy of the next epoch can be read.
func (n *Next) reached(v *Vault) bool {
	found, err := readCopies(v.dir, v.min)
	return err == nil && found[0].Epoch == n.epoch && found[0].authentic(n.key)
}
