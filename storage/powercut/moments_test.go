package powercut

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// What the vault, a setup, a rotation, a restore and storage.Place acknowledged is there after a
// power cut at every single change that they make on the disk, and a way in is always left.
// What each of them does, and what must hold, is in its own tests: see storage/cuttest. The
// control: where no fsync does anything, each of them loses something.
func TestEveryMoment(t *testing.T) {
	needFuse(t)
	for _, what := range []struct {
		name string
		most int // states that are judged, some of all; each costs milliseconds
	}{{"storage", 400}, {"storage/vault", 400}, {"hub/keys", 400}, {"storage/records", 100}, {"storage/backup", 220}} {
		t.Run(path.Base(what.name), func(t *testing.T) {
			program := build(t, what.name)
			s := play(t, program, false)
			all := len(s.states)
			s.choose(what.most)
			wrong := s.judge(t)
			t.Logf("%d moments, %d states after a cut, %d of them judged", s.moments, all, len(s.states))
			if all < 15 {
				t.Error("that is hardly anything")
			}
			if len(wrong) > 0 {
				t.Errorf("%d are wrong: %s", len(wrong), strings.Join(wrong[:min(5, len(wrong))], "\n"))
			}
			s = play(t, program, true)
			s.choose(40)
			if wrong := s.judge(t); len(wrong) == 0 {
				t.Error("a disk that syncs nothing loses nothing: this test sees nothing")
			}
		})
	}
}

// scene is a package's test binary at work, and what cuts of the power left of it.
type scene struct {
	program string

	mu      sync.Mutex
	said    string // last
	begun   bool   // something was said
	moments int
	seen    map[[sha256.Size]byte]bool
	states  []state
}

// state is one that a cut may leave, and what was said last before it.
type state struct {
	said    string
	content map[string][]byte
	unlucky bool // one of the worst
}

// build gives the test binary of a package.
func build(t *testing.T, folder string) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "part.test")
	build := exec.Command("go", "test", "-c", "-o", program, "./"+folder)
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v: %s", err, out)
	}
	return program
}

func (s *scene) start(t *testing.T, role, dir string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, s.program)
	cmd.Env = append(os.Environ(), "INGLE_TEST_CUT="+role, "INGLE_TEST_CUT_DIR="+dir, "INGLE_TEST_CUT_ASIDE="+t.TempDir())
	cmd.Stderr = os.Stderr
	return cmd
}

// play lets a scene run to its end and cuts the power at every change of the disk from
// the first thing on that is said.
func play(t *testing.T, program string, lies bool) *scene {
	t.Helper()
	s := &scene{program: program, seen: make(map[[sha256.Size]byte]bool)}
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	disk, dir := NewDisk(nil, lies), t.TempDir()
	unmount, err := disk.Mount(dir)
	if err != nil {
		t.Skipf("needs the right to mount: %v", err)
	}
	defer func() {
		if err := unmount(); err != nil {
			t.Errorf("unmount: %v", err)
		}
	}()
	disk.Watch(func() { s.cut(disk, r) })
	cmd := s.start(t, "work", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		s.hear(disk, lines.Text(), r)
		fmt.Fprintln(in)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("at work: %v", err)
	}
	return s
}

// hear notes what must hold from now on, and cuts the power right then.
func (s *scene) hear(d *Disk, said string, r *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s.said, s.begun = said, true
	s.cut(d, r)
}

// cut keeps what a cut at this moment may leave, each state once. The disk is locked.
func (s *scene) cut(d *Disk, r *rand.Rand) {
	if !s.begun {
		return
	}
	s.moments++
	worst := d.worst()
	for i, content := range append(worst, d.cut(r), d.cut(r), d.cut(r), d.cut(r)) {
		sum := sha256.New()
		fmt.Fprintf(sum, "%q", s.said)
		for _, path := range slices.Sorted(maps.Keys(content)) {
			fmt.Fprintf(sum, "%q %x", path, sha256.Sum256(content[path]))
		}
		if key := [sha256.Size]byte(sum.Sum(nil)); !s.seen[key] {
			s.seen[key] = true
			s.states = append(s.states, state{s.said, content, i < len(worst)})
		}
	}
}

// choose leaves most of the states to be judged, the worst rather than others;
// INGLE_SOAK=1 leaves all of them.
func (s *scene) choose(most int) {
	if os.Getenv("INGLE_SOAK") != "" {
		return
	}
	rand.Shuffle(len(s.states), func(i, j int) { s.states[i], s.states[j] = s.states[j], s.states[i] })
	slices.SortStableFunc(s.states, func(a, b state) int {
		switch {
		case a.unlucky == b.unlucky:
			return 0
		case a.unlucky:
			return -1
		}
		return 1
	})
	s.states = s.states[:min(most, len(s.states))]
}

// judge says what is wrong in which state.
func (s *scene) judge(t *testing.T) (wrong []string) {
	t.Helper()
	root := quickDir(t)
	var ask bytes.Buffer
	for i, c := range s.states {
		dir := filepath.Join(root, fmt.Sprint(i))
		lay(t, dir, c.content)
		fmt.Fprintf(&ask, "%s\n%s\n", c.said, dir)
	}
	judge := s.start(t, "judge", "")
	judge.Stdin = &ask
	out, err := judge.Output()
	if err != nil {
		t.Fatalf("the judge: %v", err)
	}
	verdicts := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(verdicts) != len(s.states) {
		t.Fatalf("%d verdicts on %d states", len(verdicts), len(s.states))
	}
	for i, v := range verdicts {
		if v != "well" {
			wrong = append(wrong, fmt.Sprintf("%s; said: %s; left: %v", v, s.states[i].said, sizes(s.states[i].content)))
		}
	}
	return wrong
}

// lay puts content into a folder.
func lay(t *testing.T, dir string, content map[string][]byte) {
	t.Helper()
	err := os.MkdirAll(dir, 0o700)
	for _, path := range slices.Sorted(maps.Keys(content)) { // a folder before what is in it
		if err != nil {
			break
		}
		if to := filepath.Join(dir, path); strings.HasSuffix(path, "/") {
			err = os.MkdirAll(to, 0o700)
		} else {
			err = os.WriteFile(to, content[path], 0o600)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// quickDir is in memory where it can be: the judge's own fsyncs prove nothing.
func quickDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "powercut-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func sizes(content map[string][]byte) (list []string) {
	for _, path := range slices.Sorted(maps.Keys(content)) {
		list = append(list, fmt.Sprintf("%s %d", path, len(content[path])))
	}
	return list
}
