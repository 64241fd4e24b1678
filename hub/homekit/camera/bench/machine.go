package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

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

// switches is how often the threads of processes were stopped and another went on, so far.
func switches(pids []int) (all float64, err error) {
	for _, pid := range pids {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
		if err != nil {
			return 0, err
		}
		for _, file := range files {
			status, err := os.ReadFile(file)
			if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
				continue // a thread that has ended
			}
			if err != nil {
				return 0, err
			}
			for _, kind := range []string{"\nvoluntary_ctxt_switches:", "\nnonvoluntary_ctxt_switches:"} {
				_, rest, _ := strings.Cut(string(status), kind)
				var n float64
				if _, err := fmt.Sscan(rest, &n); err != nil {
					return 0, fmt.Errorf("switches: %w", err)
				}
				all += n
			}
		}
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
