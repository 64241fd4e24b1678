package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/internal/measure"
)

// TestMain is the program itself when it runs once more in a network of its own.
func TestMain(m *testing.M) {
	if measure.Apart() {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestRound does everything once with both servers, with few requests.
func TestRound(t *testing.T) {
	peer, err := filepath.Abs("peer")
	if err != nil {
		t.Fatal(err)
	}
	if err := (options{peer: peer}).checkPeer(t.Context()); err != nil {
		t.Skip(err)
	}
	flags := "-n"
	if os.Getuid() != 0 {
		flags = "-rn"
	}
	if out, err := exec.Command("unshare", flags, "true").CombinedOutput(); err != nil {
		t.Skipf("no network namespace can be made here: %v: %s", err, out)
	}
	table := filepath.Join(t.TempDir(), "bench", "homekit.md")
	var out, log bytes.Buffer
	if code := run([]string{"-quick", "-rounds", "1", "-peer", peer, "-out", table}, &out, &log); code != 0 {
		t.Fatalf("%d: %s", code, log.String())
	}
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range metrics() {
		if !strings.Contains(string(text), "| "+m.name+" | ") {
			t.Errorf("%q is not in the table", m.name)
		}
	}
	if !strings.Contains(string(text), "| 5,000 changes: wrong last values | 0 | 0 |") {
		t.Errorf("after 5,000 changes a subscriber has a wrong value:\n%s", text)
	}
	if !strings.Contains(string(text), "@homebridge/hap-nodejs 2.2.3 |") {
		t.Errorf("measured against another peer:\n%s", text)
	}
}

func TestWrongUse(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-rounds", "many"}, {"left over"}} {
		var out, log bytes.Buffer
		if code := run(args, &out, &log); code != 2 {
			t.Errorf("%q: %d", args, code)
		}
	}
}
