// Package ram keeps what is in a hub's memory there: out of core dumps, out of the swap of the disk, and
// from other programs of the same user.
//
// Seclude is for the whole process. New is for the keys that open everything else, on a page of their
// own. What is derived from them, and all that a home is about, lies in Go's heap, which cannot be kept
// from swap: locked whole, it would never give back what one look at a password takes. So Swaps says
// whether that can happen, and a unit with MemorySwapMax=0 prevents it.
package ram

import (
	"os"
	"path/filepath"
	"strings"
)

// Swaps are the devices and files to which this process can be swapped; none if that is memory too, or
// forbidden to it.
func Swaps() ([]string, error) {
	table, err := os.ReadFile("/proc/swaps")
	if os.IsNotExist(err) {
		return nil, nil // a kernel without
	}
	if err != nil {
		return nil, err
	}
	groups, _ := os.ReadFile("/proc/self/cgroup") // without groups nothing is forbidden
	for group := range strings.Lines(string(groups)) {
		path, ours := strings.CutPrefix(strings.TrimSpace(group), "0::")
		most, _ := os.ReadFile(filepath.Join("/sys/fs/cgroup", path, "memory.swap.max"))
		if ours && strings.TrimSpace(string(most)) == "0" {
			return nil, nil
		}
	}
	return swapsIn(string(table)), nil
}

// swapsIn reads the table of proc(5), whose first line is a title. What is in zram stays in memory.
func swapsIn(table string) (list []string) {
	for n, line := range strings.Split(table, "\n") {
		fields := strings.Fields(line)
		if n > 0 && len(fields) > 0 && !strings.HasPrefix(fields[0], "/dev/zram") {
			list = append(list, fields[0])
		}
	}
	return list
}
