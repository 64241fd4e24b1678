package records_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ingle-home/ingle/storage/records"
)

const refuseErasing = "CREATE TRIGGER refuse BEFORE DELETE ON reading BEGIN SELECT RAISE(ABORT, 'the disk'); END"

func childForgets(dir string) error {
	s, err := openStore(dir)
	if err != nil {
		return err
	}
	records.AtStep(s, dieAtStep)
	return s.Forget(context.Background(), "mia-7f3a")
}

// wantLeft reads everything in every way. That the other subject is whole is wanted in
// any case, and that nothing is damaged.
func wantLeft(t *testing.T, s *records.Store, when string, want int) {
	t.Helper()
	ctx := within(t)
	all, err := s.Query(ctx, records.Query{Kind: "place"})
	if err != nil || len(all) != 300+want {
		t.Errorf("%s: %d readings, want %d: %v", when, len(all), 300+want, err)
	}
	if newest, err := s.Query(ctx, records.Query{Limit: 100}); err != nil || len(newest) != 100 {
		t.Errorf("%s: %d of the 100 newest readings: %v", when, len(newest), err)
	}
	if hers, err := s.Query(ctx, records.Query{Subject: "mia-7f3a"}); err != nil || len(hers) != want {
		t.Errorf("%s: %d readings of her, want %d: %v", when, len(hers), want, err)
	}
	list, err := s.List(ctx, "place")
	if err != nil || len(list) != 300+want {
		t.Errorf("%s: %d records, want %d: %v", when, len(list), 300+want, err)
	}
	walked := 0
	err = s.Walk(ctx, "", nil, func(records.Record) error { walked++; return nil })
	if err != nil || walked != 300+want {
		t.Errorf("%s: walked over %d readings, want %d: %v", when, walked, 300+want, err)
	}
}

// wantTaken checks that the subject may come back as a stranger, and goes again.
func wantTaken(t *testing.T, s *records.Store, when string) {
	t.Helper()
	ctx := within(t)
	r := records.Record{Kind: "again", ID: "1", Subject: "mia-7f3a", At: at(1), Body: []byte("again")}
	if err := errors.Join(s.Put(ctx, r), s.Append(ctx, r)); err != nil {
		t.Errorf("%s: she is not taken again: %v", when, err)
	}
	if got, err := s.Query(ctx, records.Query{Kind: "again"}); err != nil || len(got) != 1 || string(got[0].Body) != "again" {
		t.Errorf("%s: what is new of her: %v, %v", when, got, err)
	}
}

// Killed at any step, a Forget was not begun or is finished by the next start; also
// where the store is opened for reading only in between.
func TestKilledForget(t *testing.T) {
	t.Parallel()
	made := home(t)
	s := open(t, made)
	plantTwo(t, s)
	must(t, s.Close())
	for i, step := range records.ForgetSteps() {
		dir := t.TempDir()
		must(t, os.CopyFS(dir, os.DirFS(made)))
		if last := dieAt(t, "forget", dir, step); last != step {
			t.Fatalf("the child got to %q, not to %q", last, step)
		}
		want := 0
		if i == 0 {
			want = 300
		}
		frozen, err := openStoreWith(dir, records.OpenDamaged)
		must(t, err)
		wantLeft(t, frozen, "read only, killed at "+step, want)
		must(t, frozen.Close())
		s := open(t, dir)
		wantLeft(t, s, "killed at "+step, want)
		if n := plainHits(t, s, dir, "mia-7f3a"); (n > 0) != (i == 0) {
			t.Errorf("killed at %s: %d hits in the deciphered pages", step, n)
		}
		if i > 0 {
			wantTaken(t, s, "killed at "+step)
		}
		must(t, s.Close())
	}
}

// dieAt lets a child work until it dies at a step, and gives the last step it came to.
func dieAt(t *testing.T, role, dir, step string) (last string) {
	t.Helper()
	c := start(t, role, dir, envStep+"="+step)
	for c.lines.Scan() {
		last = c.lines.Text()
	}
	c.cmd.Wait()
	return last
}

// Where the disk does not let the readings go they are left out of what is read, nothing
// new of the subject is taken, and whatever comes next finishes it: forgetting
// somebody else, a rotation or a start.
func TestHalfForgotten(t *testing.T) {
	t.Parallel()
	made := home(t)
	s := open(t, made)
	plantTwo(t, s)
	must(t, s.Close())
	for _, next := range []string{"forget", "rotate", "start"} {
		dir, ctx := t.TempDir(), within(t)
		must(t, os.CopyFS(dir, os.DirFS(made)))
		s, v := openBoth(t, dir)
		_, err := records.Writer(s, "reading").Exec(refuseErasing)
		must(t, err)
		if err := s.Forget(ctx, "mia-7f3a"); err == nil {
			t.Fatal("control: the disk let all go")
		}
		if log, err := os.Stat(filepath.Join(dir, "core-1.db-wal")); err != nil || log.Size() > 0 {
			t.Errorf("the log still has the key: %d bytes, %v", log.Size(), err)
		}
		wantLeft(t, s, "half forgotten", 0)
		r := records.Record{Kind: "place", ID: "new", Subject: "mia-7f3a", At: at(5)}
		if err := s.Put(ctx, r); !errors.Is(err, records.ErrForgetting) {
			t.Errorf("put: %v", err)
		}
		if err := s.Append(ctx, r); !errors.Is(err, records.ErrForgetting) {
			t.Errorf("append: %v", err)
		}
		if err := s.Forget(ctx, "mia-7f3a"); err == nil {
			t.Error("control: the disk let all go the second time")
		}
		_, err = records.Writer(s, "reading").Exec("DROP TRIGGER refuse")
		must(t, err)
		switch next {
		case "forget":
			must(t, s.Forget(ctx, "nobody"))
		case "rotate":
			must(t, s.Rotate(ctx, v))
		case "start":
			must(t, s.Close())
			s = open(t, dir)
		}
		if n := records.Rows(t, s, "reading"); n != 300 {
			t.Errorf("%s: %d readings are there, want the 300 of the other subject", next, n)
		}
		wantLeft(t, s, next, 0)
		wantTaken(t, s, next)
		must(t, s.Close())
	}
}

// Whoever asks for a Forget and goes away once the key is gone does not leave it half done.
func TestForgetOutlivesItsCaller(t *testing.T) {
	t.Parallel()
	s := open(t, home(t))
	plantTwo(t, s)
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	records.AtStep(s, func(step string) {
		if step == "shredded" {
			cancel()
		}
	})
	if err := s.Forget(ctx, "mia-7f3a"); err != nil {
		t.Errorf("the caller went away: %v", err)
	}
	if n := records.Rows(t, s, "reading"); n != 300 {
		t.Errorf("%d readings are there, want the 300 of the other subject", n)
	}
}

// A Forget that never came to its commit takes nothing, not even what was only queued.
func TestForgetNotBegun(t *testing.T) {
	t.Parallel()
	s, ctx := open(t, home(t)), within(t)
	must(t, s.Append(ctx, records.Record{Kind: "place", ID: "queued", Subject: "mia-7f3a", At: at(1), Body: []byte("here")}))
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Forget(ended, "mia-7f3a"); err == nil {
		t.Fatal("control: forgotten with a context that had ended")
	}
	if got, err := s.Query(ctx, records.Query{}); err != nil || len(got) != 1 || string(got[0].Body) != "here" {
		t.Errorf("what was queued: %v, %v", got, err)
	}
}
