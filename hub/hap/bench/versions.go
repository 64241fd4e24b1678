package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// versions finds out which node and which HAP-NodeJS there are; what it cannot find is "unknown".
func versions(ctx context.Context, folder string) (node, peer string) {
	node, peer = "unknown", "unknown"
	if version, err := exec.CommandContext(ctx, "node", "--version").Output(); err == nil {
		node = strings.TrimSpace(string(version))
	}
	if text, err := os.ReadFile(filepath.Join(folder, "node_modules", "@homebridge", "hap-nodejs", "package.json")); err == nil {
		var about struct{ Version string }
		if json.Unmarshal(text, &about) == nil && about.Version != "" {
			peer = about.Version
		}
	}
	return node, peer
}
