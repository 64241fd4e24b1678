package blobs_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage/blobs"
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
	must(t, giveKeys(dir))
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

func openRows(dir string) (*records.Store, error) {
	v, err := vault.OpenRecovery(dir, os.Getenv(envCode))
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	defer v.Close()
	return records.Open(dir, v, blobs.Personal()...)
}

// rows opens the database in dir until the test ends.
func rows(t testing.TB, dir string) *records.Store {
	t.Helper()
	r, err := openRows(dir)
	must(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

// open opens the store in dir until the test ends.
func open(t testing.TB, dir string, r blobs.Rows, o blobs.Options) *blobs.Store {
	t.Helper()
	s, err := blobs.Open(within(t), dir, r, o)
	must(t, err)
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

// noon is when the tests' recordings begin.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// content is n bytes of which any stretch tells where it belongs.
func content(seed uint64, n int) []byte {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	b := make([]byte, n)
	rand.NewChaCha8(key).Read(b)
	return b
}

// record writes a whole segment and gives its id.
func record(t testing.TB, s *blobs.Store, subject, kind string, at time.Time, b []byte) string {
	t.Helper()
	w, err := s.Create(within(t), subject, kind, at)
	must(t, err)
	_, err = w.Write(b)
	must(t, err)
	must(t, w.Close())
	return w.ID()
}

// find gives a segment of the list.
func find(t testing.TB, s *blobs.Store, id string) blobs.Segment {
	t.Helper()
	for _, g := range s.List("") {
		if g.ID == id {
			return g
		}
	}
	t.Fatalf("%s is not in the list", id)
	return blobs.Segment{}
}

func has(s *blobs.Store, id string) bool {
	for _, g := range s.List("") {
		if g.ID == id {
			return true
		}
	}
	return false
}

// readAll reads a segment from start to end.
func readAll(s *blobs.Store, id string) ([]byte, error) {
	r, err := s.Open(context.Background(), id)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func wantContent(t testing.TB, s *blobs.Store, id string, want []byte) {
	t.Helper()
	got, err := readAll(s, id)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes, want %d, equal %v, %v", id, len(got), len(want), bytes.Equal(got, want), err)
	}
}

func media(dir string) string { return filepath.Join(dir, "media") }

// files lists the folder of segments, without the mark that tells the database's age.
func files(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(media(dir))
	must(t, err)
	var names []string
	for _, e := range entries {
		if e.Name() != "mark" {
			names = append(names, e.Name())
		}
	}
	return names
}

// mediaKey reads the key of a subject as a holder of the database would.
func mediaKey(t testing.TB, r *records.Store, subject string) []byte {
	t.Helper()
	row, err := r.Get(within(t), "media-key", subject)
	must(t, err)
	return row.Body
}

func bytesAt(b []byte) io.ReaderAt { return bytes.NewReader(b) }
