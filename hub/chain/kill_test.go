package chain_test

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"github.com/ingle-home/ingle/storage/vaulttest"
)

const envKill = "INGLE_TEST_CHAIN" // the folder in which a child writes until it is killed

// TestChild writes without end, and says the number of each entry once it is durable.
func TestChild(t *testing.T) {
	dir := os.Getenv(envKill)
	if dir == "" {
		t.Skip("it is another test's child")
	}
	w := &world{t: t, dir: dir, clock: &clock{}, store: openStore(t, dir)}
	w.reopen(0)
	for {
		seqs, err := w.chain.Append(t.Context(), w.look("p-sam", "p-mia"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stdout.WriteString("entry " + strconv.FormatUint(seqs[0], 10) + "\n"); err != nil {
			return
		}
	}
}

// Whenever a hub is killed, also between an entry and its head, the chain is whole and has all that
// was durable.
func TestAKilledHubHasAWholeChain(t *testing.T) {
	w := open(t)
	dir := t.TempDir()
	if err := vaulttest.Give(dir); err != nil {
		t.Fatal(err)
	}
	for round := range 6 {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
		child.Env = append(os.Environ(), envKill+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		said := bufio.NewScanner(out)
		var last uint64
		for n := 0; n < 3+round && said.Scan(); n++ {
			if last, err = strconv.ParseUint(said.Text()[len("entry "):], 10, 64); err != nil {
				t.Fatal(said.Text())
			}
		}
		_ = child.Process.Signal(syscall.SIGKILL)
		for said.Scan() { // what it said before it died
		}
		_ = child.Wait()
		if last == 0 {
			t.Fatal("the child wrote nothing")
		}
		w.after(dir, last)
	}
}

func (w *world) after(dir string, last uint64) {
	w.t.Helper()
	other := &world{t: w.t, dir: dir, clock: w.clock, store: openStore(w.t, dir)}
	defer other.store.Close()
	other.reopen(0)
	if r := other.verify(); !r.Whole() || r.Last < last {
		w.t.Errorf("%d entries were durable, %d are there, flaws %v", last, r.Last, r.Flaws)
	}
}
