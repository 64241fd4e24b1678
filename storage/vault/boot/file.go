package boot

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/vault"
)

// A key file may serve several hubs: one disk with one file, a line per key. Each
// key has a name, which its slot's At carries behind the path, so that a hub finds
// its own, and takes away its own only. A line is never moved, and written over only
// once its key was dropped: what one hub does, or a power cut while it does it,
// cannot harm the key of another.

const kindKeyFile = "boot-keyfile"

// Labels open the lines of a key file, so that no other file is taken for one. A key
// without a name is the only one of its file; of such a file nobody knows how many
// hubs use it.
const (
	unnamedLabel = "ingle-boot-key-1 "
	namedLabel   = "ingle-boot-key-2 "
)

// nameSign stands in At between the path and the name.
const nameSign = "#"

// Sizes of a name, and of a line with one, in bytes.
const (
	keyNameSize = 8
	namedSize   = len(namedLabel) + 2*keyNameSize + len(" ") + 2*keySize + len("\n")
)

// KeyFile keeps the key in a file, mode 0600, whose path is absolute. A file that is
// there already is used if it is a key file, and its other keys stay as they are.
func KeyFile(at string) vault.Boot { return keyFileAt(at) }

func keyFileAt(at string) *keyFile {
	if i := strings.LastIndex(at, nameSign); i >= 0 {
		if raw, err := hex.DecodeString(at[i+1:]); err == nil && len(raw) == keyNameSize {
			return &keyFile{path: at[:i], name: at[i+1:]}
		}
	}
	return &keyFile{path: at}
}

// KeyFileNow is the key file of a slot that says at, where it lies today: at path.
func KeyFileNow(path, at string) vault.Boot {
	return &keyFile{path, keyFileAt(at).name}
}

// keyFile is one key in a file. Its name is empty before Make, and for the key that
// has none.
type keyFile struct{ path, name string }

func (f *keyFile) Kind() string { return kindKeyFile }

func (f *keyFile) At() string {
	if f.name == "" {
		return f.path
	}
	return f.path + nameSign + f.name
}

