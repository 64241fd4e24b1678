package vfs_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/ingle-home/ingle/storage/vfs"
)

const (
	walHeader   = 32
	frameHeader = 24
	frameSize   = frameHeader + vfs.PageSize
	firstRows   = 300
	loggedTx    = 12
	rowsPerTx   = 40
)

// childLeavesLog commits transactions that spill out of their cache and dies
// before anything of them is checkpointed.
func childLeavesLog(path string) {
	v, err := vfs.Register(testKeys('a'))
	if err != nil {
		panic(err)
	}
	db := sql.OpenDB(v.Connector(path, vfs.Writer, "PRAGMA cache_size=10", "PRAGMA wal_autocheckpoint=0"))
	db.SetMaxOpenConns(1)
	for n := range loggedTx {
		tx, err := db.Begin()
		if err != nil {
			panic(err)
		}
		for i := range rowsPerTx {
			id := firstRows + n*rowsPerTx + i
			if _, err := tx.Exec("INSERT INTO t VALUES (?, ?)", id, rowText(id)); err != nil {
				panic(err)
			}
			// Touches old pages again and again: frames of this very
			// transaction are overwritten, which is where salts are deferred.
			if _, err := tx.Exec("UPDATE t SET v=v WHERE id%7=?", i%7); err != nil {
				panic(err)
			}
		}
		if err := tx.Commit(); err != nil {
			panic(err)
		}
	}
	syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// logged gives a database and the log that childLeavesLog left beside it.
func logged(t *testing.T) (db, wal []byte) {
	t.Helper()
	path := sealed(t, firstRows)
	var died *exec.ExitError
	if err := child(t, "log", path).Run(); !errors.As(err, &died) || died.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the child: %v", err)
	}
	return readFile(t, path), readFile(t, path+"-wal")
}

// reopened gives the rows of a database and log that a crash left.
func reopened(t *testing.T, raw, wal []byte) (int, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	writeFile(t, path, raw)
	writeFile(t, path+"-wal", wal)
	db := openDB(t, path)
	defer db.Close()
	return readAll(t, db)
}

// rowsBefore gives the rows that are committed by the frames before offset.
func rowsBefore(wal []byte, offset int) int {
	rows := firstRows
	for at := walHeader; at+frameSize <= min(offset, len(wal)); at += frameSize {
		if binary.BigEndian.Uint32(wal[at+4:]) != 0 {
			rows += rowsPerTx
		}
	}
	return rows
}

func TestTornLog(t *testing.T) {
	t.Parallel()
	raw, wal := logged(t)
	r := dice(t)
	if n, err := reopened(t, raw, wal); n != firstRows+loggedTx*rowsPerTx || err != nil {
		t.Fatalf("control: the whole log: %d rows, %v", n, err)
	}
	for i := range times(150) {
		at := r.IntN(len(wal))
		torn := bytes.Clone(wal)
		start := max(walHeader, walHeader+(at-walHeader)/frameSize*frameSize)
		if at < walHeader {
			start = 0
		}
		how := []string{"cut", "random sector", "zeroed tail", "flipped bit"}[i%4]
		switch how {
		case "cut":
			torn = torn[:at]
		case "random sector":
			for k := at; k < min(at+512, len(torn)); k++ {
				torn[k] = byte(r.Uint32())
			}
		case "zeroed tail":
			clear(torn[at:])
		case "flipped bit":
			torn[at] ^= 1 << r.IntN(8)
		}
		n, err := reopened(t, raw, torn)
		if want := rowsBefore(wal, start); n != want || err != nil {
			t.Errorf("%s at %d: %d rows, want %d, %v", how, at, n, want, err)
		}
	}
}

// A log of other keys, or of another database, counts as empty.
func TestForeignLog(t *testing.T) {
	raw, wal := logged(t)
	other := bytes.Clone(wal)
	for at := walHeader; at < len(other); at += frameSize {
		for i := range 16 {
			other[at+8+i] ^= 0x5a
		}
	}
	if n, err := reopened(t, raw, other); n != firstRows || err != nil {
		t.Errorf("%d rows, want %d, %v", n, firstRows, err)
	}
}

func TestTornCheckpoint(t *testing.T) {
	t.Parallel()
	before, wal := logged(t)
	r := dice(t)
	path := filepath.Join(t.TempDir(), "done.db")
	writeFile(t, path, before)
	writeFile(t, path+"-wal", wal)
	db := openDB(t, path)
	exec1(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
	db.Close()
	after := readFile(t, path)
	for i := range times(100) {
		// A checkpoint was cut short: any pages are new, one is half of each.
		torn := bytes.Clone(after[:max(len(before), r.IntN(len(after)/vfs.PageSize+1)*vfs.PageSize)])
		for p := 0; p < len(before); p += vfs.PageSize {
			if r.IntN(2) == 0 {
				copy(torn[p:p+vfs.PageSize], before[p:])
			}
		}
		page := 0
		if i%2 == 1 {
			page = r.IntN(len(before)/vfs.PageSize) * vfs.PageSize
		}
		half := r.IntN(vfs.PageSize)
		copy(torn[page:page+half], after[page:])
		copy(torn[page+half:page+vfs.PageSize], before[page+half:])
		if n, err := reopened(t, torn, wal); n != firstRows+loggedTx*rowsPerTx || err != nil {
			t.Errorf("page %d torn at %d: %d rows, %v", page/vfs.PageSize+1, half, n, err)
		}
	}
	// Control: without the log the torn page 1 is fatal.
	torn := bytes.Clone(after)
	copy(torn[100:vfs.PageSize], before[100:])
	if _, err := reopened(t, torn, nil); err == nil {
		t.Error("control: a torn page 1 without a log was accepted")
	}
}

// A frame that is damaged inside an open transaction must not come back as a
// valid one when its headers are rewritten at commit.
func TestDamageInsideTransaction(t *testing.T) {
	path := sealed(t, 3000)
	db := openDB(t, path, "PRAGMA cache_size=10", "PRAGMA wal_autocheckpoint=0")
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if _, err := tx.Exec("UPDATE t SET v=v||'x' WHERE id%10=?", i); err != nil {
			t.Fatal(err)
		}
	}
	// Only the log is opened beside SQLite: the database's lock stays.
	wal, err := os.OpenFile(path+"-wal", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer wal.Close()
	if _, err := wal.WriteAt(make([]byte, 64), walHeader+2*frameSize+frameHeader+1000); err != nil {
		t.Fatal(err)
	}
	err = tx.Commit()
	if err == nil {
		t.Error("a transaction with a damaged frame was committed")
	}
	db.Close()
	if n, err := readAll(t, openDB(t, path)); n != 3000 || err != nil {
		t.Errorf("the state before it: %d rows, %v", n, err)
	}
}
