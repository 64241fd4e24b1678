package vfs_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage/vfs"
	"github.com/mattn/go-sqlite3"
)

func soak() bool { return os.Getenv("INGLE_SOAK") != "" }

// errTorn says that a reader saw half of a transaction.
var errTorn = errors.New("a snapshot is torn")

// accounts is a table whose sum every transaction keeps.
const accounts = 500

// TestReadersAndWriters runs four writers on one connection and four readers, and
// in the end takes the keys away under load: errors then, and no crash.
func TestReadersAndWriters(t *testing.T) {
	t.Parallel()
	d := 2 * time.Second
	if os.Getenv("INGLE_STRESS") != "" {
		d = 30 * time.Second
	}
	path := filepath.Join(t.TempDir(), "a.db")
	commits, reads, err := load(t, path, d, true)
	if err != nil {
		t.Errorf("under load: %v", err)
	}
	t.Logf("%d commits, %d snapshots in %v", commits, reads, d)
	if commits == 0 || reads == 0 {
		t.Error("nothing was written, or nothing read")
	}
	db := openDB(t, path)
	if err := whole(context.Background(), db); err != nil {
		t.Errorf("after the keys were taken under load: %v", err)
	}
	if err := integrity(db); err != nil {
		t.Error(err)
	}
	// Control: without transactions the readers see the halves.
	if _, _, err := load(t, filepath.Join(t.TempDir(), "b.db"), 10*time.Second, false); !errors.Is(err, errTorn) {
		t.Errorf("control: updates without a transaction: %v", err)
	}
}

