package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The hub, and every command that gets a password, is secluded from its start; what that is worth is
// tested in storage/ram.
func TestAHubDumpsNoCore(t *testing.T) {
	t.Parallel()
	if dumpsNone(t, "self") {
		t.Skip("nothing here may dump core anyway")
	}
	p, _ := running(t, shortDir(t))
	waiting := exec.Command("hub", "setup", "--password-stdin", "--data", shortDir(t))
	hold := must[io.WriteCloser](t)(waiting.StdinPipe())
	if err := waiting.Start(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*exec.Cmd{p.cmd, waiting} {
		soon(t, "no core dumps of "+c.Args[1], func() bool { return dumpsNone(t, fmt.Sprint(c.Process.Pid)) })
	}
	_ = hold.Close()
	_ = waiting.Wait() // it got no password
}

// dumpsNone reads proc_pid_limits(5).
func dumpsNone(t *testing.T, pid string) bool {
	t.Helper()
	limits := must[[]byte](t)(os.ReadFile("/proc/" + pid + "/limits"))
	for line := range strings.Lines(string(limits)) {
		if rest, ok := strings.CutPrefix(line, "Max core file size"); ok {
			return strings.Join(strings.Fields(rest), " ") == "0 0 bytes"
		}
	}
	t.Fatalf("the limits are %q", limits)
	return false
}
