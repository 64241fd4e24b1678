package records_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage/records"
)

// childRotates rotates until it is killed: by itself at the step that dir's name
// ends in, or by its parent.
func childRotates(dir string) error {
	s, v, err := both(dir)
	if err != nil {
		return err
	}
	records.AtStep(s, dieAtStep)
	ctx := context.Background()
	for n := 0; ; n++ {
		r := records.Record{Kind: "round", ID: fmt.Sprint(v.Epoch(), n), Subject: "mia", Body: []byte("round")}
		if err := s.Put(ctx, r); err != nil {
			return err
		}
		fmt.Println("put", r.ID)
		if err := s.Rotate(ctx, v); err != nil {
			return err
		}
	}
}

const envStep = "INGLE_TEST_STEP"

// dieAtStep ends a child at the step that its parent chose, as kill -9 does.
func dieAtStep(step string) {
	fmt.Println(step)
	if step == os.Getenv(envStep) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
}

// After a kill at any step the store opens with everything, and no file of
// another epoch stays.
func TestKilledRotation(t *testing.T) {
	dir := home(t)
	s := open(t, dir)
	plantTwo(t, s)
	must(t, s.Close())
	for _, step := range append(records.Steps(), "") {
		t.Setenv(envStep, step)
		c := start(t, "rotate", dir)
		for step == "" {
			if c.says(t) == "copied telemetry" { // the last child is killed by us, wherever it is then
				break
			}
		}
		if step != "" {
			for c.lines.Scan() {
			}
			c.cmd.Wait()
		} else {
			c.kill()
		}
		intact(t, dir, step)
	}
}

func intact(t *testing.T, dir, when string) {
	t.Helper()
	s, v := openBoth(t, dir)
	defer s.Close()
	if epochs := epochsIn(t, dir); len(epochs) != 1 || !epochs[fmt.Sprint(v.Epoch())] {
		t.Errorf("killed at %q: files of epochs %v, the vault is at %d", when, epochs, v.Epoch())
	}
	ctx := within(t)
	for _, who := range []string{"mia-7f3a", "noor-91c2"} {
		if got, err := s.Query(ctx, records.Query{Subject: who}); err != nil || len(got) != 300 || string(got[9].Body) != "near the "+who {
			t.Errorf("killed at %q: %d readings of %s, %v", when, len(got), who, err)
		}
	}
	if got, err := s.List(ctx, "place"); err != nil || len(got) != 600 {
		t.Errorf("killed at %q: %d records, %v", when, len(got), err)
	}
}

// Killed at random times, with what was acknowledged in between.
func TestKilledRotationAtRandom(t *testing.T) {
	t.Parallel()
	dir := home(t)
	s := open(t, dir)
	plantTwo(t, s)
	must(t, s.Close())
	said := map[string]bool{}
	epochs := map[uint64]bool{}
	for range 12 {
		c := start(t, "rotate", dir)
		note := func(line string) {
			if id, ok := strings.CutPrefix(line, "put "); ok {
				said[id] = true
			}
		}
		note(c.says(t))
		wait := time.NewTimer(time.Duration(rand.IntN(120)) * time.Millisecond)
		<-wait.C
		for _, line := range c.kill() {
			note(line)
		}
		intact(t, dir, "random")
		s, v := openBoth(t, dir)
		epochs[v.Epoch()] = true
		got, err := s.List(within(t), "round")
		must(t, err)
		have := map[string]bool{}
		for _, r := range got {
			have[r.ID] = true
		}
		for id := range said {
			if !have[id] {
				t.Fatalf("acknowledged record %q is gone", id)
			}
		}
		must(t, s.Close())
	}
	t.Logf("12 kills, %d acknowledged records, killed in %d epochs", len(said), len(epochs))
}
