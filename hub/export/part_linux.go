package export

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/ingle-home/ingle/storage"
)

// nameless makes a file in a folder that has no name there; nil where it cannot get one later.
func nameless(folder string) *os.File {
	fd, err := unix.Open(folder, unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, storage.FileMode)
	if err != nil {
		return nil
	}
	f := os.NewFile(uintptr(fd), filepath.Join(folder, "export"))
	if _, err := os.Stat(pathOf(f)); err != nil {
		_ = f.Close() // nothing is in it
		return nil
	}
	return f
}

// link gives a nameless file its name; fs.ErrExist if another file has it.
func link(f *os.File, path string) error {
	return unix.Linkat(unix.AT_FDCWD, pathOf(f), unix.AT_FDCWD, path, unix.AT_SYMLINK_FOLLOW)
}

func pathOf(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", f.Fd()) }
