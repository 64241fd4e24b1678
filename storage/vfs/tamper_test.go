package vfs_test

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/ingle-home/ingle/storage/vfs"
)

// damaged opens a copy of the database whose bytes were changed by spoil and
// tells whether that was noticed.
func damaged(t *testing.T, raw []byte, spoil func(b []byte) []byte) bool {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	writeFile(t, path, spoil(bytes.Clone(raw)))
	db := openDB(t, path)
	defer db.Close()
	_, err := readAll(t, db)
	return err != nil
}

func untouched(b []byte) []byte { return b }

func TestBitFlips(t *testing.T) {
	t.Parallel()
	raw, r := readFile(t, sealed(t, 500)), dice(t)
	if damaged(t, raw, untouched) {
		t.Fatal("control: the untampered copy does not open")
	}
	wrong, silent := 0, 0
	for range times(300) {
		at, bit := r.IntN(len(raw)), r.IntN(8)
		flip := func(b []byte) []byte { b[at] ^= 1 << bit; return b }
		if !damaged(t, raw, flip) {
			t.Errorf("bit %d of byte %d: not noticed", bit, at)
		}
		switch n, bad, err := readUnchecked(t, flip(bytes.Clone(raw))); {
		case bad > 0:
			wrong++
		case err == nil && n == 500:
			silent++
		}
	}
	t.Logf("all noticed; without the check of the tag %d gave wrong data, %d nothing", wrong, silent)
	if wrong < times(30) || silent < times(30) {
		t.Error("control: without the check of the tag damage is noticed too")
	}
}

// readUnchecked reads what a VFS without authentication would make of raw: rows,
// and how many of them are wrong.
func readUnchecked(t *testing.T, raw []byte) (rows, wrong int, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	writeFile(t, path, raw)
	v, err := vfs.RegisterUnchecked(testKeys('a'))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(v.Connector(path, vfs.Writer))
	defer db.Close()
	found, err := db.Query("SELECT id, CAST(v AS BLOB) FROM t NOT INDEXED")
	if err != nil {
		return 0, 0, err
	}
	defer found.Close()
	for ; found.Next(); rows++ {
		var id int
		var text []byte
		if err := found.Scan(&id, &text); err != nil || string(text) != rowText(id) {
			wrong++
		}
	}
	return rows, wrong, found.Err()
}

func TestMovedPages(t *testing.T) {
	t.Parallel()
	raw, r := readFile(t, sealed(t, 400)), dice(t)
	otherFile, otherVault := pagesUnder(t, testKeys('b')), pagesUnder(t, randomKeys())
	pages := len(raw) / vfs.PageSize
	page := func(b []byte, n int) []byte { return b[n*vfs.PageSize : (n+1)*vfs.PageSize] }
	if damaged(t, raw, untouched) {
		t.Fatal("control: the untampered copy does not open")
	}
	for range times(100) {
		i, j := r.IntN(pages), r.IntN(pages-1)
		if j >= i {
			j++
		}
		for name, spoil := range map[string]func(b []byte) []byte{
			"swapped": func(b []byte) []byte {
				copy(page(b, i), page(raw, j))
				copy(page(b, j), page(raw, i))
				return b
			},
			"doubled":           func(b []byte) []byte { copy(page(b, i), page(raw, j)); return b },
			"zeroed":            func(b []byte) []byte { clear(page(b, i)); return b },
			"of the other file": func(b []byte) []byte { copy(page(b, i), page(otherFile, i)); return b },
			"of another vault":  func(b []byte) []byte { copy(page(b, i), page(otherVault, i)); return b },
			"cut": func(b []byte) []byte {
				return b[:len(b)-(1+i%10)*vfs.PageSize]
			},
			"cut within a page": func(b []byte) []byte { return b[:len(b)-1-i] },
		} {
			if !damaged(t, raw, spoil) {
				t.Errorf("%s (%d, %d): not noticed", name, i, j)
			}
		}
	}
}

// What authentication cannot see, pinned so that nobody promises it: an older
// valid copy of the same page of the same file opens.
func TestOlderCopyOpens(t *testing.T) {
	t.Parallel()
	path := sealed(t, 1000)
	older := readFile(t, path)
	db := openDB(t, path)
	exec1(t, db, "UPDATE t SET v=v||'x' WHERE id=500")
	db.Close()
	newer := readFile(t, path)
	if len(older) != len(newer) {
		t.Fatal("the update was to change pages in place")
	}
	changed := 0
	for at := 0; at < len(newer); at += vfs.PageSize {
		if !bytes.Equal(older[at:at+vfs.PageSize], newer[at:at+vfs.PageSize]) {
			copy(newer[at:], older[at:at+vfs.PageSize])
			changed++
		}
	}
	if changed == 0 || damaged(t, newer, untouched) {
		t.Errorf("%d older pages were put back, and noticed", changed)
	}
}

func randomKeys() vfs.Keys {
	k := vfs.Keys{Page: make([]byte, 32), WALHeader: make([]byte, 32)}
	rand.Read(k.Page)
	rand.Read(k.WALHeader)
	return k
}

// pagesUnder gives the same database as sealed, under other keys.
func pagesUnder(t *testing.T, k vfs.Keys) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "b.db")
	db := openWith(t, k, path)
	exec1(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
	exec1(t, db, "CREATE INDEX tv ON t (v)")
	fillRows(t, db, 0, 400)
	db.Close()
	return readFile(t, path)
}
