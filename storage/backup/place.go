package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// A restore is unpacked beside the old files, in restore.new. Its renaming to
// restore.ready is the moment at which it counts. From there on, whatever happens, the
// old files move into restore.old, restore.ready becomes restore.placing, and its
// files move into the folder; each of these steps can be taken again, and Finish
// takes those that are left. All is in one folder, so that it may be a mount point.
const (
	newFolder     = "restore.new"
	readyFolder   = "restore.ready"
	placingFolder = "restore.placing"
	oldFolder     = "restore.old"
	dropFolder    = "restore.drop" // restore.old while it is removed: half of a store is never brought back

	// strangeMark, in restore.ready, says that recordings in the folder are of
	// another home.
	strangeMark = "restore.strange"
)

// ours says whether a name is of what makes up a store. Nothing else in the folder is
// touched: somebody may keep other things there, and copies of these under names like them.
func ours(name string) bool {
	switch strings.TrimSuffix(name, ".new") {
	case "keys.json", "keys.twin.json", "setup-unfinished":
		return true
	}
	credential, _ := filepath.Match("boot-*.cred", name) // the pattern is well formed
	return credential || records.Owns(name)
}

// Finish puts in place what a restore had ready when it was cut short, and removes what
// one had not. It must be called before anything else looks into the folder, which
// the caller has acquired; where there is nothing to do it does nothing.
func Finish(dir string) error { return finish(dir, func(string) {}) }

func finish(dir string, reached func(string)) error {
	if exists(filepath.Join(dir, readyFolder)) {
		if err := moveOut(dir, reached); err != nil {
			return err
		}
		if err := rename(dir, readyFolder, placingFolder); err != nil {
			return err
		}
		reached("placing")
	}
	if exists(filepath.Join(dir, placingFolder)) {
		if err := moveIn(dir, reached); err != nil {
			return err
		}
	}
	return errors.Join(remove(dir, newFolder), remove(dir, dropFolder))
}

// place makes the restore count and takes the steps that follow. What an earlier
// one replaced makes room.
func (b *Backup) place() error {
	if err := Settle(b.dir); err != nil {
		return err
	}
	b.reached("settled")
	if err := rename(b.dir, newFolder, readyFolder); err != nil {
		return err
	}
	b.reached("ready")
	return finish(b.dir, b.reached)
}

// noteMedia looks whose recordings lie in the folder. Where nobody can tell, they
// stay: the restored store knows its own.
func (b *Backup) noteMedia() error {
	id := vault.IDOf(b.dir)
	if id == nil || bytes.Equal(id, b.vault.ID()) {
		return nil
	}
	return mark(b.into, strangeMark, nil)
}

// mark leaves a note in a folder.
func mark(folder, name string, note []byte) error {
	if err := storage.Place(filepath.Join(folder, name), note); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

func moveOut(dir string, reached func(string)) error {
	strange := exists(filepath.Join(dir, readyFolder, strangeMark))
	found, err := matches(dir, func(name string) bool { return ours(name) || strange && name == mediaFolder })
	if err != nil || len(found) == 0 {
		return err
	}
	old := filepath.Join(dir, oldFolder)
	if err := os.MkdirAll(old, storage.DirMode); err != nil {
		return fmt.Errorf("backup: %w", storage.Full(err))
	}
	if exists(filepath.Join(dir, readyFolder, undoneMark)) {
		if err := mark(old, undoneMark, nil); err != nil {
			return err
		}
	}
	for _, path := range found {
		if err := os.Rename(path, filepath.Join(old, filepath.Base(path))); err != nil {
			return fmt.Errorf("backup: %w", storage.Full(err))
		}
		reached("out " + filepath.Base(path))
	}
	return errors.Join(storage.SyncDir(old), storage.SyncDir(dir))
}

func moveIn(dir string, reached func(string)) error {
	from := filepath.Join(dir, placingFolder)
	if err := moveMedia(dir, from); err != nil {
		return err
	}
	found, err := matches(from, ours)
	if err != nil {
		return err
	}
	for _, path := range found {
		if err := os.Rename(path, filepath.Join(dir, filepath.Base(path))); err != nil {
			return fmt.Errorf("backup: %w", storage.Full(err))
		}
		reached("in " + filepath.Base(path))
	}
	if err := storage.SyncDir(dir); err != nil {
		return err
	}
	return remove(dir, placingFolder)
}

// moveMedia adds the recordings to those that are there. One that is there already is the
// same, and perhaps longer.
func moveMedia(dir, from string) error {
	list, err := files(filepath.Join(from, mediaFolder), "", isRecording)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	to := filepath.Join(dir, mediaFolder)
	if err := os.MkdirAll(to, storage.DirMode); err != nil {
		return fmt.Errorf("backup: %w", storage.Full(err))
	}
	for _, f := range list {
		target := filepath.Join(to, f.name)
		if exists(target) {
			continue
		}
		if err := os.Rename(f.path, target); err != nil {
			return fmt.Errorf("backup: %w", storage.Full(err))
		}
	}
	return storage.SyncDir(to)
}

func rename(dir, from, to string) error {
	if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
		return fmt.Errorf("backup: %w", storage.Full(err))
	}
	return storage.SyncDir(dir)
}

func remove(dir, name string) error {
	path := filepath.Join(dir, name)
	if !exists(path) {
		return nil
	}
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return storage.SyncDir(dir)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// stores are the databases in a folder, with their logs, as far as it can be read.
func stores(dir string) []string {
	found, _ := matches(dir, records.Owns)
	return found
}

func matches(dir string, ours func(name string) bool) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	var found []string
	for _, e := range entries {
		if ours(e.Name()) {
			found = append(found, filepath.Join(dir, e.Name()))
		}
	}
	return found, nil
}

// syncAll makes a folder and all below it durable.
func syncAll(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("backup: %w", err)
		}
		if e.IsDir() {
			return storage.SyncDir(path)
		}
		f, err := os.Open(path)
		if err != nil {
			return fmt.Errorf("backup: %w", err)
		}
		defer f.Close()
		return storage.Full(f.Sync())
	})
}
