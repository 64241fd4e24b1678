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
