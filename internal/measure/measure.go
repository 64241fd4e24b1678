// Package measure is what the programs behind `make bench` have in common: the machine that they
// measure on, and a network of their own to do it in.
package measure

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// insideEnv marks the process that runs in a network of its own.
const insideEnv = "INGLE_BENCH_INSIDE"

// Apart says whether this process has a network of its own.
func Apart() bool { return os.Getenv(insideEnv) != "" }

// RunApart runs this program once more, in a network of its own with nothing but loopback: what is
// measured announces itself by multicast, and none of that shall leave the machine. It needs Linux
// and the right to make a network namespace.
func RunApart(ctx context.Context, args []string, out, log io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	flags := []string{"-n"}
	if os.Getuid() != 0 {
		flags = []string{"-r", "-n"}
	}
	script := `ip link set lo up && ip link set lo multicast on && ip route add 224.0.0.0/4 dev lo && exec "$0" "$@"`
	flags = append(flags, "sh", "-c", script, self)
	cmd := exec.CommandContext(ctx, "unshare", append(flags, args...)...)
	cmd.Env = append(os.Environ(), insideEnv+"=1")
	cmd.Stdout, cmd.Stderr = out, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it has programs to end
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("in a network of its own: %w", err)
	}
	return nil
}

// Machine names the processor and the kernel of this machine; what cannot be found out is "unknown".
func Machine() (processor, kernel string) {
	processor, kernel = "unknown", "unknown"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				processor = strings.TrimSpace(value)
			}
		}
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		kernel = strings.Join([]string{unix.ByteSliceToString(name.Sysname[:]),
			unix.ByteSliceToString(name.Release[:]), unix.ByteSliceToString(name.Machine[:])}, " ")
	}
	return processor, kernel
}

// Write writes a report into a file, whose folder is made, or to out where path is empty.
func Write(path string, out io.Writer, text string) error {
	if path == "" {
		_, err := io.WriteString(out, text)
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// Warn says on log that the machine is too busy for figures that mean something, and gives its load.
func Warn(log io.Writer) (busy float64) {
	if busy = Load(); busy > 1 {
		fmt.Fprintf(log, "bench: the machine is busy, its load is %.1f: do not believe the figures\n", busy)
	}
	return busy
}
