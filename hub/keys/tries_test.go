package keys

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// Ten thousand guesses a day, from one source or from many, with restarts in
// between: fewer than a hundred are looked at, and the console is never kept out.
func TestTriesInADay(t *testing.T) {
	for name, sources := range map[string]int{"one source": 1, "many sources": 500} {
		for restart, every := range map[string]int{"running": 1 << 30, "restarted": 50} {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				tr, taken := newTries(dir), 0
				const guesses = 10_000
				for i := range guesses {
					if i%every == every-1 {
						tr = newTries(dir)
					}
					err := tr.take(string(rune('a' + i%sources)))
					if err == nil {
						taken++
					} else if wire.Code(err) != wire.CodeTooMany {
						t.Fatal(err)
					}
					if err := tr.take(Console); err != nil {
						t.Fatalf("the console: %v", err)
					}
					<-time.After(24 * time.Hour / guesses)
				}
				if taken > 100 || taken < 10 {
					t.Errorf("%s, %s: %d guesses in a day", name, restart, taken)
				}
				t.Logf("%s, %s: %d guesses in a day", name, restart, taken)
				if raw, err := os.ReadFile(filepath.Join(dir, triesFile)); err != nil || len(raw) > maxTries {
					t.Errorf("%d bytes on disk, %v", len(raw), err)
				}
			})
		}
	}
}

func TestTriesOfThoseWhoKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTries(t.TempDir())
		for range 30 { // three slips, then the right one
			for range 3 {
				if err := tr.take("app"); err != nil {
					t.Fatal(err)
				}
				<-time.After(4 * time.Second)
			}
			if err := tr.take("app"); err != nil {
				t.Fatal(err)
			}
			tr.forgive("app")
		}
	})
}

// One who guesses does not slow down another's first tries.
func TestTriesApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		tr := newTries(dir)
		for tr.take("stranger") == nil {
		}
		if err := tr.take("app"); err != nil {
			t.Errorf("another source: %v", err)
		}
		if err := tr.take("stranger"); wire.Code(err) != wire.CodeTooMany {
			t.Errorf("the stranger: %v", err)
		}
		<-time.After(time.Second)
		if err := tr.take("stranger"); err != nil {
			t.Errorf("after its wait: %v", err)
		}
		if err := newTries(dir).take("stranger"); wire.Code(err) != wire.CodeTooMany {
			t.Errorf("after a restart: %v", err)
		}
	})
}

// A damaged file counts from nothing.
func TestTriesInADamagedFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, triesFile), []byte("{\"all\": \"x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := newTries(dir).take("app"); err != nil {
		t.Error(err)
	}
	pipe := t.TempDir() // nobody writes into it, so whoever waits for that waits for ever
	if err := syscall.Mkfifo(filepath.Join(pipe, triesFile), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := newTries(pipe).take("app"); err != nil {
		t.Error(err)
	}
}

// On a disk that takes no count one who guesses is slowed down all the same, as long as the process
// lives, and one who knows is not kept out. When the disk is well again, it has the count.
func TestTriesOnABadDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "gone")
		tr, taken := newTries(dir), 0
		const guesses = 10_000
		for range guesses {
			switch err := tr.take("stranger"); {
			case err == nil:
				taken++
			case wire.Code(err) != wire.CodeTooMany:
				t.Fatal(err)
			}
			<-time.After(24 * time.Hour / guesses)
		}
		if taken > 100 || taken < 10 {
			t.Errorf("%d guesses in a day", taken)
		}
		if tr.trouble() == nil {
			t.Error("nobody is told that they are not counted on disk")
		}
		if err := tr.take(Console); err != nil {
			t.Errorf("the console: %v", err)
		}
		<-time.After(longest)
		if err := tr.take("app"); err != nil {
			t.Errorf("the household: %v", err)
		}
		tr.forgive("app")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := tr.trouble(); err != nil {
			t.Errorf("on a disk that is well again: %v", err)
		}
		if err := tr.take("app"); err != nil {
			t.Errorf("the household, again: %v", err)
		}
		if all := newTries(dir).file.All; all != 1 {
			t.Errorf("%d tries are on disk, want 1", all)
		}
	})
}

func TestSourceOf(t *testing.T) {
	if got := SourceOf(t.Context()); got == Console {
		t.Error("who says nothing is taken for the console")
	}
	if got := SourceOf(From(t.Context(), Console)); got != Console {
		t.Errorf("the console is %q", got)
	}
}

// What somebody wrote into the file neither makes every try wait nor makes them free.
func TestCountsOutOfBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, all := range []string{"-9223372036854775808", "-5", "9223372036854775807"} {
			dir := t.TempDir()
			tr := newTries(dir)
			raw := `{"salt":"s","all":` + all + `,"sources":{"` + (&tries{file: triesState{Salt: "s"}}).name("app") + `":` + all + `}}`
			if err := os.WriteFile(filepath.Join(dir, triesFile), []byte(raw), 0o600); err != nil {
				t.Fatal(err)
			}
			tr = newTries(dir)
			if err := tr.take("app"); (err != nil) != (all[0] != '-') {
				t.Errorf("after %s: %v", all, err)
			}
			<-time.After(longest)
			if err := tr.take("app"); err != nil {
				t.Errorf("after %s and the longest wait: %v", all, err)
			}
			if err := tr.take("app"); err == nil {
				t.Errorf("after %s a second try is free", all)
			}
		}
	})
}

// A paired app waits for its own wrong tries, not for those of others; and one that there is no room to count
// waits with all.
func TestAPairedAppIsNotHeldUpByOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTries(t.TempDir())
		for i := range 40 {
			_ = tr.take(string(rune('a' + i)))
		}
		if err := tr.take("a stranger"); wire.Code(err) != wire.CodeTooMany {
			t.Fatalf("a stranger: %v", err)
		}
		if err := tr.take(App + "1"); err != nil {
			t.Errorf("an app: %v", err)
		}
		if err := tr.take(App + "1"); wire.Code(err) != wire.CodeTooMany {
			t.Errorf("an app that guesses: %v", err)
		}
		taken := 0
		for i := range 200 {
			if tr.take(App+string(rune('A'+i))) == nil {
				taken++
			}
		}
		if taken > maxSources {
			t.Errorf("%d apps guess at once", taken)
		}
	})
}
