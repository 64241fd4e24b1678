package formattest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ingle-home/ingle/storage/backup"
	"github.com/ingle-home/ingle/storage/formattest"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// A backup opens by the page alone, and one with a flipped bit does not.
func TestBackupByThePage(t *testing.T) {
	dir := t.TempDir()
	v, code, err := vault.Create(dir, password)
	must(t, err)
	defer v.Close()
	s, err := records.Open(dir, v)
	must(t, err)
	defer s.Close()
	must(t, fill(s, 0, stored))
	path := filepath.Join(t.TempDir(), "backup")
	_, err = backup.Make(t.Context(), backup.Source{Dir: dir, Vault: v, Store: s, Hub: "0"}, path, false, nil)
	must(t, err)

	out := filepath.Join(t.TempDir(), "out")
	k, err := formattest.Unpack(path, out, code)
	must(t, err)
	store, err := formattest.OpenStore(out, k)
	must(t, err)
	wantAll(t, store, stored)

	raw, err := os.ReadFile(path)
	must(t, err)
	raw[len(raw)/2] ^= 1
	must(t, os.WriteFile(path, raw, 0o600))
	if _, err := formattest.Unpack(path, out+"2", code); err == nil {
		t.Error("a flipped bit opens")
	}
}
