package vfs_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage/vfs"
)

const (
	envRole = "INGLE_TEST_ROLE" // what a re-executed test binary is to do
	envDir  = "INGLE_TEST_DIR"
)

func TestMain(m *testing.M) {
	switch role, dir := os.Getenv(envRole), os.Getenv(envDir); role {
	case "":
		os.Exit(m.Run())
	case "write":
		childWrites(dir, 0)
	case "spill":
		childWrites(dir, 10)
	case "log":
		childLeavesLog(dir)
	case "stress", "stress zero salts":
		childStress(dir, role != "stress")
	case "work", "work plain":
		childWorks(dir, role != "work")
	case "hold":
		childHolds(dir)
	default:
		panic("unknown role " + role)
	}
}

// child starts this test binary again in a role, with a deadline of its own.
func child(t testing.TB, role, dir string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), envRole+"="+role, envDir+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

// testKeys are the same in every process of a test.
func testKeys(role byte) vfs.Keys {
	return vfs.Keys{Page: bytes.Repeat([]byte{role, 1}, 16), WALHeader: bytes.Repeat([]byte{role, 2}, 16)}
}

func register(t testing.TB, k vfs.Keys) *vfs.VFS {
	t.Helper()
	v, err := vfs.Register(k)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// openDB opens path sealed, on one connection.
func openDB(t testing.TB, path string, pragmas ...string) *sql.DB {
	t.Helper()
	return openWith(t, testKeys('a'), path, pragmas...)
}

func openWith(t testing.TB, k vfs.Keys, path string, pragmas ...string) *sql.DB {
	t.Helper()
	db := sql.OpenDB(register(t, k).Connector(path, vfs.Writer, pragmas...))
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func exec1(t testing.TB, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// rowText is what row n holds in every test: wrong data cannot pass for right.
func rowText(n int) string {
	return fmt.Sprintf("row %d %x", n, bytes.Repeat([]byte{byte(n), byte(n >> 8)}, 100))
}

// sealed makes a closed database of n rows at a fresh path.
func sealed(t testing.TB, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	db := openDB(t, path)
	exec1(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
	exec1(t, db, "CREATE INDEX tv ON t (v)")
	fillRows(t, db, 0, n)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func fillRows(t testing.TB, db *sql.DB, from, to int) {
	t.Helper()
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for i := from; i < to; i++ {
		if _, err := tx.Exec("INSERT INTO t VALUES (?, ?)", i, rowText(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// readAll reads every row and every page; an error is damage that was seen.
// Wrong data is the test's failure, whatever the error.
func readAll(t testing.TB, db *sql.DB) (int, error) {
	t.Helper()
	rows, err := db.Query("SELECT id, v FROM t ORDER BY id")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var id int
		var v string
		if err := rows.Scan(&id, &v); err != nil {
			return n, err
		}
		if v != rowText(id) {
			t.Errorf("row %d holds wrong data", id)
		}
	}
	if err := rows.Err(); err != nil {
		return n, err
	}
	return n, integrity(db)
}

func integrity(db *sql.DB) error {
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("integrity_check: %s", verdict)
	}
	return nil
}

// copyFile writes the bytes of a closed database elsewhere.
func copyFile(t testing.TB, from, to string) {
	t.Helper()
	writeFile(t, to, readFile(t, from))
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func writeFile(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// times is n, or less where the tests are to be short, as under an emulator.
func times(n int) int {
	if testing.Short() {
		return (n + 9) / 10
	}
	return n
}

// dice is seeded from the clock; the seed is logged, so that a failure can be
// repeated.
func dice(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
