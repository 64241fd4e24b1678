package backup_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/backup"
	"github.com/ingle-home/ingle/storage/blobs"
	"github.com/ingle-home/ingle/storage/cuttest"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
	"github.com/ingle-home/ingle/storage/vaulttest"
)

const (
	envRole = "INGLE_TEST_ROLE" // what a child process is to do
	envDir  = "INGLE_TEST_DIR"  // with which folder
	envFile = "INGLE_TEST_FILE" // and which backup
	envOpen = "INGLE_TEST_OPEN" // with which recovery code
	envStep = "INGLE_TEST_STEP" // where it ends

	password = vaulttest.Password
	marker   = "Zwetschgenknoedel"
	rows     = 400
)

func TestMain(m *testing.M) {
	cuttest.Begin(restoreWhileCut, judgeRestored)
	if role := os.Getenv(envRole); role != "" {
		if err := child(role); err != nil {
			fmt.Fprintln(os.Stderr, role+":", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(vaulttest.Main(m.Run))
}

// hub is a store with something in it.
type hub struct {
	dir, code string
	vault     *vault.Vault
	store     *records.Store
}

// strange is a hub of another household.
const strange = "strange"

// newHub makes a store with its markers in every place, closed at the end of the test. All
// are of one vault, but a strange one.
func newHub(t testing.TB, which ...string) *hub {
	t.Helper()
	h := &hub{dir: t.TempDir(), code: vaulttest.Code()}
	var err error
	if len(which) > 0 {
		h.vault, h.code, err = vault.Create(h.dir, password)
	} else {
		must(t, vaulttest.Give(h.dir))
		h.vault, err = vaulttest.Open(h.dir)
	}
	must(t, err)
	h.store, err = records.Open(h.dir, h.vault, "person")
	must(t, err)
	t.Cleanup(func() { h.close() })
	ctx := within(t)
	var people []records.Record
	for n := range rows {
		at := time.Unix(int64(n), 0)
		id := fmt.Sprintf("%s-%04d", marker, n)
		people = append(people, records.Record{Kind: "person", ID: id, Subject: "person/" + id[:len(marker)+3], At: at, Body: []byte(marker)})
		must(t, h.store.Append(ctx, records.Record{Kind: "reading", ID: id, Subject: "person/" + id[:len(marker)+3], At: at, Body: []byte(marker)}))
	}
	must(t, errors.Join(h.store.Put(ctx, people...), h.store.Flush(ctx)))
	return h
}

func (h *hub) close() {
	h.store.Close()
	h.vault.Close()
}

func (h *hub) source() backup.Source {
	return backup.Source{Dir: h.dir, Vault: h.vault, Store: h.store, Hub: "0.1.0"}
}

// record keeps a recording of some chunks and gives its content.
func (h *hub) record(t testing.TB) []byte {
	t.Helper()
	ctx := within(t)
	s, err := blobs.Open(ctx, h.dir, h.store, blobs.Options{})
	must(t, err)
	defer s.Close()
	w, err := s.Create(ctx, "person/x", "clip", time.Now())
	must(t, err)
	content := make([]byte, 200_000)
	rand.Read(content)
	copy(content, strings.Repeat(marker, 100))
	_, err = w.Write(content)
	must(t, err)
	must(t, w.Close())
	return content
}

// made is a backup of h.
func (h *hub) made(t testing.TB, media bool) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "home.ingle-backup")
	_, err := backup.Make(within(t), h.source(), path, media, nil)
	must(t, err)
	return path
}

// restore puts the backup into dir with a secret, as the command does.
func restore(ctx context.Context, path, dir, secret string) error {
	lock, err := storage.Acquire(dir)
	if err != nil {
		return err
	}
	defer lock.Release()
	b, err := backup.Open(path, dir, secret)
	if err != nil {
		return err
	}
	defer b.Close()
	return b.Restore(ctx, nil)
}

// content is every row that a store gives, as text.
func content(t testing.TB, s *records.Store) []string {
	t.Helper()
	ctx := within(t)
	people, err := s.List(ctx, "person")
	must(t, err)
	readings, err := s.Query(ctx, records.Query{Kind: "reading"})
	must(t, err)
	var all []string
	for _, r := range slices.Concat(people, readings) {
		all = append(all, fmt.Sprintf("%s %s %s %d %x", r.Kind, r.ID, r.Subject, r.At.UnixNano(), r.Body))
	}
	slices.Sort(all)
	return all
}

// opened is the content of the store in dir.
func opened(t testing.TB, dir, secret string) []string {
	t.Helper()
	v, err := vault.OpenRecovery(dir, secret)
	must(t, err)
	defer v.Close()
	s, err := records.Open(dir, v, "person")
	must(t, err)
	defer s.Close()
	return content(t, s)
}

// names are the files and folders in dir.
func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// inClear gives the files below dir in which the marker stands.
func inClear(t testing.TB, dir string) (found []string, searched int) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		searched += len(raw)
		if bytes.Contains(raw, []byte(marker)) || bytes.Contains(raw, []byte("SQLite format 3")) {
			found = append(found, path)
		}
		return err
	}))
	return found, searched
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
