package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// apart tells whether a file lies on another disk than dir: two partitions of
// one card are the same card. Where the system does not say which disk it is,
// the answer is no. A link counts as what it leads to; a file that does not exist
// yet will lie in its folder.
func apart(dir, file string) bool {
	if _, err := os.Lstat(file); err != nil {
		file = filepath.Dir(file)
	}
	a, b := diskOf(dir), diskOf(file)
	return a != "" && b != "" && a != b
}

// diskOf names the whole disk below a file or a folder, as the kernel does.
func diskOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	device := fmt.Sprintf("/sys/dev/block/%d:%d", unix.Major(uint64(stat.Dev)), unix.Minor(uint64(stat.Dev)))
	disk, err := filepath.EvalSymlinks(device)
	if err != nil {
		return "" // no disk of its own: memory, network, layers
	}
	if _, err := os.Stat(filepath.Join(disk, "partition")); err == nil {
		disk = filepath.Dir(disk)
	}
	if entries, err := os.ReadDir(filepath.Join(disk, "slaves")); err == nil && len(entries) > 0 {
		return "" // encrypted or joined volumes: which disk it is takes more than one look
	}
	if image, err := os.ReadFile(filepath.Join(disk, "loop", "backing_file")); err == nil {
		return diskOf(strings.TrimSuffix(string(image), "\n")) // a disk in a file is no more apart than the file
	}
	return disk
}
