package vfs_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// killsPerSeed is how often one pair of databases survives before a new pair begins.
const killsPerSeed = 8

// stressTime is how long the differential stress runs; INGLE_STRESS=60s makes it longer.
func stressTime(t *testing.T) time.Duration {
	text := os.Getenv("INGLE_STRESS")
	if text == "" && testing.Short() {
		return 3 * time.Second
	}
	if text == "" {
		return 12 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("INGLE_STRESS: %v", err)
	}
	return d
}

// TestStress does the same random things to a sealed and to a stock database in a
// child process, which compares all rows after every step, and kills that process
// again and again. Every step follows from a seed, which a failure names.
func TestStress(t *testing.T) {
	t.Parallel()
	r, until := dice(t), time.Now().Add(stressTime(t))
	pairs, kills, steps := 0, 0, 0
	for time.Now().Before(until) {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "seed"), strconv.AppendUint(nil, r.Uint64()>>1, 10))
		pairs++
		for range killsPerSeed {
			n, err := stressOnce(t, "stress", dir, time.Duration(20+r.IntN(1500))*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			kills, steps = kills+1, steps+n
			if time.Now().After(until) {
				break
			}
		}
		os.RemoveAll(dir)
	}
	t.Logf("%d pairs of databases, %d steps, %d kills: the same rows on both sides", pairs, steps, kills)
	if steps < kills {
		t.Errorf("only %d steps in %d runs", steps, kills)
	}
}

// The control: a shim that seals with the zero salts must not pass.
func TestStressSeesZeroSalts(t *testing.T) {
	t.Parallel()
	r := dice(t)
	for range 5 {
		dir := t.TempDir()
		writeFile(t, filepath.Join(dir, "seed"), strconv.AppendUint(nil, r.Uint64()>>1, 10))
		if _, err := stressOnce(t, "stress zero salts", dir, 20*time.Second); err != nil {
			t.Logf("seen: %.400s", err.Error())
			return
		}
	}
	t.Error("five runs of the broken shim passed")
}

// stressOnce lets a child work for a while after its first step and kills it. It
// gives the steps that were done; an error is what the child found wrong.
func stressOnce(t *testing.T, role, dir string, d time.Duration) (steps int, err error) {
	t.Helper()
	cmd := child(t, role, dir)
	var wrong bytes.Buffer
	cmd.Stderr = &wrong
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	started := lines.Scan()
	end := time.AfterFunc(d, func() { cmd.Process.Kill() })
	defer end.Stop()
	for lines.Scan() {
		steps++
	}
	err = cmd.Wait()
	var died *exec.ExitError
	if started && errors.As(err, &died) && !died.Exited() {
		return steps, nil
	}
	return steps, fmt.Errorf("the child ended by itself (%w): %s", err, wrong.String())
}

// childStress works on both databases until it is killed, and says so step by step.
func childStress(dir string, zeroSalts bool) {
	raw, err := os.ReadFile(filepath.Join(dir, "seed"))
	if err == nil {
		var seed uint64
		if seed, err = strconv.ParseUint(string(raw), 10, 64); err == nil {
			err = stress(&twins{dir: dir, seed: seed, zeroSalts: zeroSalts})
		}
	}
	fmt.Fprintf(os.Stderr, "seed %s: %v\n", raw, err)
	os.Exit(3)
}

func stress(w *twins) error {
	if err := w.open(); err != nil {
		return err
	}
	n, err := w.catchUp()
	for ; err == nil; n++ {
		fmt.Println(n)
		if err = w.step(n + 1); err != nil {
			err = fmt.Errorf("step %d: %w", n+1, err)
		}
	}
	return err
}

// twins are a sealed and a stock database to which the same is done.
type twins struct {
	dir           string
	seed          uint64
	zeroSalts     bool
	sealed, plain *twin
	held          *snapshot // a reader that holds checkpoints back, or nil
}

