package vfs_test

import (
	"bytes"
	"database/sql"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/storage/vfs"
	_ "github.com/mattn/go-sqlite3"
)

func TestRoundTrip(t *testing.T) {
	path := sealed(t, 2000)
	db := openDB(t, path)
	n, err := readAll(t, db)
	if n != 2000 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	var mode int
	if err := db.QueryRow("PRAGMA auto_vacuum").Scan(&mode); err != nil || mode != 2 {
		t.Errorf("auto_vacuum %d, %v", mode, err)
	}
}

func TestDiskLooksRandom(t *testing.T) {
	raw := readFile(t, sealed(t, 2000))
	if bytes.Contains(raw, []byte("SQLite format")) {
		t.Error("the file shows what it is")
	}
	if x := chiSquare(raw); x > 400 { // 255 expected, deviation 22.6
		t.Errorf("chi-square %.0f: the bytes are not uniform", x)
	}
	plain := filepath.Join(t.TempDir(), "plain.db")
	db, err := sql.Open("sqlite3", plain)
	if err != nil {
		t.Fatal(err)
	}
	exec1(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
	fillRows(t, db, 0, 2000)
	db.Close()
	if raw := readFile(t, plain); !bytes.Contains(raw, []byte("SQLite format 3")) || chiSquare(raw) < 400 {
		t.Error("control: a plain database looks random too")
	}
}

func chiSquare(b []byte) (x float64) {
	var seen [256]float64
	for _, v := range b {
		seen[v]++
	}
	want := float64(len(b)) / 256
	for _, n := range seen {
		x += math.Pow(n-want, 2) / want
	}
	return x
}

func TestWrongKeys(t *testing.T) {
	path := sealed(t, 50)
	for name, k := range map[string]vfs.Keys{
		"other role":     testKeys('b'),
		"other page key": {Page: testKeys('b').Page, WALHeader: testKeys('a').WALHeader},
	} {
		db := openWith(t, k, path)
		if _, err := readAll(t, db); err == nil {
			t.Errorf("%s: the database opened", name)
		}
		db.Close()
	}
	if n, err := readAll(t, openDB(t, path)); n != 50 || err != nil {
		t.Errorf("control: the right keys: %d rows, %v", n, err)
	}
}

func TestForeignDriver(t *testing.T) {
	path := sealed(t, 50)
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := readAll(t, db); err == nil || !strings.Contains(err.Error(), "not a database") {
		t.Errorf("a stock driver: %v", err)
	}
}

// Without the reserved bytes a page has no room for its tag.
func TestConnectionWithoutSetup(t *testing.T) {
	dir := t.TempDir()
	v := register(t, testKeys('a'))
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "x.db")+"?_journal_mode=MEMORY&vfs="+v.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE TABLE t (a)"); err == nil {
		t.Error("a table was created without reserved bytes")
	}
	if raw := readFile(t, filepath.Join(dir, "x.db")); len(raw) != 0 {
		t.Errorf("%d bytes reached the disk", len(raw))
	}
}

