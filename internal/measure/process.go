package measure

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Load is how many processes wanted a processor in the last minute; 0 where that cannot be known.
func Load() (one float64) {
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		_, _ = fmt.Sscan(string(text), &one)
	}
	return one
}

// CPU is the processor time that processes have had, all threads, user and kernel, to the nanosecond.
func CPU(pids ...int) (all time.Duration, err error) {
	const sched = 2 // CPUCLOCK_SCHED: a clock of a process counts what its threads ran
	for _, pid := range pids {
		var t unix.Timespec
		if err := unix.ClockGettime(int32(^pid<<3|sched), &t); err != nil {
			return 0, fmt.Errorf("processor time: %w", err)
		}
		all += time.Duration(t.Nano())
	}
	return all, nil
}

// Resident is the resident memory of processes, in MB of a million bytes.
func Resident(pids ...int) (all float64, err error) {
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
		all += kb * 1024 / 1e6
	}
	return all, nil
}
