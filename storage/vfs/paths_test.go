package vfs_test

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage/vfs"
)

// A log of many frames is as uniform as the database: everything but its file
// header, and the page numbers and commit sizes of the frames.
func TestLogLooksRandom(t *testing.T) {
	t.Parallel()
	_, wal := logged(t)
	var hidden []byte
	for at := walHeader; at+frameSize <= len(wal); at += frameSize {
		hidden = append(hidden, wal[at+8:at+frameSize]...)
	}
	if x := chiSquare(hidden); x > 400 {
		t.Errorf("chi-square %.0f over %d bytes", x, len(hidden))
	}
}

// SQLite opens the database, its log and the folder, and no other file below it:
// no wal-index, no journal, no temp file.
func TestOpenedPaths(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace to see which files are opened")
	}
	for role, want := range map[string]*regexp.Regexp{
		"work":       regexp.MustCompile(`^(/w\.db(-wal)?)?$`),
		"work plain": regexp.MustCompile(`^/w\.db-(shm|journal)$`),
	} {
		dir := t.TempDir()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		log := filepath.Join(t.TempDir(), "trace")
		cmd := exec.CommandContext(ctx, strace, "-f", "-qq", "-o", log, "-e", "trace=open,openat,creat", os.Args[0])
		cmd.Env = append(os.Environ(), envRole+"="+role, envDir+"="+filepath.Join(dir, "w.db"))
		if out, err := cmd.CombinedOutput(); bytes.Contains(out, []byte("ptrace")) {
			t.Skipf("strace may not look here: %s", out)
		} else if err != nil {
			t.Fatalf("%s: %v: %s", role, err, out)
		}
		seen, matched := 0, 0
		for _, path := range regexp.MustCompile(regexp.QuoteMeta(dir)+`([^"]*)"`).FindAllSubmatch(readFile(t, log), -1) {
			seen++
			if want.Match(path[1]) {
				matched++
			} else if role == "work" {
				t.Errorf("%q was opened", path[1])
			}
		}
		if seen == 0 || matched == 0 {
			t.Errorf("%s: %d files were seen, %d of those expected: the trace shows nothing", role, seen, matched)
		}
	}
}

// childWorks does what may want a second file: sorts, temp tables, savepoints, a
// vacuum, large transactions, refused statements.
func childWorks(path string, plain bool) {
	var db *sql.DB
	if v, err := vfs.Register(testKeys('a')); err != nil {
		panic(err)
	} else if db = sql.OpenDB(v.Connector(path, vfs.Writer, smallCache)); plain {
		db = sql.OpenDB(plainConnector{stockDriver([]string{"PRAGMA journal_mode=WAL", smallCache}), path})
	}
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		panic(err)
	}
	for _, statement := range []string{
		"CREATE TABLE t (a INT, b TEXT)",
		"INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<4000) SELECT i, printf('%0200d', i*7919%4001) FROM n",
		"CREATE INDEX tb ON t (b)", "CREATE TEMP TABLE s AS SELECT * FROM t ORDER BY b DESC",
		"BEGIN", "SAVEPOINT x", "UPDATE t SET b=b||'x'", "ROLLBACK TO x", "DELETE FROM t WHERE a%2=0", "COMMIT",
	} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			panic(statement + ": " + err.Error())
		}
	}
	if err := vfs.Vacuum(ctx, conn); err != nil {
		panic(err)
	}
	conn.ExecContext(ctx, "PRAGMA temp_store=FILE; CREATE TEMP TABLE u AS SELECT * FROM t ORDER BY b")
	conn.ExecContext(ctx, "PRAGMA journal_mode=DELETE; UPDATE t SET b='x'")
	conn.Close()
	db.Close()
}

func TestVacuum(t *testing.T) {
	t.Parallel()
	path := sealed(t, 3000)
	elsewhere := filepath.Join(t.TempDir(), "out.db")
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	db := openDB(t, path)
	exec1(t, db, "DELETE FROM t WHERE id>=100")
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := vfs.Vacuum(ctx, conn); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"VACUUM INTO '" + elsewhere + "'", "ATTACH 'file:" + elsewhere + "?vfs=unix' AS x", "VACUUM"} {
		if _, err := conn.ExecContext(ctx, statement); err == nil {
			t.Errorf("%s: allowed after a vacuum", statement)
		}
	}
	conn.Close()
	db.Close()
	if after, err := os.Stat(path); err != nil || after.Size() > before.Size()/10 {
		t.Errorf("the file has %d bytes, before %d, %v", after.Size(), before.Size(), err)
	}
	if n, err := readAll(t, openDB(t, path)); n != 100 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
}

// A frozen VFS reads what a log still holds, and leaves both files as they are.
func TestFrozen(t *testing.T) {
	t.Parallel()
	raw, wal := logged(t)
	path := filepath.Join(t.TempDir(), "f.db")
	writeFile(t, path, raw)
	writeFile(t, path+"-wal", wal)
	for _, mode := range []vfs.Mode{vfs.Reader, vfs.Writer} {
		v, err := vfs.RegisterFrozen(testKeys('a'))
		if err != nil {
			t.Fatal(err)
		}
		db := sql.OpenDB(v.Connector(path, mode))
		if n, err := readAll(t, db); n != firstRows+loggedTx*rowsPerTx || err != nil {
			t.Errorf("%d rows, %v", n, err)
		}
		if _, err := db.Exec("DELETE FROM t"); err == nil {
			t.Error("rows were deleted")
		}
		db.Close()
		if !bytes.Equal(readFile(t, path), raw) || !bytes.Equal(readFile(t, path+"-wal"), wal) {
			t.Errorf("mode %d: a frozen VFS changed a file", mode)
		}
	}
	frozenWithoutLog(t)
	// Control: an ordinary opening moves the log into the database.
	db := openDB(t, path)
	readAll(t, db)
	db.Close()
	if bytes.Equal(readFile(t, path), raw) {
		t.Error("control: an ordinary VFS changed nothing either")
	}
}

// A closed database has no log, and a frozen VFS makes none: it needs no right to
// write at all.
func frozenWithoutLog(t *testing.T) {
	t.Helper()
	path := sealed(t, 700)
	v, err := vfs.RegisterFrozen(testKeys('a'))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(v.Connector(path, vfs.Reader))
	defer db.Close()
	if n, err := readAll(t, db); n != 700 || err != nil {
		t.Errorf("%d rows, %v", n, err)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("the files are now %v, %v", files, err)
	}
}
