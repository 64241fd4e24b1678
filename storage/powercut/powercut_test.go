package powercut

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const (
	moments = 16 // of each life at which the power is cut
	states  = 4  // in which each cut may leave the disk
)

// lives is how often the store starts again from what a cut left; INGLE_SOAK=1 lets
// it live 200 times.
func lives() int {
	if os.Getenv("INGLE_SOAK") != "" {
		return 200
	}
	return 6
}

// What the store acknowledged is there after a power cut, whatever the disk lost of
// the rest; the two databases are whole, and no transaction is there by half.
func TestPowerCut(t *testing.T) {
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	h := newHouse(t)
	content, checked, acknowledged, most := h.keys, 0, 0, 0
	for range lives() {
		disk := NewDisk(content, false)
		for _, c := range h.live(t, disk, r, acknowledged) {
			checked++
			most = max(most, c.acknowledged)
			if c.err != nil {
				t.Errorf("%d steps were acknowledged: %v", c.acknowledged, c.err)
			} else if c.found < c.acknowledged {
				t.Errorf("%d steps were acknowledged, %d are there", c.acknowledged, c.found)
			}
			content, acknowledged = c.content, c.found
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d states after cuts, up to %d acknowledged steps: nothing lost", checked, most)
	if most < 20 {
		t.Errorf("only %d steps were done", most)
	}
}

// The control: on a disk whose fsync does nothing the same finds losses.
func TestLyingDisk(t *testing.T) {
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	h := newHouse(t)
	lost := 0
	for _, c := range h.live(t, NewDisk(h.keys, true), r, 0) {
		if c.err != nil || c.found < c.acknowledged {
			lost++
		}
	}
	t.Logf("%d of %d states lost something", lost, moments*states)
	if lost < moments {
		t.Error("a disk that syncs nothing loses nothing: these tests see nothing")
	}
}

// cut is one state of the disk after a cut, and what the store made of it.
type cut struct {
	content      map[string][]byte
	acknowledged int // steps, at the least
	found        int
	err          error
}

// house is what all lives share: the program under test and the keys.
type house struct {
	program, code string
	keys          map[string][]byte
}

func newHouse(t *testing.T) *house {
	t.Helper()
	if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
		t.Skipf("needs /dev/fuse: %v", err)
	} else {
		f.Close()
	}
	h := &house{program: filepath.Join(t.TempDir(), "records.test"), keys: make(map[string][]byte)}
	build := exec.Command("go", "test", "-c", "-o", h.program, "./storage/records")
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	dir := t.TempDir()
	out, err := h.start(t, "make", dir).Output()
	if err != nil {
		t.Fatalf("make a vault: %v", err)
	}
	h.code = strings.TrimSpace(string(out))
	for _, name := range []string{"keys.json", "keys.twin.json"} {
		if h.keys[name], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func (h *house) start(t *testing.T, role, dir string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, h.program)
	cmd.Env = append(os.Environ(), "INGLE_TEST_ROLE="+role, "INGLE_TEST_DIR="+dir, "INGLE_TEST_CODE="+h.code)
	cmd.Stderr = os.Stderr
	return cmd
}

// live lets the store work on the disk, cuts the power at random moments, and has
// every state that a cut may leave judged.
func (h *house) live(t *testing.T, disk *Disk, r *rand.Rand, known int) (cuts []cut) {
	t.Helper()
	dir := t.TempDir()
	unmount, err := disk.Mount(dir)
	if err != nil {
		t.Skipf("needs the right to mount: %v", err)
	}
	defer func() {
		if err := unmount(); err != nil {
			t.Errorf("unmount: %v", err)
		}
	}()
	work := h.start(t, "work", dir)
	out, err := work.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := work.Start(); err != nil {
		t.Fatal(err)
	}
	var acknowledged atomic.Int64
	acknowledged.Store(int64(known))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if n, err := strconv.Atoi(lines.Text()); err == nil {
				acknowledged.Store(int64(n))
			}
		}
	}()
	for range moments {
		pause := time.NewTimer(time.Duration(r.IntN(90)) * time.Millisecond)
		select {
		case <-pause.C:
		case <-ended:
			t.Fatalf("the store gave up: %v", work.Wait())
		}
		// First what was acknowledged, then the cut: all of it must be there.
		known := int(acknowledged.Load())
		for range states {
			cuts = append(cuts, cut{content: disk.Cut(r), acknowledged: known})
		}
	}
	work.Process.Kill()
	<-ended
	work.Wait()
	h.judge(t, cuts)
	return cuts
}

// judge has the store open every state, in a process that finds nothing of the disk
// in its memory.
func (h *house) judge(t *testing.T, cuts []cut) {
	t.Helper()
	var dirs bytes.Buffer
	root := t.TempDir()
	for i, c := range cuts {
		dir := filepath.Join(root, fmt.Sprint(i))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, b := range c.content {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintln(&dirs, dir)
	}
	judge := h.start(t, "judge", "")
	judge.Stdin = &dirs
	out, err := judge.Output()
	if err != nil {
		t.Fatalf("the judge: %v", err)
	}
	verdicts := bufio.NewReader(bytes.NewReader(out))
	for i := range cuts {
		line, err := verdicts.ReadString('\n')
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
		line = strings.TrimSuffix(line, "\n")
		if cuts[i].found, err = strconv.Atoi(line); err != nil {
			cuts[i].err = fmt.Errorf("%q", line)
		}
	}
	os.RemoveAll(root)
}