func (w *twins) open() (err error) {
	// How the log is emptied is part of what varies; it changes with every opening.
	checkpoint := []int{0, 20, 300}[rand.IntN(3)]
	if w.sealed, err = openSealedTwin(filepath.Join(w.dir, "sealed.db"), checkpoint, w.zeroSalts); err != nil {
		return fmt.Errorf("sealed: %w", err)
	}
	if w.plain, err = openPlainTwin(filepath.Join(w.dir, "plain.db"), checkpoint); err != nil {
		return fmt.Errorf("plain: %w", err)
	}
	return nil
}

func (w *twins) close() error {
	return errors.Join(w.release(), w.sealed.close(), w.plain.close())
}

// catchUp repeats the one step that a kill may have left out on one side, and
// compares. It gives the last step that was done.
func (w *twins) catchUp() (int, error) {
	sealed, err := w.sealed.stepsDone()
	if err != nil {
		return 0, fmt.Errorf("sealed: %w", err)
	}
	plain, err := w.plain.stepsDone()
	if err != nil {
		return 0, fmt.Errorf("plain: %w", err)
	}
	last := max(sealed, plain)
	if last-min(sealed, plain) > 1 {
		return 0, fmt.Errorf("after the kill: step %d on the sealed side, %d on the other", sealed, plain)
	}
	for _, side := range []*twin{w.sealed, w.plain} {
		done := map[*twin]int{w.sealed: sealed, w.plain: plain}[side]
		if done == last {
			continue
		}
		tables, err := side.tables()
		if err != nil {
			return 0, err
		}
		if _, err := side.run(last, plan(w.seed, last, tables)); err != nil {
			return 0, err
		}
	}
	if err := w.compare(last); err != nil {
		return 0, fmt.Errorf("after the kill at step %d: %w", last, err)
	}
	return last, w.sealed.sound()
}

// step does step n on both sides and compares everything that they then hold.
func (w *twins) step(n int) error {
	tables, err := w.plain.tables()
	if err != nil {
		return err
	}
	p := plan(w.seed, n, tables)
	if p.upkeep != "" {
		if err := w.release(); err != nil {
			return err
		}
	}
	if p.upkeep == reopen {
		if err := errors.Join(w.close(), w.open()); err != nil {
			return err
		}
	}
	verdicts, err := w.sealed.run(n, p)
	if err != nil {
		return fmt.Errorf("sealed: %w", err)
	}
	expected, err := w.plain.run(n, p)
	if err != nil {
		return fmt.Errorf("plain: %w", err)
	}
	for i, statement := range p.statements {
		if verdicts[i] != expected[i] {
			return fmt.Errorf("%s: sealed %q, plain %q", statement, verdicts[i], expected[i])
		}
	}
	if err := w.compare(n); err != nil {
		return fmt.Errorf("after %s%s: %w", p.upkeep, strings.Join(p.statements, "; "), err)
	}
	if n%30 == 0 {
		if err := w.sealed.sound(); err != nil {
			return err
		}
	}
	return w.hold(n)
}

func (w *twins) compare(n int) error {
	sealed, err := w.sealed.digest(n%2 == 0)
	if err != nil {
		return fmt.Errorf("sealed: %w", err)
	}
	plain, err := w.plain.digest(n%2 == 0)
	if err != nil {
		return fmt.Errorf("plain: %w", err)
	}
	for name, want := range plain {
		if sealed[name] != want {
			return fmt.Errorf("%s: sealed %q, plain %q", name, sealed[name], want)
		}
	}
	if len(sealed) != len(plain) {
		return fmt.Errorf("%d tables, want %d", len(sealed), len(plain))
	}
	return nil
}

// hold keeps a reader's snapshot open for some steps now and then: checkpoints
// then move the log in pieces and write behind the end of the file.
func (w *twins) hold(n int) error {
	if w.held != nil && n-w.held.since > 6 {
		return w.release()
	}
	if w.held != nil || n%9 != 0 {
		return nil
	}
	var err error
	w.held, err = w.sealed.snapshot(n)
	return err
}

func (w *twins) release() error {
	if w.held == nil {
		return nil
	}
	err := w.held.end(context.Background())
	w.held = nil
	return err
}
