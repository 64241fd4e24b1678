package desk

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/ingle-home/ingle/hub/label"
)

// Measure asks the kernel about this process. Meant are the addresses at which it should listen.
func Measure(protection string, meant []string) label.Own {
	own := label.Own{Protection: protection}
	for _, address := range meant {
		if _, port, err := net.SplitHostPort(address); err == nil {
			if n, err := strconv.Atoi(port); err == nil {
				own.Meant = append(own.Meant, n)
			}
		}
	}
	var core unix.Rlimit
	own.NoDumps = unix.Getrlimit(unix.RLIMIT_CORE, &core) == nil && core.Cur == 0 && core.Max == 0
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return own
	}
	says := map[string]string{}
	for l := range strings.Lines(string(status)) {
		key, value, _ := strings.Cut(l, ":")
		says[key] = strings.TrimSpace(value)
	}
	own.Filter, own.NoMore = says["Seccomp"] == "2", says["NoNewPrivs"] == "1"
	own.Listens, err = listens()
	own.Measured = err == nil
	return own
}

// listens are the TCP ports at which this process listens: sockets of the kernel's table that are its own.
func listens() ([]int, error) {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return nil, err
	}
	ours := map[string]bool{}
	for _, f := range files {
		to, err := os.Readlink(filepath.Join("/proc/self/fd", f.Name()))
		if inode, is := strings.CutPrefix(to, "socket:["); err == nil && is {
			ours[strings.TrimSuffix(inode, "]")] = true
		}
	}
	ports := []int{}
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		f, err := os.Open(table)
		if os.IsNotExist(err) {
			continue // a machine without IPv6
		} else if err != nil {
			return nil, err
		}
		for in := bufio.NewScanner(f); in.Scan(); {
			if port, is := listening(in.Text(), ours); is && !slices.Contains(ports, port) {
				ports = append(ports, port)
			}
		}
		_ = f.Close() // it was only read
	}
	slices.Sort(ports)
	return ports, nil
}

// listening reads a line of the table: "sl local remote state … inode". State 0A listens.
func listening(line string, ours map[string]bool) (port int, is bool) {
	const local, state, inode = 1, 3, 9
	f := strings.Fields(line)
	if len(f) <= inode || f[state] != "0A" || !ours[f[inode]] {
		return 0, false
	}
	_, hex, _ := strings.Cut(f[local], ":")
	n, err := strconv.ParseUint(hex, 16, 16)
	return int(n), err == nil
}
