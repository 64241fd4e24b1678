package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// maxManifest bounds what is read before anything is known about a backup, in bytes.
const maxManifest = 64 << 10

// Backup is a backup that was opened. It is not safe for concurrent use.
type Backup struct {
	Contents

	dir     string // to be restored; "" of a trial
	into    string // where it is unpacked
	file    *os.File
	vault   *vault.Vault
	archive *tar.Reader
	stream  io.Reader
	step    func(string) // called between the steps; nil but in tests
}

// Open opens the backup at path with the recovery code, or with the password of the
// day on which it was made, to restore it into the folder dir, which the caller has
// acquired. Nothing in dir changes before Restore but what an earlier restore left
// to be done. Errors: vault.ErrWrong, ErrNotBackup, ErrDamaged, ErrUnopened,
// fs.ErrNotExist, storage.ErrFull.
func Open(path, dir, secret string) (*Backup, error) {
	if err := Finish(dir); err != nil {
		return nil, err
	}
	if aside := AsideIn(dir); aside != nil && !aside.Opened {
		return nil, ErrUnopened
	}
	b, err := open(path, filepath.Join(dir, newFolder), func(keys string) (*vault.Vault, error) {
		v, err := vault.OpenRecovery(keys, secret)
		if errors.Is(err, vault.ErrWrong) {
			return vault.Open(keys, secret)
		}
		return v, err
	})
	if err != nil {
		return nil, err
	}
	b.dir = dir
	return b, nil
}

// open reads the head and the manifest. into is made, with the backup's keys in it.
func open(path, into string, unlock func(dir string) (*vault.Vault, error)) (_ *Backup, err error) {
	if err := os.RemoveAll(into); err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	b := &Backup{into: into}
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	// A pipe would keep whoever opens it waiting.
	if b.file, err = os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0); err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	info, err := b.file.Stat()
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, ErrNotBackup
	}
	h, err := readHead(b.file)
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(into, storage.DirMode); err != nil {
		return nil, fmt.Errorf("backup: %w", storage.Full(err))
	}
	if err := vault.Plant(into, h.keys); err != nil {
		return nil, damagedKeys(err)
	}
	if b.vault, err = unlock(into); err != nil {
		return nil, damagedKeys(err)
	}
	s, err := h.sealer(b.vault)
	if err != nil {
		return nil, err
	}
	b.stream = newReader(b.file, s)
	b.archive = tar.NewReader(b.stream)
	err = b.readManifest()
	b.Size = info.Size()
	return b, err
}

// damagedKeys says of a keys.json out of a backup that the backup is damaged.
func damagedKeys(err error) error {
	if errors.Is(err, vault.ErrDamaged) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

func (b *Backup) readManifest() error {
	first, err := b.archive.Next()
	if err != nil {
		return cut(err)
	}
	if first.Name != manifestName || first.Size > maxManifest {
		return fmt.Errorf("%w: it does not say what it is", ErrDamaged)
	}
	raw, err := io.ReadAll(b.archive)
	if err != nil {
		return cut(err)
	}
	if err := json.Unmarshal(raw, &b.Contents); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if b.Format != formatVersion {
		return fmt.Errorf("backup: of format %d, which needs a newer Ingle", b.Format)
	}
	return nil
}

// Replaces is what lies in the folder and would be replaced; nil if nothing does.
func (b *Backup) Replaces() *Replaced {
	list := stores(b.dir)
	if len(list) == 0 && !vault.Exists(b.dir) {
		return nil
	}
	r := replaced(list)
	r.SameHome = bytes.Equal(vault.IDOf(b.dir), b.vault.ID())
	return &r
}

// replaced tells about databases.
func replaced(list []string) (r Replaced) {
	for _, path := range list {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		r.Databases += info.Size()
		if at := info.ModTime().UTC(); at.After(r.Changed) {
			r.Changed = at
		}
	}
	return r
}

// Restore unpacks the backup, looks at every page of it, and puts it in the place of
// what lies in the folder, which is kept aside for Undo; what an earlier restore put
// there goes. Recordings that the backup
// does not have stay where they are unless the folder was another home's. It can be
// called once. After an error the folder is as it was, or, if it happened after
// the new one was ready, Finish puts that in place. Errors: ErrDamaged,
// records.ErrDamaged, storage.ErrFull, context.Canceled.
func (b *Backup) Restore(ctx context.Context, p Progress) error {
	if err := b.unpack(ctx, true, p); err != nil {
		return err
	}
	b.reached("unpacked")
	if err := b.check(ctx); err != nil {
		return err
	}
	b.reached("checked")
	if err := syncAll(b.into); err != nil {
		return err
	}
	if err := b.noteMedia(); err != nil {
		return err
	}
	return b.place()
}

func (b *Backup) reached(step string) {
	if b.step != nil {
		b.step(step)
	}
}

// unpack reads the file to its end; recordings that are not wanted are read and
// dropped.
func (b *Backup) unpack(ctx context.Context, media bool, p Progress) error {
	m := &meter{ctx: ctx, tell: func(done int64) { p.tell(done, b.Databases+b.Media) }}
	roles := map[string]bool{}
	for {
		next, err := b.archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return cut(err)
		}
		name, recording := strings.CutPrefix(next.Name, mediaFolder+"/")
		switch {
		case recording && isRecording(name):
		case !recording && b.isStore(name):
			role, _, _ := strings.Cut(name, "-")
			roles[role] = true
		default:
			return fmt.Errorf("%w: a file that does not belong there", ErrDamaged)
		}
		if err := b.take(next, recording && !media, m); err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, b.stream); err != nil { // the last chunk may be an empty one
		return cut(err)
	}
	if len(roles) != 2 {
		return fmt.Errorf("%w: a database is missing", ErrDamaged)
	}
	return nil
}

func (b *Backup) isStore(name string) bool {
	epoch := b.vault.Epoch()
	return name == fmt.Sprintf("core-%d.db", epoch) || name == fmt.Sprintf("telemetry-%d.db", epoch)
}

func (b *Backup) take(next *tar.Header, drop bool, m *meter) error {
	from := io.TeeReader(b.archive, m)
	if drop {
		_, err := io.Copy(io.Discard, from)
		return err
	}
	path := filepath.Join(b.into, filepath.FromSlash(next.Name))
	if err := os.MkdirAll(filepath.Dir(path), storage.DirMode); err != nil {
		return fmt.Errorf("backup: %w", storage.Full(err))
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, storage.FileMode)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: a file is in it twice", ErrDamaged)
	}
	if err != nil {
		return fmt.Errorf("backup: %w", storage.Full(err))
	}
	_, err = io.Copy(f, from)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil && !errors.Is(err, ErrDamaged) {
		return fmt.Errorf("backup: %w", storage.Full(err))
	}
	return err
}

// check opens what was unpacked as a hub would, reads all of it, and marks what is about
// to be restored.
func (b *Backup) check(ctx context.Context) error {
	store, err := records.Reopen(b.into, b.vault)
	if err != nil {
		return err
	}
	err = store.Check(ctx, nil)
	if err == nil && b.dir != "" {
		err = b.note(ctx, store)
	}
	return errors.Join(err, store.Close())
}

// Close lets go of the backup and removes what was unpacked and not put in place.
func (b *Backup) Close() error {
	if b.vault != nil {
		b.vault.Close()
	}
	if b.file != nil {
		b.file.Close() // it was only read
	}
	if err := os.RemoveAll(b.into); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}
