package vault_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/storage/ram"
	"github.com/ingle-home/ingle/storage/vault"
)

// The keys of an open vault lie on a page that is not swapped, until it is closed.
func TestHeld(t *testing.T) {
	if trial, kept := ram.New[byte](); !kept {
		ram.Free(trial)
		t.Skip("needs the right to lock a page: ulimit -l")
	} else {
		ram.Free(trial)
	}
	dir := t.TempDir()
	before := locked(t)
	v, code, err := vault.Create(dir, "quokka umbrella tarmac violin")
	if err != nil {
		t.Fatal(err)
	}
	again, err := vault.OpenRecovery(dir, code)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(v.Key("x"), again.Key("x")) || len(v.Key("x")) != 32 {
		t.Error("the keys are not the same")
	}
	if got, want := locked(t)-before, 2*os.Getpagesize()/1024; got != want {
		t.Errorf("%d kB are locked, want %d", got, want)
	}
	for _, v := range []*vault.Vault{v, again, v} { // closing twice does no harm
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := locked(t); got != before || v.Key("x") != nil {
		t.Errorf("closed, %d kB stay locked, and a key has %d bytes", got-before, len(v.Key("x")))
	}
}

// locked is how many kB of this process cannot be swapped.
func locked(t *testing.T) (kB int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmLck:")
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		t.Fatal(err)
	}
	return kB
}
