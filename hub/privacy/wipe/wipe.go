// Package wipe forgets everything: what a hub has is gone when it is done, the hub belongs to nobody, and it
// is another hub than before. Since the store goes, the journal is a file beside it, forgetting.json, which
// holds no personal data. A hub that finds it at its start completes it before anything else.
package wipe

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ingle-home/ingle/hub/privacy"
	"github.com/ingle-home/ingle/hub/privacy/receipt"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/vault"
	"github.com/ingle-home/ingle/storage/vault/boot"
)

const (
	journal  = "forgetting.json"
	folder   = "receipts"
	maxNote  = 1 << 20
	maxFiles = 10_000
)

// Note is the journal: the receipt as far as it is known, and the key that signs it.
type Note struct {
	Receipt receipt.Receipt `json:"receipt"`
	Seed    []byte          `json:"seed"` // the hub's key, which is no longer the hub's when it is done
}

// Begin writes the journal: from now on everything will be forgotten.
func Begin(dir string, n Note) error {
	raw, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("wipe: %w", err)
	}
	if err := storage.Place(filepath.Join(dir, journal), raw); err != nil {
		return fmt.Errorf("wipe: %w", err)
	}
	return nil
}

// Begun says whether everything is being forgotten.
func Begun(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, journal))
	return err == nil
}

// Watch is what Finish calls; each may be nil.
type Watch struct {
	Look    func(ctx context.Context) (receipt.Search, error) // searches the folder for the names of who lived here, as long as somebody knows them
	Reached func(step string)                                 // at each step
}

// Finish forgets everything in a folder that nobody uses, the keys first, looks again and leaves a receipt.
// Of a folder without a journal it does nothing. What cannot be removed is an error, and it may be called
// again.
func Finish(ctx context.Context, dir string, w Watch) error {
	if !Begun(dir) {
		return nil
	}
	reached := w.Reached
	if reached == nil {
		reached = func(string) {}
	}
	n, err := read(dir)
	if err != nil {
		return err
	}
	if b := boot.Finder(dir)(vault.BootSlot(dir)); b != nil {
		_ = b.Drop(ctx) // without keys.json it opens nothing
	}
	for _, group := range []struct {
		step string
		is   func(name string) bool
	}{
		{"keys", func(name string) bool { return matches(name, "keys.json*", "keys.twin.json*", "boot-*.cred") }},
		{"restored", func(name string) bool { return matches(name, "restore.*") }},
		{"store", goes},
	} {
		if err := remove(dir, group.is); err != nil {
			return err
		}
		reached(group.step)
	}
	if err := n.recount(dir); err != nil {
		return err
	}
	if w.Look != nil {
		if n.Receipt.Search, err = w.Look(ctx); err != nil {
			return fmt.Errorf("wipe: search: %w", err)
		}
	}
	if err := n.prove(dir); err != nil {
		return err
	}
	reached("receipt")
	if err := os.Remove(filepath.Join(dir, journal)); err != nil {
		return fmt.Errorf("wipe: %w", err)
	}
	return storage.SyncDir(dir)
}

// stays says what a folder has that was wiped: its lock, the journal and the receipts of it.
func stays(name string) bool { return matches(name, "lock", "hub.sock", journal, folder) }

// goes says whether a file is the hub's, and of what was wiped. A folder may have others: somebody may have
// begun a hub in one that was theirs.
func goes(name string) bool {
	return !stays(name) && slices.ContainsFunc(privacy.Kinds(), func(k privacy.Kind) bool { return matches(name, k.Files...) })
}

func matches(name string, patterns ...string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		is, _ := filepath.Match(p, name) // the patterns are well formed
		return is
	})
}

func list(dir string, is func(string) bool) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("wipe: %w", err)
	}
	for _, e := range entries {
		if is(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func remove(dir string, is func(string) bool) error {
	names, err := list(dir, is)
	if err != nil {
		return err
	}
	for _, name := range names {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, name)))
	}
	if err != nil {
		return fmt.Errorf("wipe: %w", err)
	}
	return storage.SyncDir(dir)
}

func read(dir string) (n Note, err error) {
	raw, err := os.ReadFile(filepath.Join(dir, journal))
	if err == nil && len(raw) > maxNote {
		err = errors.New("it is too long")
	}
	if err == nil {
		err = json.Unmarshal(raw, &n)
	}
	if err == nil && (len(n.Seed) != ed25519.SeedSize || n.Receipt.ID == "") {
		err = errors.New("it is not whole")
	}
	if err != nil {
		return n, fmt.Errorf("wipe: journal: %w", err)
	}
	return n, nil
}

// recount counts what is in the folder after all. Whatever is left is an error: it may be of any kind.
func (n Note) recount(dir string) error {
	left, err := list(dir, goes)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("wipe: %d files are still there", len(left))
	}
	for i, c := range n.Receipt.Counts { // the process whose memory it was has closed the house, or ended
		if c.Where == "hub" || c.Where == "memory" {
			n.Receipt.Counts[i].After = len(left)
		}
	}
	return nil
}

// prove writes the receipt, under a name that is the same however often this was cut short.
func (n Note) prove(dir string) error {
	logs, err := list(dir, func(name string) bool { return matches(name, "*.db*") })
	if err != nil {
		return err
	}
	r := n.Receipt
	r.Made, r.Done, r.Emptied = time.Now().UTC(), true, len(logs) == 0
	raw, err := receipt.Sign(r, ed25519.NewKeyFromSeed(n.Seed))
	if err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(dir, folder), storage.DirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("wipe: %w", err)
	}
	if err := remove(filepath.Join(dir, folder), func(name string) bool { return matches(name, ".ingle-*") }); err != nil { // half a one
		return err
	}
	if err := storage.Place(filepath.Join(dir, folder, filepath.Base(r.ID)+".json"), raw); err != nil {
		return fmt.Errorf("wipe: receipt: %w", err)
	}
	return nil
}

// gone says whether all that was in a place is gone: at the hub it is, elsewhere its holder says so.
func (n Note) gone(where string) bool {
	holder, elsewhere := map[string]string{"device": "devices", "backup": "backups"}[where]
	return where == "hub" || where == "memory" || elsewhere && slices.ContainsFunc(n.Receipt.Places, func(p receipt.Place) bool {
		return p.Holder == holder && p.Outcome == receipt.Gone
	})
}

// Receipts are those of what was here before everything was forgotten.
func Receipts(dir string) ([][]byte, error) {
	entries, err := os.ReadDir(filepath.Join(dir, folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("wipe: %w", err)
	}
	var all [][]byte
	for _, e := range entries[:min(len(entries), maxFiles)] {
		if !matches(e.Name(), "*.json") {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, folder, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("wipe: %w", err)
		}
		all = append(all, raw)
	}
	return all, nil
}
