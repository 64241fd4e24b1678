package export_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/storage/vaulttest"
)

// A child process runs this very test with some of these set.
const (
	envKill = "INGLE_TEST_KILL" // at which step it dies
	envFull = "INGLE_TEST_FULL" // how many bytes a file may have
	envOut  = "INGLE_TEST_OUT"  // where the export goes
)

// steps is how many an export of newHouse has, before its last one.
const steps = 10

func TestMain(m *testing.M) {
	os.Exit(vaulttest.Main(m.Run))
}

func child(t *testing.T, env ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	return c, &out
}

// Killed at any step an export leaves nothing under its name, and nothing under another one either.
func TestKilled(t *testing.T) {
	if at := os.Getenv(envKill); at != "" {
		die, err := strconv.Atoi(at)
		must(t, err)
		h := newHouse(t)
		n := 0
		h.OnStep(func(string) {
			if n++; n == die {
				must(t, syscall.Kill(os.Getpid(), syscall.SIGKILL))
				<-t.Context().Done() // it never comes so far
			}
		})
		_, err = h.Make(t.Context(), wire.ExportRequest{Path: os.Getenv(envOut)})
		must(t, err)
		return
	}
	for die := 1; die <= steps+1; die++ {
		out := filepath.Join(t.TempDir(), "x.zip")
		c, said := child(t, envKill+"="+strconv.Itoa(die), envOut+"="+out)
		err := c.Run()
		if die > steps {
			must(t, err) // the control: nobody kills it
			if _, err := os.Stat(out); err != nil {
				t.Errorf("it was not killed, and: %v", err)
			}
			break
		}
		var ended *exec.ExitError
		if !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("step %d: %v\n%s", die, err, said)
		}
		left, err := os.ReadDir(filepath.Dir(out))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range left {
			if !strings.HasSuffix(e.Name(), ".part") {
				t.Errorf("step %d leaves %s", die, e.Name())
			}
		}
	}
}

// A disk that is full is told, and nothing is left on it.
func TestFull(t *testing.T) {
	if most := os.Getenv(envFull); most != "" {
		const free = math.MaxUint64
		n, err := strconv.ParseUint(most, 10, 64)
		must(t, err)
		h := newHouse(t)
		signal.Ignore(syscall.SIGXFSZ)
		must(t, h.readings.Store.Flush(t.Context()))
		h.OnStep(func(step string) {
			if step == "begun" {
				must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: n, Max: free}))
			}
		})
		_, err = h.Make(t.Context(), wire.ExportRequest{Path: os.Getenv(envOut)})
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: free, Max: free}))
		fmt.Println("code:" + wire.Code(err))
		return
	}
	for _, most := range []string{"0", "3000"} {
		out := filepath.Join(t.TempDir(), "x.zip")
		c, said := child(t, envFull+"="+most, envOut+"="+out)
		if err := c.Run(); err != nil || !strings.Contains(said.String(), "code:export.full\n") {
			t.Errorf("%s bytes: %v\n%s", most, err, said)
		}
		if left, err := os.ReadDir(filepath.Dir(out)); err != nil || len(left) > 0 {
			t.Errorf("%s bytes: there lie %v, %v", most, left, err)
		}
	}
}

// Somebody else takes the name meanwhile: it stays theirs.
func TestTakenMeanwhile(t *testing.T) {
	h := newHouse(t)
	path := filepath.Join(h.out, "x.zip")
	h.OnStep(func(step string) {
		if step == "written" {
			must(t, os.WriteFile(path, []byte("theirs"), 0o600))
		}
	})
	if _, err := h.Make(t.Context(), wire.ExportRequest{Path: path}); wire.Code(err) != "export.exists" {
		t.Errorf("the name was taken: %v", err)
	}
	if raw, err := os.ReadFile(path); err != nil || string(raw) != "theirs" {
		t.Errorf("there is %q, %v", raw, err)
	}
	if left, err := os.ReadDir(h.out); err != nil || len(left) != 1 {
		t.Errorf("there lie %v, %v", left, err)
	}
}

// Somebody is forgotten while an export is made that has them: it is given up.
func TestForgottenMeanwhile(t *testing.T) {
	for _, when := range []string{"begun", "file", "written"} {
		h := newHouse(t)
		h.OnStep(func(step string) {
			if step == when {
				must(t, h.readings.Store.Forget(t.Context(), "person/p-1"))
			}
		})
		_, err := h.Make(t.Context(), wire.ExportRequest{Path: h.out})
		if wire.Code(err) != "export.ended" {
			t.Errorf("%s: %v", when, err)
		}
		if left, err := os.ReadDir(h.out); err != nil || len(left) > 0 {
			t.Errorf("%s: there lie %v, %v", when, left, err)
		}
		h.OnStep(nil)
		if e, err := h.Make(t.Context(), wire.ExportRequest{Path: h.out}); err != nil || e.Readings != 6 {
			t.Errorf("%s: afterwards %+v, %v", when, e, err)
		}
	}
}