func TestFailsClosed(t *testing.T) {
	t.Parallel()
	path := sealed(t, 20000)
	dir := filepath.Dir(path)
	db := openDB(t, path)
	before := list(t, dir)
	elsewhere := filepath.Join(t.TempDir(), "out.db")
	for _, statement := range []string{
		"ATTACH '" + elsewhere + "' AS x",
		"ATTACH 'file:" + elsewhere + "?vfs=unix' AS x",
		"ATTACH 'file:" + elsewhere + "?vfs=' || 'unix' AS x",
		"ATTACH ':memory:' AS x",
		"VACUUM INTO '" + elsewhere + "'",
		"VACUUM INTO 'file:" + elsewhere + "?vfs=unix'",
		"VACUUM INTO 'file:" + elsewhere + "?vfs=' || 'unix'",
		"VACUUM",
		"PRAGMA journal_mode=DELETE; UPDATE t SET v='x'",
		"PRAGMA temp_store=FILE; CREATE TEMP TABLE big AS SELECT a.v FROM t a, t b LIMIT 60000; " +
			"CREATE INDEX temp.bigv ON big (v)",
	} {
		if _, err := db.Exec(statement); err == nil {
			t.Errorf("%s: no error", statement)
		}
		if now := list(t, dir); !slices.Equal(now, before) {
			t.Errorf("%s: files now %q, before %q", statement, now, before)
		}
		if _, err := os.Stat(elsewhere); err == nil {
			t.Errorf("%s: wrote a file", statement)
		}
	}
	db.Close()
	// Control: a stock connection does all that.
	plain, err := sql.Open("sqlite3", filepath.Join(t.TempDir(), "plain.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	exec1(t, plain, "VACUUM INTO 'file:"+elsewhere+"?vfs=unix'")
	if _, err := os.Stat(elsewhere); err != nil {
		t.Errorf("control: %v", err)
	}
}

// list gives the files of dir but the WAL, which may come and go, and asserts
// that the wal-index is never one of them.
func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "-shm") {
			t.Errorf("%s is on disk", e.Name())
		}
		if !strings.HasSuffix(e.Name(), "-wal") {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestReaderIsRefusedAWrite(t *testing.T) {
	path := sealed(t, 10)
	v := register(t, testKeys('a'))
	writer := sql.OpenDB(v.Connector(path, vfs.Writer))
	defer writer.Close()
	exec1(t, writer, "DELETE FROM t WHERE id=1")
	reader := sql.OpenDB(v.Connector(path, vfs.Reader))
	defer reader.Close()
	if n, err := readAll(t, reader); n != 9 || err != nil {
		t.Errorf("a reader sees %d rows, %v", n, err)
	}
	if _, err := reader.Exec("DELETE FROM t"); err == nil {
		t.Error("a reader deleted rows")
	}
}

func TestRevoke(t *testing.T) {
	path := sealed(t, 5000)
	v := register(t, testKeys('a'))
	db := sql.OpenDB(v.Connector(path, vfs.Writer, "PRAGMA cache_size=10"))
	db.SetMaxOpenConns(1)
	defer db.Close()
	if n, err := readAll(t, db); n != 5000 || err != nil {
		t.Fatalf("before: %d rows, %v", n, err)
	}
	v.Revoke()
	if _, err := readAll(t, db); err == nil {
		t.Error("rows are readable without keys")
	}
	if _, err := db.Exec("DELETE FROM t"); err == nil {
		t.Error("a write succeeded without keys")
	}
	db.Close()
	if n, err := readAll(t, openDB(t, path)); n != 5000 || err != nil {
		t.Errorf("after: %d rows, %v", n, err)
	}
}

func TestKeysOfWrongLength(t *testing.T) {
	for _, k := range []vfs.Keys{{}, {Page: make([]byte, 32), WALHeader: make([]byte, 16)}, {Page: make([]byte, 16), WALHeader: make([]byte, 32)}} {
		if _, err := vfs.Register(k); err == nil {
			t.Errorf("keys of %d and %d bytes were taken", len(k.Page), len(k.WALHeader))
		}
	}
}

func TestSecondProcess(t *testing.T) {
	t.Parallel()
	path := sealed(t, 10)
	cmd := child(t, "hold", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
		t.Fatalf("the first process: %v", err)
	}
	db := openDB(t, path)
	if _, err := readAll(t, db); err == nil || !strings.Contains(err.Error(), "locked") {
		t.Errorf("a second process: %v", err)
	}
	db.Close()
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the first process: %v", err)
	}
	if n, err := readAll(t, openDB(t, path)); n != 10 || err != nil {
		t.Errorf("after the first is gone: %d rows, %v", n, err)
	}
}

// childHolds keeps the database open until its stdin ends.
func childHolds(path string) {
	v, err := vfs.Register(testKeys('a'))
	if err != nil {
		panic(err)
	}
	db := sql.OpenDB(v.Connector(path, vfs.Writer))
	if err := db.Ping(); err != nil {
		panic(err)
	}
	os.Stdout.Write([]byte{'.'})
	io.Copy(io.Discard, os.Stdin)
	db.Close()
}
