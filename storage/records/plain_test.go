package records_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage/records"
)

// A plain database is a file of SQLite's that the stock library opens.
func TestPlain(t *testing.T) {
	ctx := within(t)
	p, err := records.OpenPlain(ctx, "CREATE TABLE a (x, y); CREATE TABLE b (z)")
	must(t, err)
	defer p.Close()
	_, err = p.ExecContext(ctx, "INSERT INTO a VALUES (1, 'one'), (2, 'two')")
	must(t, err)
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
	tool, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("the sqlite3 tool is not here")
	}
	out, err := exec.Command(tool, path, "SELECT y FROM a ORDER BY x").CombinedOutput()
	if err != nil || string(out) != "one\ntwo\n" {
		t.Errorf("the tool says %q, %v", out, err)
	}
	if _, err := records.OpenPlain(ctx, "no SQL"); err == nil {
		t.Error("nonsense was taken for a schema")
	}
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
