package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ingle-home/ingle/storage"
)

// copies are the two places of the same file, in the order of writing.
func copies(dir string) []string {
	return []string{filepath.Join(dir, "keys.json"), filepath.Join(dir, "keys.twin.json")}
}

func isFile(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// readCopies gives the copies that parse, the higher revision first, equal ones
// once: fs.ErrNotExist if there is no file, ErrDamaged if none parses.
func readCopies(dir string, min cost) ([]*keyFile, error) {
	if !Exists(dir) {
		return nil, fmt.Errorf("vault: %w", fs.ErrNotExist)
	}
	var found []*keyFile
	var raws [][]byte
	for _, path := range copies(dir) {
		raw, err := readBounded(path)
		if err != nil || len(raws) == 1 && bytes.Equal(raw, raws[0]) {
			continue
		}
		f, err := parseKeyFile(raw, min)
		if err != nil {
			continue
		}
		found, raws = append(found, f), append(raws, raw)
	}
	if len(found) == 0 {
		return nil, ErrDamaged
	}
	if len(found) == 2 && found[1].Rev > found[0].Rev {
		found[0], found[1] = found[1], found[0]
	}
	return found, nil
}

func readBounded(path string) ([]byte, error) { return storage.ReadFile(path, maxFile+1) }

func (f *keyFile) marshal() ([]byte, error) {
	raw, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	return append(raw, '\n'), nil
}

// write brings both copies to this state. It has happened only when both carry it.
func (f *keyFile) write(dir string) error {
	raw, err := f.marshal()
	if err != nil {
		return err
	}
	for _, path := range copies(dir) {
		if err := replace(path, raw); err != nil {
			return fmt.Errorf("vault: write keys: %w", storage.Full(err))
		}
	}
	return nil
}

// InTheWay says that something else has the place of keys.json or its twin, such as a
// folder, so that no change can be written.
type InTheWay struct{ Path string }

// Error names the place.
func (w *InTheWay) Error() string { return w.Path + " is no file and in the way" }

// writeOver is write, except that it tries to bring both copies back to the old
// state when one of them cannot be written: whoever is told that a change failed
// goes on with the old password.
func (f *keyFile) writeOver(dir string, old []byte) error {
	err := f.write(dir)
	if err != nil {
		_ = healTo(dir, old) // it is told that the change failed, and the next opening settles it
	}
	return err
}

// heal writes the copies that are not exactly this state.
func (f *keyFile) heal(dir string) error {
	raw, err := f.marshal()
	if err != nil {
		return err
	}
	return healTo(dir, raw)
}

func healTo(dir string, raw []byte) error {
	for _, path := range copies(dir) {
		if have, err := readBounded(path); err == nil && bytes.Equal(have, raw) {
			continue
		}
		if err := replace(path, raw); err != nil {
			return err
		}
	}
	return nil
}

// replace puts raw at path so that after a power cut either the old or the new
// content is there, whole. The old one is overwritten where it lay: it may hold a
// data key that was destroyed, or a slot that an old password opens.
func replace(path string, raw []byte) error {
	if info, err := os.Lstat(path); err == nil && info.IsDir() {
		return &InTheWay{path}
	}
	old, _ := os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0) // there may be none, or a pipe
	if old != nil {
		defer old.Close()
	}
	temp := path + ".new"
	if err := writeSynced(temp, raw); err != nil {
		os.Remove(temp)
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return err
	}
	blank(old)
	return nil
}

// blank overwrites a file that has no name any more. That it cannot is no reason
// to fail: no disk promises that it overwrites in place.
func blank(f *os.File) {
	if f == nil {
		return
	}
	info, err := f.Stat()
	if err != nil || info.Size() > maxFile {
		return
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Nlink != 0 {
		return // somebody else's copy too
	}
	if _, err := f.WriteAt(make([]byte, info.Size()), 0); err == nil {
		_ = f.Sync()
	}
}

func writeSynced(path string, raw []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, storage.FileMode)
	if err != nil {
		return err
	}
	_, err = file.Write(raw)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
