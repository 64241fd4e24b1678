package records_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage/records"
)

const (
	killLanes = 4  // so many stores at once: each waits for the disk most of the time
	pairsKept = 20 // and those before are deleted
	guestsAt  = 17 // how often somebody comes and is forgotten
)

// kills is how often a writing process is ended, and INGLE_SOAK=1 ends it more often.
func kills() int {
	switch {
	case os.Getenv("INGLE_SOAK") != "":
		return 1000
	case testing.Short():
		return 12
	}
	return 200
}

// childCommits writes in every way until it is killed, and says what is durable: "put n",
// "deleted n", "forgot n".
func childCommits(dir string) error {
	s, err := openStore(dir)
	if err != nil {
		return err
	}
	ctx := context.Background()
	n, err := lastCommit(ctx, s)
	if err == nil && n > 0 {
		err = changes(ctx, s, n) // which the kill may have cut short
	}
	for err == nil {
		n++
		if err = s.Put(ctx, commit(n)...); err == nil {
			fmt.Println("put", n)
			err = changes(ctx, s, n)
		}
	}
	return err
}

// commit is what commit n puts at once. Every seventh is large; every one replaces the
// record that counts them.
func commit(n int) []records.Record {
	body := fmt.Appendf(nil, "%s %d", marker, n)
	if n%7 == 0 {
		body = append(body, strings.Repeat(" and more", 4000)...)
	}
	a := records.Record{Kind: "pair", ID: fmt.Sprintf("%08d a", n), Subject: "mia", Body: body}
	b := a
	b.ID = fmt.Sprintf("%08d b", n)
	return []records.Record{a, b, {Kind: "count", ID: "of commits", Body: fmt.Append(nil, n)}}
}

// changes is everything else that a store is asked for between two commits.
func changes(ctx context.Context, s *records.Store, n int) error {
	for k := range 5 {
		if err := s.Append(ctx, records.Record{Kind: "step", ID: "mia", Subject: "mia", At: at(n*5 + k), Body: []byte(marker)}); err != nil {
			return err
		}
	}
	if old := n - pairsKept; old > 0 {
		if err := s.Delete(ctx, "pair", fmt.Sprintf("%08d a", old), fmt.Sprintf("%08d b", old)); err != nil {
			return err
		}
		fmt.Println("deleted", old)
	}
	switch {
	case n%guestsAt == 0:
		return guest(ctx, s, n)
	case n%5 == 0:
		return s.Flush(ctx)
	}
	return nil
}

func guest(ctx context.Context, s *records.Store, n int) error {
	r := records.Record{Kind: "guest", ID: fmt.Sprint(n), Subject: fmt.Sprint("guest ", n), At: at(n), Body: []byte(marker)}
	err := errors.Join(s.Put(ctx, r), s.Append(ctx, r), s.Flush(ctx), s.Forget(ctx, r.Subject))
	if err == nil {
		fmt.Println("forgot", n)
	}
	return err
}

func lastCommit(ctx context.Context, s *records.Store) (n int, err error) {
	r, err := s.Get(ctx, "count", "of commits")
	if errors.Is(err, records.ErrNotFound) {
		return 0, nil
	}
	if err == nil {
		_, err = fmt.Sscan(string(r.Body), &n)
	}
	return n, err
}

// After kill -9 at any moment all that was acknowledged is there, all or nothing of every
// commit, and nobody who was forgotten; nothing lies on the disk in the clear.
func TestKill(t *testing.T) {
	t.Parallel()
	for lane := range killLanes {
		t.Run(fmt.Sprint(lane), func(t *testing.T) {
			t.Parallel()
			dir, said := home(t), map[string]int{}
			for range kills() / killLanes {
				workAndKill(t, dir, said)
				if n, files := hits(t, dir); n > 0 {
					t.Fatalf("the marker is on disk: %d times in %q", n, files)
				}
				s := open(t, dir)
				if err := survived(within(t), s, said); err != nil {
					t.Fatal(err)
				}
				must(t, s.Close())
			}
			seesLoss(t, dir, said)
			t.Logf("%d kills, %d commits", kills()/killLanes, said["put"])
		})
	}
}

