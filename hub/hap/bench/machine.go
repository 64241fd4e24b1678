package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// machine is where it was measured.
type machine struct {
	processor, kernel, goVersion, node, peer string
	processors                               int
}

// describeMachine names what can be found out; the rest is "unknown".
func describeMachine(ctx context.Context, peer string) machine {
	m := machine{processor: "unknown", kernel: "unknown", node: "unknown", peer: "unknown", goVersion: runtime.Version(), processors: runtime.NumCPU()}
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
	if version, err := exec.CommandContext(ctx, "node", "--version").Output(); err == nil {
		m.node = strings.TrimSpace(string(version))
	}
	if text, err := os.ReadFile(filepath.Join(peer, "node_modules", "@homebridge", "hap-nodejs", "package.json")); err == nil {
		var about struct{ Version string }
		if json.Unmarshal(text, &about) == nil && about.Version != "" {
			m.peer = about.Version
		}
	}
	return m
}
