package records_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage/cuttest"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// One Argon2id computation makes the keys of the whole package; each test works
// on a copy of them and opens it by the recovery code, which costs nothing.
const (
	envKeys = "INGLE_TEST_KEYS" // a folder with keys.json, for child processes
	envCode = "INGLE_TEST_CODE" // its recovery code
	envRole = "INGLE_TEST_ROLE" // what a child process is to do
	envDir  = "INGLE_TEST_DIR"  // where
)

func TestMain(m *testing.M) {
	cuttest.Begin(rotateWhileCut, judgeRows)
	if role := os.Getenv(envRole); role != "" {
		child(role, os.Getenv(envDir))
		return
	}
	os.Exit(withKeys(m.Run))
}

func withKeys(run func() int) int {
	dir, err := os.MkdirTemp("", "ingle-keys-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	v, code, err := vault.Create(dir, "quokka umbrella tarmac violin")
	if err != nil {
		panic(err)
	}
	v.Close()
	os.Setenv(envKeys, dir)
	os.Setenv(envCode, code)
	return run()
}

// home is a fresh folder with the package's keys.
func home(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := giveKeys(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func giveKeys(dir string) error {
	for _, name := range []string{"keys.json", "keys.twin.json"} {
		raw, err := os.ReadFile(filepath.Join(os.Getenv(envKeys), name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// openStore opens the store in dir; the caller closes it.
func openStore(dir string, personal ...string) (*records.Store, error) {
	return openStoreWith(dir, records.Open, personal...)
}

type opening func(dir string, v *vault.Vault, personal ...string) (*records.Store, error)

func openStoreWith(dir string, how opening, personal ...string) (*records.Store, error) {
	v, err := vault.OpenRecovery(dir, os.Getenv(envCode))
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	defer v.Close()
	return how(dir, v, personal...)
}

func open(t testing.TB, dir string, personal ...string) *records.Store {
	t.Helper()
	s, err := openStore(dir, personal...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}