// workAndKill lets a child write for a moment and adds the last of each thing that it said.
func workAndKill(t *testing.T, dir string, said map[string]int) {
	t.Helper()
	note := func(line string) {
		var what string
		var n int
		if k, _ := fmt.Sscan(line, &what, &n); k == 2 {
			said[what] = n
		}
	}
	c := start(t, "commits", dir)
	for range 1 + rand.IntN(30) {
		note(c.says(t))
	}
	wait := time.NewTimer(time.Duration(rand.IntN(4000)) * time.Microsecond)
	<-wait.C
	for _, line := range c.kill() {
		note(line)
	}
}

// survived looks whether the store holds what was said and makes sense.
func survived(ctx context.Context, s *records.Store, said map[string]int) error {
	last, err := lastCommit(ctx, s)
	if err != nil {
		return err
	}
	if last < said["put"] {
		return fmt.Errorf("commit %d was acknowledged, the last is %d", said["put"], last)
	}
	pairs, err := s.List(ctx, "pair")
	if err != nil {
		return err
	}
	// Between a commit and its deletion there is a pair more.
	first := last - len(pairs)/2 + 1
	if len(pairs)%2 != 0 || first != max(1, last-pairsKept+1) && first != last-pairsKept || first <= said["deleted"] {
		return fmt.Errorf("%d records up to commit %d, of which %d are deleted", len(pairs), last, said["deleted"])
	}
	for i, r := range pairs {
		if want := commit(first + i/2)[i%2]; r.ID != want.ID || string(r.Body) != string(want.Body) {
			return fmt.Errorf("in the place of %q is %q: %.30q", want.ID, r.ID, r.Body)
		}
	}
	guests, err := s.List(ctx, "guest")
	if err != nil {
		return err
	}
	readings, err := s.Query(ctx, records.Query{})
	for _, r := range append(guests, readings...) {
		var n int
		if k, _ := fmt.Sscanf(r.Subject, "guest %d", &n); k == 1 && n <= said["forgot"] {
			return fmt.Errorf("%s was forgotten and is there: %+v", r.Subject, r)
		}
		if string(r.Body) != marker {
			return fmt.Errorf("a body of %q", r.Body)
		}
	}
	return errors.Join(err, s.Check(ctx, nil))
}

// seesLoss is the control: one record less is seen, one too many, and a commit less.
func seesLoss(t *testing.T, dir string, said map[string]int) {
	t.Helper()
	s := open(t, dir)
	defer s.Close()
	ctx := within(t)
	must(t, survived(ctx, s, said))
	pairs, err := s.List(ctx, "pair")
	must(t, err)
	last, err := lastCommit(ctx, s)
	must(t, err)
	middle := pairs[len(pairs)/2]
	forgotten := records.Record{Kind: "guest", ID: "x", Subject: "guest 1", Body: []byte(marker)}
	for what, c := range map[string]struct{ do, undo func() error }{
		"a record less":     {func() error { return s.Delete(ctx, "pair", middle.ID) }, func() error { return s.Put(ctx, middle) }},
		"a commit less":     {func() error { return s.Put(ctx, commit(last - 1)[2]) }, func() error { return s.Put(ctx, commit(last)[2]) }},
		"one was forgotten": {func() error { said["forgot"] += 1; return s.Put(ctx, forgotten) }, func() error { return s.Delete(ctx, "guest", "x") }},
	} {
		must(t, c.do())
		if survived(ctx, s, said) == nil {
			t.Errorf("control: %s is not seen", what)
		}
		must(t, c.undo())
		if err := survived(ctx, s, said); err != nil {
			t.Errorf("control: %s, undone: %v", what, err)
		}
	}
}
