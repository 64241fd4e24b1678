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
	"syscall"
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
	return 3
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

// A disk that fails for a while is told, costs nothing that was acknowledged, and is
// written to again as soon as it works.
func TestBrokenDisk(t *testing.T) {
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	h := newHouse(t)
	disk := NewDisk(h.keys, false)
	l := h.begin(t, disk, "endure", 0)
	after := func(what string, counter *atomic.Int64, before int64) {
		t.Helper()
		for start := time.Now(); counter.Load() < before+3; l.wait(t, time.Millisecond) {
			if time.Since(start) > time.Minute {
				t.Fatal(what)
			}
		}
	}
	var cuts []cut
	for i, errno := range []syscall.Errno{syscall.EIO, syscall.EROFS, syscall.ENOSPC, syscall.EIO, syscall.EDQUOT} {
		after("the store does not work", &l.acknowledged, l.acknowledged.Load())
		l.wait(t, time.Duration(r.IntN(50))*time.Millisecond)
		disk.Break(errno)
		after("a broken disk is not told", &l.troubles, l.troubles.Load())
		known := int(l.acknowledged.Load())
		if i%2 == 0 {
			cuts = append(cuts, cut{content: disk.Cut(r), acknowledged: known})
		}
		disk.Break(0)
		after("the store does not recover", &l.acknowledged, l.acknowledged.Load())
		known = int(l.acknowledged.Load())
		cuts = append(cuts, cut{content: disk.Cut(r), acknowledged: known})
	}
	t.Logf("%d steps, %d refused", l.acknowledged.Load(), l.troubles.Load())
	l.end(t)
	h.judge(t, cuts)
	for _, c := range cuts {
		if c.err != nil || c.found < c.acknowledged {
			t.Errorf("%d steps were acknowledged, %d are there, %v", c.acknowledged, c.found, c.err)
		}
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

// needFuse skips the test where no disk of ours can be shown.
func needFuse(t *testing.T) {
	t.Helper()
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("needs /dev/fuse: %v", err)
	}
	f.Close()
}

func newHouse(t *testing.T) *house {
	t.Helper()
	needFuse(t)
	h := &house{program: build(t, "storage/records"), keys: make(map[string][]byte)}
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
	l := h.begin(t, disk, "work", known)
	for range moments {
		l.wait(t, time.Duration(r.IntN(90))*time.Millisecond)
		// First what was acknowledged, then the cut: all of it must be there.
		known := int(l.acknowledged.Load())
		for range states {
			cuts = append(cuts, cut{content: disk.Cut(r), acknowledged: known})
		}
	}
	l.end(t)
	h.judge(t, cuts)
	return cuts
}

// life is the store at work on a disk.
type life struct {
	cmd          *exec.Cmd
	acknowledged atomic.Int64 // the newest step
	troubles     atomic.Int64 // steps that failed
	ended        chan struct{}
	unmount      func() error
}

func (h *house) begin(t *testing.T, disk *Disk, role string, known int) *life {
	t.Helper()
	dir := t.TempDir()
	l := &life{cmd: h.start(t, role, dir), ended: make(chan struct{})}
	l.acknowledged.Store(int64(known))
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if l.unmount, err = disk.Mount(dir); err != nil {
		t.Skipf("needs the right to mount: %v", err)
	}
	if err := l.cmd.Start(); err != nil {
		l.unmount()
		t.Fatal(err)
	}
	go func() {
		defer close(l.ended)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if n, err := strconv.Atoi(lines.Text()); err == nil {
				l.acknowledged.Store(int64(n))
			} else {
				l.troubles.Add(1)
			}
		}
	}()
	return l
}

// wait lets the store work.
func (l *life) wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-l.ended:
		l.end(t)
		t.Fatal("the store gave up")
	}
}

// end kills the store and takes the disk away.
func (l *life) end(t *testing.T) {
	t.Helper()
	l.cmd.Process.Kill()
	<-l.ended
	l.cmd.Wait()
	if err := l.unmount(); err != nil {
		t.Errorf("unmount: %v", err)
	}
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
