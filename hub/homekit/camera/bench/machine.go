package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// insideEnv marks the process that runs in a network of its own.
const insideEnv = "INGLE_BENCH_INSIDE"

func inOwnNetwork() bool { return os.Getenv(insideEnv) != "" }

// againInOwnNetwork runs this program once more, with nothing but loopback around it: go2rtc announces
// itself by multicast, and none of that shall leave the machine.
func againInOwnNetwork(ctx context.Context, args []string, out, log io.Writer) error {
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

// machine is where it was measured.
type machine struct {
	processor, kernel, goVersion, ffmpeg, peer string
	processors                                 int
}

// describeMachine names what can be found out; the rest is "unknown".
func describeMachine(ctx context.Context, peer string) machine {
	m := machine{
		processor: "unknown", kernel: "unknown", goVersion: runtime.Version(), processors: runtime.NumCPU(),
		ffmpeg: secondWord(ctx, "ffmpeg", "-version"), peer: "unknown",
	}
	if peer != "" {
		m.peer = secondWord(ctx, peer, "-version")
	}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				m.processor = strings.TrimSpace(value)
			}
		}
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.kernel = unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:]) + " " + unix.ByteSliceToString(name.Machine[:])
	}
	return m
}

// secondWord is the version in "ffmpeg version 5.1 …" and "go2rtc version 1.9 …".
func secondWord(ctx context.Context, program, argument string) string {
	said, err := exec.CommandContext(ctx, program, argument).Output()
	words := strings.Fields(string(said))
	if err != nil || len(words) < 3 {
		return "unknown"
	}
	return words[2]
}

// load is how many processes wanted a processor in the last minute.
func load() (one float64) {
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		_, _ = fmt.Sscan(string(text), &one)
	}
	return one
}

// cpu is the processor time that processes have had, all threads, user and kernel, to the nanosecond.
func cpu(pids []int) (time.Duration, error) {
	const sched = 2 // CPUCLOCK_SCHED: a clock of a process counts what its threads ran
	var all time.Duration
	for _, pid := range pids {
		var t unix.Timespec
		if err := unix.ClockGettime(int32(^pid<<3|sched), &t); err != nil {
			return 0, fmt.Errorf("processor time: %w", err)
		}
		all += time.Duration(t.Nano())
	}
	return all, nil
}

// rss is the resident memory of processes in MB.
func rss(pids []int) (float64, error) {
	var all float64
	for _, pid := range pids {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return 0, err
		}
		_, rest, _ := strings.Cut(string(status), "VmRSS:")
		var kb float64
		if _, err := fmt.Sscan(rest, &kb); err != nil {
			return 0, fmt.Errorf("resident memory: %w", err)
		}
		all += kb / 1024
	}
	return all, nil
}
