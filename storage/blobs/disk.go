package blobs

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ingle-home/ingle/storage"
)

// disk is what a store asks of the file system beyond reading; tests fill it up
// and break it.
type disk interface {
	create(path string) (file, error)
	free(dir string) (int64, error) // bytes
}

// file is one that is being written.
type file interface {
	io.WriterAt
	io.Closer
	Sync() error // the content and its length, not the times
}

type osDisk struct{}

type osFile struct{ *os.File }

func (f osFile) Sync() error { return syncContent(f.File) }

func (osDisk) create(path string) (file, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, storage.FileMode)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osDisk) free(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("blobs: free space: %w", err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

const (
	idBytes = 16
	// goneSuffix marks a file whose row is about to go: whatever a crash leaves
	// of it is deleted at the next start.
	goneSuffix = ".gone"
	// strangeSuffix marks a file of which the database does not know the key. See start.go.
	strangeSuffix = ".strange"
	// markName is a file with a random mark, which the newest database has too.
	markName = "mark"
)

func newID() string {
	b := make([]byte, idBytes)
	rand.Read(b)
	return hex.EncodeToString(b)
}

func isID(name string) bool {
	b, err := hex.DecodeString(name)
	return err == nil && len(b) == idBytes && strings.ToLower(name) == name
}

func (s *Store) path(id string) string { return filepath.Join(s.dir, id) }

// rename gives a file another suffix.
func (s *Store) rename(id, from, to string) error {
	if err := os.Rename(s.path(id)+from, s.path(id)+to); err != nil {
		return fmt.Errorf("blobs: open: %w", storage.Full(err))
	}
	return nil
}

// doom empties a file under a name that says that it must go. Emptying comes
// before the row is deleted, because on a full disk that needs room itself.
func (s *Store) doom(id string) error {
	err := os.Rename(s.path(id), s.path(id)+goneSuffix)
	if errors.Is(err, os.ErrNotExist) {
		return nil // lost, or doomed before
	}
	if err == nil {
		err = os.Truncate(s.path(id)+goneSuffix, 0)
	}
	if err != nil {
		return fmt.Errorf("blobs: delete: %w", err)
	}
	return nil
}

func (s *Store) unlink(id string) error {
	if err := os.Remove(s.path(id) + goneSuffix); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("blobs: delete: %w", err)
	}
	return nil
}