// load gives how much was done in d, and the first error before the keys went.
func load(t *testing.T, path string, d time.Duration, whole bool) (commits, reads int64, first error) {
	t.Helper()
	v := register(t, testKeys('a'))
	write := sql.OpenDB(v.Connector(path, vfs.Writer, "PRAGMA synchronous=NORMAL", "PRAGMA wal_autocheckpoint=50", smallCache))
	write.SetMaxOpenConns(1)
	defer write.Close()
	exec1(t, write, "CREATE TABLE account (id INTEGER PRIMARY KEY, n INT, pad BLOB)")
	exec1(t, write, "INSERT INTO account WITH RECURSIVE i(x) AS (SELECT 0 UNION ALL SELECT x+1 FROM i WHERE x<?) SELECT x, 100, zeroblob(300) FROM i", accounts-1)
	read := sql.OpenDB(v.Connector(path, vfs.Reader, smallCache))
	defer read.Close()

	l := &loaded{write: write, read: read, whole: whole}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	l.fail = func(err error) { l.once.Do(func() { l.err = err; stop() }) }
	for n := range 4 {
		l.group.Go(func() { l.writes(n) })
		l.group.Go(func() { l.reads() })
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
	l.once.Do(func() {}) // what fails from here on fails for want of keys
	v.Revoke()
	l.group.Wait()
	return l.committed.Load(), l.seen.Load(), l.err
}

type loaded struct {
	write, read     *sql.DB
	whole           bool
	group           sync.WaitGroup
	once            sync.Once
	err             error
	fail            func(error)
	committed, seen atomic.Int64
}

func (l *loaded) writes(n int) {
	for i := n; ; i += 7 {
		from, to := i%accounts, (i*31+11)%accounts
		if err := l.move(from, to); err != nil {
			l.fail(err)
			return
		}
		l.committed.Add(1)
	}
}

func (l *loaded) move(from, to int) error {
	take, give := "UPDATE account SET n=n-1 WHERE id=?", "UPDATE account SET n=n+1 WHERE id=?"
	if !l.whole {
		_, err := l.write.Exec(take, from)
		if err == nil {
			_, err = l.write.Exec(give, to)
		}
		return err
	}
	tx, err := l.write.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.Exec(take, from); err != nil {
		return err
	}
	if _, err := tx.Exec(give, to); err != nil {
		return err
	}
	return tx.Commit()
}

func (l *loaded) reads() {
	for {
		if err := whole(context.Background(), l.read); err != nil {
			l.fail(err)
			return
		}
		l.seen.Add(1)
	}
}

func whole(ctx context.Context, db *sql.DB) error {
	var sum, rows int
	if err := db.QueryRowContext(ctx, "SELECT sum(n), count(*) FROM account").Scan(&sum, &rows); err != nil {
		return err
	}
	if sum != 100*accounts || rows != accounts {
		return fmt.Errorf("%w: %d rows, sum %d", errTorn, rows, sum)
	}
	return nil
}

// TestBeyondLockPage grows a database past 1 GiB, where SQLite leaves out a page:
// write, checkpoint, reopen, shrink, regrow, copy under other keys. The same is
// done to a stock database, as the control. INGLE_SOAK=1 runs it; it needs 3 GB.
func TestBeyondLockPage(t *testing.T) {
	if !soak() {
		t.Skip("it writes 3 GB: set INGLE_SOAK=1")
	}
	dir := t.TempDir()
	for _, side := range []string{"stock", "sealed"} {
		path := filepath.Join(dir, side+".db")
		open := func() *sql.DB {
			if side == "sealed" {
				return openDB(t, path, "PRAGMA synchronous=NORMAL")
			}
			db := sql.OpenDB(plainConnector{stockDriver([]string{"PRAGMA auto_vacuum=INCREMENTAL", "PRAGMA journal_mode=WAL"}), path})
			db.SetMaxOpenConns(1)
			t.Cleanup(func() { db.Close() })
			return db
		}
		pages := beyond(t, open, path)
		if side == "sealed" {
			wantHole(t, path)
			copied := filepath.Join(dir, "copy.db")
			rekey(t, path, copied)
			wantHole(t, copied)
			db := openWith(t, testKeys('b'), copied)
			wantBlobs(t, db, 290)
			db.Close()
			os.Remove(copied)
		}
		t.Logf("%s: %d pages at the most", side, pages)
		os.Remove(path)
	}
}

const lockPageAt = (lockPage - 1) * vfs.PageSize

// beyond gives the most pages that the database had.
func beyond(t *testing.T, open func() *sql.DB, path string) (most int64) {
	t.Helper()
	db := open()
	exec1(t, db, "CREATE TABLE big (id INTEGER PRIMARY KEY, v BLOB)")
	grow(t, db, 0, 290)
	exec1(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
	info, err := os.Stat(path)
	if err != nil || info.Size() < lockPageAt+100*vfs.PageSize {
		t.Fatalf("the file is too small to show anything: %v, %v", info.Size(), err)
	}
	most = info.Size() / vfs.PageSize
	db.Close()
	db = open()
	wantBlobs(t, db, 290)
	exec1(t, db, "DELETE FROM big WHERE id>=100")
	rows, err := db.Query("PRAGMA incremental_vacuum")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
	}
	rows.Close()
	exec1(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
	if info, err := os.Stat(path); err != nil || info.Size() > lockPageAt {
		t.Errorf("the file did not shrink: %d, %v", info.Size(), err)
	}
	wantBlobs(t, db, 100)
	grow(t, db, 100, 290)
	db.Close()
	db = open()
	defer db.Close()
	wantBlobs(t, db, 290)
	return most
}

// grow adds rows of 4 MB, each made of its own number.
func grow(t *testing.T, db *sql.DB, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		exec1(t, db, "INSERT INTO big VALUES (?, CAST(printf('%.*c', 4000000, char(32+?%90)) AS BLOB))", i, i)
	}
}

func wantBlobs(t *testing.T, db *sql.DB, n int) {
	t.Helper()
	var rows, wrong int
	err := db.QueryRow("SELECT count(*), sum(length(v)<>4000000 OR v<>CAST(printf('%.*c', 4000000, char(32+id%90)) AS BLOB)) FROM big").Scan(&rows, &wrong)
	if rows != n || wrong != 0 || err != nil {
		t.Errorf("%d rows, %d of them wrong, %v", rows, wrong, err)
	}
	if err := integrity(db); err != nil {
		t.Error(err)
	}
}

// wantHole looks at a closed file.
func wantHole(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, vfs.PageSize)
	if _, err := f.ReadAt(page, lockPageAt); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	for _, b := range page {
		if b != 0 {
			t.Error("the lock-byte page was written")
			break
		}
	}
}

// rekey copies a database under other keys, as a rotation does.
func rekey(t *testing.T, from, to string) {
	t.Helper()
	ctx := context.Background()
	source, err := openDB(t, from).Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	target, err := openWith(t, testKeys('b'), to).Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	err = target.Raw(func(d any) error {
		return source.Raw(func(s any) error {
			b, err := d.(*sqlite3.SQLiteConn).Backup("main", s.(*sqlite3.SQLiteConn), "main")
			if err != nil {
				return err
			}
			_, err = b.Step(-1)
			return errors.Join(err, b.Finish())
		})
	})
	if err != nil {
		t.Fatalf("rekey: %v", err)
	}
}
