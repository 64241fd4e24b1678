package keys

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
	"github.com/ingle-home/ingle/storage/vault/boot"
)

// A setup first leaves a mark, then makes the keys and the store, then takes the
// mark away. A hub that finds the mark at its start undoes what was made: nobody
// has seen the recovery code, and nothing of the household's is stored yet. From
// there to the moment when somebody says that they have the code, the store
// itself remembers that nobody did.
const mark = "setup-unfinished"

// Create makes the vault of an unclaimed hub, ready to start by itself unless r
// says otherwise. Nothing counts until Settle; Undo takes it back.
func (r *Ring) Create(ctx context.Context, wish wire.SetupRequest) (v *vault.Vault, code string, err error) {
	if err := vault.Judge(wish.Password, nil); err != nil { // nothing to undo yet
		return nil, "", err
	}
	switch found, err := records.Exists(r.Dir); {
	case err != nil:
		return nil, "", err
	case found:
		return nil, "", vault.ErrDamaged // its keys are gone, perhaps not for ever: nothing may take its place
	}
	if err := storage.Place(filepath.Join(r.Dir, mark), nil); err != nil {
		return nil, "", fmt.Errorf("setup: %w", err)
	}
	if v, code, err = vault.CreateFor(r.Dir, wish.Password, r.Effort); err != nil {
		return nil, "", err
	}
	if !wish.StartLocked {
		if err := r.setBoot(ctx, v, r.KeyFile); err != nil {
			// A hub that waits for its password is a hub all the same, and its
			// answer says that it does.
			r.Log.Error("the hub cannot start by itself here", "err", err)
		}
	}
	r.look()
	return v, code, nil
}

// setBoot has the hub start by itself: with a key at path, or wherever serves
// best.
func (r *Ring) setBoot(ctx context.Context, v *vault.Vault, path string) error {
	set := func(ctx context.Context, b vault.Boot) error { return v.SetBoot(ctx, b, r.find) }
	if path != "" {
		return set(ctx, boot.KeyFile(path))
	}
	return boot.Best(ctx, r.Dir, set)
}

// Unsettled tells whether a setup is under way: only then may a store begin empty.
func (r *Ring) Unsettled() bool {
	_, err := os.Lstat(filepath.Join(r.Dir, mark))
	return err == nil
}

// Settle says that the setup counts, whatever happens from now on.
func (r *Ring) Settle() error {
	if err := os.Remove(filepath.Join(r.Dir, mark)); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	return storage.SyncDir(r.Dir)
}

// Undo takes a setup back that did not come to its end.
func (r *Ring) Undo(ctx context.Context) error {
	err := r.undoSetup(ctx)
	r.look()
	return err
}

func (r *Ring) undoSetup(ctx context.Context) error {
	_, err := os.Stat(filepath.Join(r.Dir, mark))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("setup: undo: %w", err)
	}
	if b := r.find(vault.BootSlot(r.Dir)); b != nil {
		_ = b.Drop(ctx) // it opens nothing any more
	}
	entries, _ := os.ReadDir(r.Dir) // without a folder there is nothing to undo
	for _, e := range entries {
		if madeBySetup(e.Name()) {
			err = errors.Join(err, os.Remove(filepath.Join(r.Dir, e.Name())))
		}
	}
	if err == nil {
		err = storage.SyncDir(r.Dir) // before the mark goes, or keys may stay that nobody can use
	}
	if err != nil {
		return fmt.Errorf("setup: undo: %w", err)
	}
	return r.Settle()
}

func madeBySetup(name string) bool {
	for _, pattern := range []string{"keys.json*", "keys.twin.json*", "core-*.db*", "telemetry-*.db*", "boot-*.cred", ".ingle-*", "media"} {
		if ok, _ := filepath.Match(pattern, name); ok { // the patterns are well formed
			return true
		}
	}
	return false
}

// Fresh has the ring know that there are no keys any more: everything was forgotten, and the next setup makes
// others. Wrong passwords of before count no more.
func (r *Ring) Fresh() error {
	r.tries.reset()
	r.look()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unbooted = false
	return nil
}
