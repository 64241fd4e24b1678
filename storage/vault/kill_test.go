package vault

import (
	"bufio"
	"bytes"
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage/cuttest"
)

const (
	envRole = "INGLE_TEST_VAULT_ROLE"
	envDir  = "INGLE_TEST_VAULT_DIR"
)

func TestMain(m *testing.M) {
	cuttest.Begin(changeWhileCut, judgeWays)
	if role := os.Getenv(envRole); role != "" {
		if err := changeForever(role, os.Getenv(envDir)); err != nil {
			fmt.Fprintln(os.Stderr, role+":", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// changeForever changes a vault and says each time what opens it now.
func changeForever(role, dir string) error {
	find, p := pockets(dir)
	v, err := cheapBoot(dir, find)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	for n := 0; ; n++ {
		switch role {
		case "password":
			next := fmt.Sprintf("%s %s", another, crand.Text()) // never one that was there before
			fmt.Println("begins", next)
			err = v.ChangePassword(next, nil, 0)
		case "code":
			var code string
			if code, err = v.NewRecoveryCode(); err == nil {
				fmt.Println("begins", code)
				err = v.ConfirmRecovery(code)
			}
		case "boot":
			p.name = fmt.Sprint(n)
			fmt.Println("begins", n)
			err = v.SetBoot(context.Background(), p, find)
		case "rotate":
			fmt.Println("begins", n)
			err = v.Rotate().Commit()
		}
		if err != nil {
			return err
		}
		fmt.Println("done")
	}
}

// Changes that are killed anywhere leave a way in: what was acknowledged last
// opens, or what was begun; the other secrets open as ever, and after one
// opening both copies are the same.
func TestKilledChanges(t *testing.T) {
	for _, role := range []string{"password", "code", "boot", "rotate"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			dir, code, v := cheapVault(t)
			find, p := pockets(dir)
			p.name = "first"
			must(t, v.SetBoot(t.Context(), p, find))
			password, first, kills, cut := secret, code, killsOfEach(), 0
			thief := thiefOf(t, role, dir, code, p)
			want := v.Key("x")
			for range kills {
				last, begun := killed(t, role, dir)
				cut += cutShort(t, dir)
				switch role {
				case "password":
					password = opener(t, openCheap, dir, password, last, begun)
				case "code":
					code = opener(t, cheapRecovery, dir, code, last, begun)
				}
				again, err := cheapBoot(dir, find)
				if err != nil || role != "rotate" && !bytes.Equal(again.Key("x"), want) {
					t.Fatalf("by the boot slot: %v", err)
				}
				want = again.Key("x")
				for name, open := range map[string]func() (*Vault, error){
					"password": func() (*Vault, error) { return openCheap(dir, password) },
					"code":     func() (*Vault, error) { return cheapRecovery(dir, code) },
				} {
					if again, err := open(); err != nil || !bytes.Equal(again.Key("x"), want) {
						t.Fatalf("by %s: %v", name, err)
					}
				}
				if cutShort(t, dir) != 0 {
					t.Fatal("the copies differ after an opening")
				}
			}
			now, err := cheapBoot(dir, find)
			must(t, err)
			must(t, now.Rotate().Commit())
			f := load(t, copies(dir)[0])
			kept := f.count(func(s *slot) bool { return wordOf(s.ID) == thief.pair.slot }) == 1
			if opens := thief.letters(f); opens != kept || kept && (password != secret || code != first) {
				t.Errorf("what opened it at first opens it: %v; its slot is there: %v", opens, kept)
			}
			t.Logf("%d kills, %d of them between the copies", kills, cut)
		})
	}
}

// killsOfEach is of each kind of change; INGLE_SOAK=1 makes them a thousand together.
func killsOfEach() int {
	if os.Getenv("INGLE_SOAK") != "" {
		return 250
	}
	return 25
}

// thiefOf keeps what the secret of a role gives now; that of a rotation is any, which
// it does not replace.
func thiefOf(t *testing.T, role, dir, code string, p pocket) loot {
	t.Helper()
	return looted(t, load(t, copies(dir)[0]), func(f *keyFile) (*pair, error) {
		switch role {
		case "code":
			typed, err := parseCode(code)
			must(t, err)
			return f.unlockRecovery(typed)
		case "boot":
			return f.unlockKey(t, p)
		}
		return f.unlockPassword(dir, secret)
	})
}

// unlockKey unlocks by the key in a pocket.
func (f *keyFile) unlockKey(t *testing.T, p pocket) (*pair, error) {
	key, err := os.ReadFile(p.path())
	must(t, err)
	return f.unlock((*slot).isBoot, func(s *slot) ([]byte, error) { return derive(key, s.Salt, "hub/slot/boot"), nil })
}

// killed runs a child for a moment and gives what it last said to be done, and
// what it had begun.
func killed(t *testing.T, role, dir string) (last, begun string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envRole+"="+role, envDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		t.Fatalf("the child does not open it: %v", cmd.Wait())
	}
	wait := time.NewTimer(time.Duration(rand.IntN(20_000)) * time.Microsecond)
	<-wait.C
	_ = cmd.Process.Kill()
	for lines.Scan() {
		if what, ok := strings.CutPrefix(lines.Text(), "begins "); ok {
			begun = what
		} else {
			last = begun
		}
	}
	_ = cmd.Wait()
	return last, begun
}

// opener gives the one of these secrets that the household goes by: the last that
// was done, or the one before the child, or, if neither opens it any more, the
// one that was begun. One that was done is the only one, unless another was begun.
func opener(t *testing.T, open func(dir, secret string) (*Vault, error), dir, before, last, begun string) string {
	t.Helper()
	var opens []string
	all := []string{last, before, begun}
	for i, s := range append(all, all...) {
		if i == len(all) {
			if len(opens) == 0 {
				break
			}
			opens = nil // the first opening settled which copy counts
		}
		if s == "" {
			continue
		}
		_, err := open(dir, s)
		if err == nil {
			opens = append(opens, s)
		} else if !errors.Is(err, ErrWrong) {
			t.Fatal(err)
		}
	}
	if len(opens) == 0 {
		t.Fatal("nothing opens it any more")
	}
	if last != "" && last != before && slices.Contains(opens, before) {
		t.Error("a secret opens that was replaced")
	}
	return opens[0]
}

func cutShort(t *testing.T, dir string) int {
	t.Helper()
	a, err := os.ReadFile(copies(dir)[0])
	must(t, err)
	b, err := os.ReadFile(copies(dir)[1])
	must(t, err)
	if bytes.Equal(a, b) {
		return 0
	}
	return 1
}
