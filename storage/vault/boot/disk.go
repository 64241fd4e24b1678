package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// apart tells whether a file lies on another disk than dir: two partitions of
// one card are the same card. Where the system does not say which disk it is,
// the answer is no.
func apart(dir, file string) bool {
	a, b := diskOf(dir), diskOf(filepath.Dir(file))
	return a != "" && b != "" && a != b
}

// diskOf names the whole disk below a folder, as the kernel does.
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
	return disk
}
