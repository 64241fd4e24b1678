package records_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage/records"
)

// A plain database is a file of SQLite's that the stock library opens.
func TestPlain(t *testing.T) {
	ctx := within(t)
	folder := filepath.Join(t.TempDir(), "a disk? #1 %41 & more")
	must(t, os.Mkdir(folder, 0o700))
	p, err := records.OpenPlain(ctx, filepath.Join(folder, "x"), "CREATE TABLE a (x, y); CREATE TABLE b (z)")
	must(t, err)
	defer p.Close()
	must(t, p.Fill(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO a VALUES (1, 'one'), (2, 'two')")
		return err
	}))
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("it has a name: %v, %v", left, err)
	}
	var file bytes.Buffer
	must(t, p.Write(ctx, &file))
	path := filepath.Join(t.TempDir(), "plain.sqlite")
	must(t, os.WriteFile(path, file.Bytes(), 0o600))

	db, err := sql.Open("sqlite3", path)
	must(t, err)
	defer db.Close()
	var sum int
	var whole string
	must(t, db.QueryRow("SELECT sum(x) FROM a").Scan(&sum))
	must(t, db.QueryRow("PRAGMA integrity_check").Scan(&whole))
	if sum != 3 || whole != "ok" {
		t.Errorf("the stock library finds %d, %s", sum, whole)
	}
	if _, err := records.OpenPlain(ctx, filepath.Join(folder, "x"), "no SQL"); err == nil {
		t.Error("nonsense was taken for a schema")
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("nonsense left %v, %v", left, err)
	}
	must(t, os.WriteFile(filepath.Join(folder, "x"), []byte("mine"), 0o600))
	if _, err := records.OpenPlain(ctx, filepath.Join(folder, "x"), "CREATE TABLE a (x)"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	if raw, err := os.ReadFile(filepath.Join(folder, "x")); err != nil || string(raw) != "mine" {
		t.Errorf("the file that was there: %q, %v", raw, err)
	}
	tool, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("the sqlite3 tool is not here")
	}
	out, err := exec.Command(tool, path, "SELECT y FROM a ORDER BY x").CombinedOutput()
	if err != nil || string(out) != "one\ntwo\n" {
		t.Errorf("the tool says %q, %v", out, err)
	}
}

// It is as large as its disk allows, and takes little memory: here 64 MB of it.
func TestPlainIsNotInMemory(t *testing.T) {
	ctx := within(t)
	p, err := records.OpenPlain(ctx, filepath.Join(t.TempDir(), "x"), "CREATE TABLE a (x)")
	must(t, err)
	defer p.Close()
	debug.FreeOSMemory()
	must(t, os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)) // the peak begins here
	before := residentAt(t, "VmRSS:")
	must(t, p.Fill(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO a WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 64000) SELECT randomblob(1000) FROM n")
		return err
	}))
	var size counter
	must(t, p.Write(ctx, &size))
	if more := residentAt(t, "VmHWM:") - before; size < 64_000_000 || more > 24_000 {
		t.Errorf("%d bytes took %d kB of memory", size, more)
	}
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// residentAt is a line of proc_pid_status(5), in kB.
func residentAt(t *testing.T, line string) (kB int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	must(t, err)
	_, rest, _ := strings.Cut(string(status), line)
	_, err = fmt.Sscan(rest, &kB)
	must(t, err)
	return kB
}

// Walk gives every row once, in order, those of one subject alone, and stops when told to.
func TestWalk(t *testing.T) {
	ctx := within(t)
	s := open(t, home(t))
	must(t, s.Walk(ctx, "", nil, func(records.Record) error { return errors.New("a row of nothing") }))
	const rows = 1203 // more than two steps
	for i := range rows {
		r := records.Record{Kind: "k", ID: fmt.Sprint(i), Subject: fmt.Sprint("s", i%3), At: time.Unix(int64(rows-i), 0)}
		must(t, s.Append(ctx, r))
	}
	var told, of int64
	next := 0
	must(t, s.Walk(ctx, "", func(d, o int64) { told, of = d, o }, func(r records.Record) error {
		if r.ID != fmt.Sprint(next) {
			t.Fatalf("row %d is %s", next, r.ID)
		}
		next++
		return nil
	}))
	if next != rows || told != of || of != rows {
		t.Errorf("%d rows, told %d of %d", next, told, of)
	}
	must(t, s.Forget(ctx, "s2"))
	var found []string
	must(t, s.Walk(ctx, "s1", nil, func(r records.Record) error {
		found = append(found, r.Subject)
		return nil
	}))
	if len(found) != rows/3 || strings.Trim(strings.Join(found, ""), "s1") != "" {
		t.Errorf("of one subject there are %d rows", len(found))
	}
	stop := errors.New("stop")
	if err := s.Walk(ctx, "", nil, func(records.Record) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("told to stop: %v", err)
	}
}
