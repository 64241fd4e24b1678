package vfs_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage/vfs"
)

const killRows = 30 // rows of one transaction

// TestKill ends a writing process at random moments: no commit that it
// acknowledged may be lost. INGLE_STRESS asks for 200 kills, INGLE_SOAK for 1,000.
func TestKill(t *testing.T) {
	t.Parallel()
	kills := times(26)
	if os.Getenv("INGLE_STRESS") != "" {
		kills = 200
	}
	if soak() {
		kills = 1000
	}
	for _, role := range []string{"write", "spill"} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "k.db")
			r, acknowledged, newest := dice(t), 0, 0
			for range (kills + 1) / 2 {
				last := killOnce(t, role, path, r)
				acknowledged += max(0, last-newest)
				newest = checkKilled(t, path, max(last, newest))
			}
			seesLoss(t, path, newest)
			t.Logf("%d kills, %d acknowledged commits, 0 lost", kills/2, acknowledged)
		})
	}
}

// killOnce lets a child write, kills it and gives the last commit that it
// acknowledged (0 if none).
func killOnce(t *testing.T, role, path string, r *rand.Rand) (last int) {
	t.Helper()
	cmd := child(t, role, path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range 1 + r.IntN(8) {
		if !lines.Scan() {
			break
		}
		if last, err = strconv.Atoi(lines.Text()); err != nil {
			t.Errorf("the child says %q", lines.Text())
		}
	}
	wait := time.NewTimer(time.Duration(r.IntN(4000)) * time.Microsecond)
	<-wait.C
	cmd.Process.Kill()
	for lines.Scan() { // what it acknowledged before it died counts too
		if n, err := strconv.Atoi(lines.Text()); err == nil {
			last = n
		}
	}
	cmd.Wait()
	return last
}

// checkKilled gives the newest commit that is there.
func checkKilled(t *testing.T, path string, acknowledged int) int {
	t.Helper()
	db := openDB(t, path)
	defer db.Close()
	newest, err := killed(db, acknowledged)
	if err != nil {
		t.Fatal(err)
	}
	return newest
}

func killed(db *sql.DB, acknowledged int) (newest int, err error) {
	var commits, rows, wrong int
	err = errors.Join(
		db.QueryRow("SELECT ifnull(max(n),0), count(*) FROM done").Scan(&newest, &commits),
		db.QueryRow("SELECT count(*), ifnull(sum(length(v) <> 400 OR pass <> n),0) FROM work").Scan(&rows, &wrong),
		integrity(db))
	switch {
	case err != nil:
		return 0, err
	case newest < acknowledged || commits != newest:
		return 0, fmt.Errorf("commit %d was acknowledged; there are %d, the newest %d", acknowledged, commits, newest)
	case rows != newest*killRows || wrong != 0:
		return 0, fmt.Errorf("%d commits, %d rows, %d of them wrong", newest, rows, wrong)
	}
	return newest, nil
}

// seesLoss is the control: one row less, or one commit, is seen.
func seesLoss(t *testing.T, path string, newest int) {
	t.Helper()
	db := openDB(t, path)
	defer db.Close()
	for _, loss := range []string{"DELETE FROM work WHERE id=(SELECT max(id) FROM work)", "DELETE FROM done WHERE n=(SELECT max(n) FROM done)"} {
		exec1(t, db, loss)
		if _, err := killed(db, newest); err == nil {
			t.Errorf("control: %s is not seen", loss)
		}
	}
}

// childWrites commits transactions until it is killed and says so after each.
// With a small cache they spill into the log before they commit.
func childWrites(path string, cache int) {
	v, err := vfs.Register(testKeys('a'))
	if err != nil {
		panic(err)
	}
	pragmas := []string{"PRAGMA synchronous=FULL", "PRAGMA wal_autocheckpoint=40"}
	if cache > 0 {
		pragmas = append(pragmas, fmt.Sprintf("PRAGMA cache_size=%d", cache))
	}
	db := sql.OpenDB(v.Connector(path, vfs.Writer, pragmas...))
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`CREATE TABLE IF NOT EXISTS done (n INTEGER PRIMARY KEY);
		CREATE TABLE IF NOT EXISTS work (id INTEGER PRIMARY KEY, n INT, pass INT, v BLOB);
		CREATE INDEX IF NOT EXISTS work_n ON work (n, v)`); err != nil {
		panic(err)
	}
	go childReads(v, path)
	var n int
	if err := db.QueryRow("SELECT ifnull(max(n),0) FROM done").Scan(&n); err != nil {
		panic(err)
	}
	for {
		n++
		if err := childCommits(db, n); err != nil {
			panic(err)
		}
		fmt.Println(n)
	}
}

// childCommits writes rows under a wrong mark and repairs them within the same
// transaction, so that a torn one cannot look whole.
func childCommits(db *sql.DB, n int) error {
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for range killRows {
		if _, err := tx.Exec("INSERT INTO work (n, pass, v) VALUES (?, -1, randomblob(400))", n); err != nil {
			return err
		}
	}
	for _, statement := range []string{
		"SAVEPOINT s", "UPDATE work SET v=randomblob(399) WHERE id%5=0 AND n>(SELECT max(n)-20 FROM work)", "DELETE FROM done", "ROLLBACK TO s", "RELEASE s",
	} {
		if _, err := tx.Exec(statement); err != nil {
			return err
		}
	}
	if _, err := tx.Exec("UPDATE work SET pass=n WHERE n=?", n); err != nil {
		return err
	}
	if _, err := tx.Exec("INSERT INTO done VALUES (?)", n); err != nil {
		return err
	}
	return tx.Commit()
}

// childReads holds snapshots back from the checkpoints and checks each.
func childReads(v *vfs.VFS, path string) {
	db := sql.OpenDB(v.Connector(path, vfs.Reader))
	defer db.Close()
	for range time.Tick(time.Millisecond) {
		var commits, rows int
		err := db.QueryRow("SELECT (SELECT count(*) FROM done), (SELECT count(*) FROM work)").Scan(&commits, &rows)
		if err != nil || rows != commits*killRows {
			panic(fmt.Sprint("snapshot: ", commits, " commits, ", rows, " rows, ", err))
		}
	}
}
