//go:build linux

package ram_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ingle-home/ingle/storage/ram"
)

const (
	envRole = "INGLE_TEST_ROLE" // what a child process is: secluded, or the control
	envEnd  = "INGLE_TEST_END"  // whether it ends in a way that dumps

	secluded = "secluded"
	nobody   = 65534
	marker   = "Zwetschgenknoedel-" // and a number, so that it is not a text of the program
)

func TestMain(m *testing.M) {
	if os.Getenv(envRole) == "" {
		os.Exit(m.Run())
	}
	if err := child(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// keys are what the hub would not like to lose.
type keys struct{ first, second [32]byte }

// child holds a key until its standard input ends, or dies of a signal that dumps core.
func child() error {
	if os.Getenv(envRole) == secluded {
		if err := ram.Seclude(); err != nil {
			return err
		}
	}
	k, kept := ram.New[keys]()
	end := copy(k.first[:], marker) // the whole is nowhere else
	k.first[end], k.first[end+1] = '4', '2'
	inHeap := []byte(fmt.Sprint(marker, 40+3))
	if err := named(); err != nil {
		return fmt.Errorf("a file without a name: %w", err)
	}
	fmt.Println("ready", kept)
	if os.Getenv(envEnd) != "" {
		_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: 1 << 30, Max: 1 << 30}) // who may, raises it again
		signal := map[string]syscall.Signal{"abort": syscall.SIGABRT, "fault": syscall.SIGSEGV}[os.Getenv(envEnd)]
		_ = syscall.Kill(os.Getpid(), signal)
		select {}
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	ram.Free(k)
	_ = inHeap[0]
	return err
}

// named does what an export does: the process needs its own folder in /proc for it, which is root's now.
func named() error {
	dir, err := os.MkdirTemp("", "ingle-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_WRONLY, 0o600)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), unix.AT_FDCWD, filepath.Join(dir, "x"), unix.AT_SYMLINK_FOLLOW)
}

// start runs this program as a user who is not root, in a folder that the user owns, and gives the
// child's first line.
func start(t *testing.T, dir string, env ...string) (c *exec.Cmd, first string) {
	t.Helper()
	c = unprivileged(t, dir, filepath.Join(dir, "program"))
	c.Env = append(os.Environ(), env...)
	hold, err := c.StdinPipe()
	must(t, err)
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	t.Cleanup(func() { _ = hold.Close(); _ = c.Wait() })
	first, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%q, %v", first, err)
	}
	return c, strings.TrimSpace(first)
}

func unprivileged(t *testing.T, dir string, words ...string) *exec.Cmd {
	c := exec.CommandContext(t.Context(), words[0], words[1:]...)
	c.Dir = dir
	if os.Getuid() == 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return c
}

// place is a folder of that user's with this program in it.
func place(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "ingle-ram-") // t.TempDir lies in folders that the user may not enter
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	program, err := os.ReadFile(os.Args[0])
	must(t, err)
	if bytes.HasPrefix(program, []byte("#!")) { // as .ci/arm64 starts it
		t.Skip("an emulator runs this program, and the memory is the emulator's")
	}
	must(t, os.WriteFile(filepath.Join(dir, "program"), program, 0o755))
	if os.Getuid() == 0 {
		must(t, os.Chown(dir, nobody, nobody))
	}
	return dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Another program of the same user cannot look into the process, and its core limit is zero for good.
func TestNobodyLooksIn(t *testing.T) {
	dir := place(t)
	for _, role := range []string{"control", secluded} {
		c, first := start(t, dir, envRole+"="+role)
		if !strings.HasPrefix(first, "ready") {
			t.Fatal(first)
		}
		proc := fmt.Sprintf("/proc/%d/", c.Process.Pid)
		for _, file := range []string{"environ", "maps", "auxv"} {
			err := unprivileged(t, dir, "/bin/cat", proc+file).Run()
			if readable := err == nil; readable != (role == "control") {
				t.Errorf("%s: %s is readable: %t (%v)", role, file, readable, err)
			}
		}
		limits, err := os.ReadFile(proc + "limits")
		must(t, err)
		none := false
		for line := range strings.Lines(string(limits)) {
			if rest, ok := strings.CutPrefix(line, "Max core file size"); ok {
				none = strings.Join(strings.Fields(rest), " ") == "0 0 bytes"
			}
		}
		if none != (role == secluded) {
			t.Errorf("%s: the limits are\n%s", role, limits)
		}
	}
}

// A signal that dumps core leaves none, even where somebody has raised the limit again.
func TestNoCore(t *testing.T) {
	if racing() {
		t.Skip("the race detector makes core dumps too large")
	}
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil || strings.ContainsAny(string(pattern), "|/%") {
		t.Skipf("needs core dumps in the working folder: %q, %v", pattern, err)
	}
	for _, end := range []string{"abort", "fault"} {
		for _, role := range []string{"control", secluded} {
			dir := place(t)
			c, _ := start(t, dir, envRole+"="+role, envEnd+"="+end, "GOTRACEBACK=crash")
			_ = c.Wait() // it died of a signal, as it should
			cores, err := filepath.Glob(filepath.Join(dir, "core*"))
			must(t, err)
			if role == secluded && len(cores) > 0 {
				t.Errorf("%s: left %v", end, cores)
			}
			if role == "control" {
				look(t, end, cores)
			}
		}
	}
}

// racing says whether the race detector is in this program.
func racing() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// look says whether a core dump has what lies in Go's heap: else none would not show anything; and that
// the page of New is not even in it.
func look(t *testing.T, end string, cores []string) {
	t.Helper()
	if len(cores) == 0 {
		t.Skipf("%s: the control leaves no core: the limit may be fixed", end)
	}
	core, err := os.ReadFile(cores[0])
	must(t, err)
	if !bytes.Contains(core, []byte(fmt.Sprint(marker, 43))) {
		t.Errorf("%s: the control's core has not what it should", end)
	}
	if bytes.Contains(core, []byte(fmt.Sprint(marker, 42))) {
		t.Errorf("%s: the page for keys is in a core", end)
	}
}

// Pages are zero, apart, locked, and given back.
func TestPages(t *testing.T) {
	before := locked(t)
	var all []*keys
	for range 3 {
		k, kept := ram.New[keys]()
		if !kept {
			t.Skip("needs the right to lock a few pages: ulimit -l")
		}
		if *k != (keys{}) {
			t.Error("a page is not zero")
		}
		k.first[0], k.second[31] = 1, 2
		all = append(all, k)
	}
	if got := locked(t) - before; got != 3*os.Getpagesize()/1024 {
		t.Errorf("%d kB more are locked", got)
	}
	for _, k := range all {
		if k.first[0] != 1 || k.second[31] != 2 {
			t.Error("a page forgot")
		}
		ram.Free(k)
	}
	if got := locked(t); got != before {
		t.Errorf("%d kB stay locked", got-before)
	}
	big, _ := ram.New[[10000]byte]()
	big[9999] = 1
	ram.Free(big)
}

// locked is how many kB of this process cannot be swapped.
func locked(t *testing.T) (kB int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	must(t, err)
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmLck:"); ok {
			_, err := fmt.Sscan(rest, &kB)
			must(t, err)
		}
	}
	return kB
}