// Key reads again where it finds nothing: another hub of this machine may be writing its line just now.
func (f *keyFile) Key(ctx context.Context) ([]byte, error) {
	for tries := 1; ; tries++ {
		key, err := f.read()
		if !errors.Is(err, errNoKeyFile) || tries == 5 {
			return key, err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func (f *keyFile) read() ([]byte, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, fmt.Errorf("boot: key file: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("boot: key file: %s is no file", f.path)
	}
	raw, err := readKey(f.path)
	if err != nil {
		return nil, fmt.Errorf("boot: key file: %w", err)
	}
	all, ok := parseKeyFile(raw)
	if !ok {
		return nil, fmt.Errorf("boot: key file: %s: %w", f.path, errNoKeyFile)
	}
	line, ok := all.find(f.name)
	if !ok {
		return nil, fmt.Errorf("boot: key file: %s does not hold this hub's key: %w", f.path, errNoKeyFile)
	}
	return line.key, nil
}

// Make never gives a key that another may have made: it could be dropped by them.
func (f *keyFile) Make(ctx context.Context) ([]byte, error) {
	if f.name != "" {
		if key, err := f.Key(ctx); err == nil {
			return key, nil
		}
	}
	if err := os.MkdirAll(filepath.Dir(f.path), storage.DirMode); err != nil {
		return nil, fmt.Errorf("boot: key file: %w", err)
	}
	key, name := make([]byte, keySize), make([]byte, keyNameSize)
	rand.Read(key)
	rand.Read(name)
	line := keyLine{name: hex.EncodeToString(name), key: key}
	err := f.edit(os.O_RDWR|os.O_CREATE, func(file *os.File, all keyLines) error {
		text := line.format()
		at := all.room(len(text))
		if at+len(text) > maxFile {
			return errors.New("it is full")
		}
		_, err := file.WriteAt(text, int64(at))
		if err = errors.Join(err, file.Sync()); err != nil && all.keys() == 0 {
			err = errors.Join(err, os.Remove(f.path))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	f.name = line.name
	return key, nil
}

// Drop writes over the line of the key, and removes the file with its last one. A key
// without a name stays: another hub may live by it.
func (f *keyFile) Drop(context.Context) error {
	if f.name == "" {
		return nil
	}
	err := f.edit(os.O_RDWR, func(file *os.File, all keyLines) error {
		line, ok := all.find(f.name)
		if !ok {
			return nil
		}
		blank := bytes.Repeat([]byte(" "), line.size-1)
		_, err := file.WriteAt(blank, int64(line.at))
		if err = errors.Join(err, file.Sync()); err != nil || all.keys() > 1 {
			return err
		}
		return os.Remove(f.path)
	})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNoKeyFile) {
		return nil
	}
	return err
}

var errNoKeyFile = errors.New("it holds no key")

// edit opens the file, which nobody else edits meanwhile, and has change look at it.
func (f *keyFile) edit(flag int, change func(*os.File, keyLines) error) error {
	for {
		file, err := os.OpenFile(f.path, flag, storage.FileMode)
		if err != nil {
			return fmt.Errorf("boot: key file: %w", err)
		}
		again, err := f.editOpen(file, change)
		if err := errors.Join(err, file.Close()); err != nil { // which ends its lock
			return fmt.Errorf("boot: key file: %s: %w", f.path, storage.Full(err))
		}
		if !again {
			return storage.SyncDir(filepath.Dir(f.path))
		}
	}
}

// editOpen says whether the file was removed while it waited for its turn.
func (f *keyFile) editOpen(file *os.File, change func(*os.File, keyLines) error) (again bool, err error) {
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() {
		return false, errNoKeyFile
	}
	for err = unix.EINTR; err == unix.EINTR; {
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX)
	}
	if err != nil {
		return false, err
	}
	now, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(info, now) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	raw, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return false, err
	}
	all, ok := parseKeyFile(raw)
	if !ok {
		return false, errNoKeyFile
	}
	return false, change(file, all)
}

// keyLine is a line of a key file; without a key it is blank.
type keyLine struct {
	at   int // its first byte
	size int // with its end
	name string
	key  []byte
}

// keyLines are a key file. A last line without its end is left out: a power cut came
// in between, and the next one is written over it.
type keyLines []keyLine

// parseKeyFile reads a key file; an empty one is one too. Not ok is a file of something
// else.
func parseKeyFile(raw []byte) (all keyLines, ok bool) {
	at := 0
	for text := range bytes.Lines(raw) {
		if !bytes.HasSuffix(text, []byte("\n")) {
			label := []byte(namedLabel)
			return all, len(text) < namedSize && (bytes.HasPrefix(text, label) || bytes.HasPrefix(label, text))
		}
		line := keyLine{at: at, size: len(text)}
		if !line.parse(bytes.TrimSpace(text)) {
			return nil, false
		}
		all = append(all, line)
		at += len(text)
	}
	return all, true
}

// parse reads a line, which is blank or has a key.
func (l *keyLine) parse(text []byte) bool {
	if len(text) == 0 {
		return true
	}
	rest, unnamed := bytes.CutPrefix(text, []byte(unnamedLabel))
	if !unnamed {
		var named, two bool
		var name []byte
		rest, named = bytes.CutPrefix(text, []byte(namedLabel))
		name, rest, two = bytes.Cut(rest, []byte(" "))
		raw, err := hex.DecodeString(string(name))
		if !named || !two || err != nil || len(raw) != keyNameSize {
			return false
		}
		l.name = string(name)
	}
	key, err := hex.DecodeString(string(rest))
	l.key = key
	return err == nil && len(key) == keySize
}

func (l keyLine) format() []byte {
	if l.name == "" {
		return []byte(unnamedLabel + hex.EncodeToString(l.key) + "\n")
	}
	return []byte(namedLabel + l.name + " " + hex.EncodeToString(l.key) + "\n")
}

func (all keyLines) find(name string) (keyLine, bool) {
	for _, l := range all {
		if l.key != nil && l.name == name {
			return l, true
		}
	}
	return keyLine{}, false
}

func (all keyLines) keys() (n int) {
	for _, l := range all {
		if l.key != nil {
			n++
		}
	}
	return n
}

// room is where a line of this size may be written: over one that was dropped, or at
// the end.
func (all keyLines) room(size int) int {
	end := 0
	for _, l := range all {
		if l.key == nil && l.size == size {
			return l.at
		}
		end = l.at + l.size
	}
	return end
}
