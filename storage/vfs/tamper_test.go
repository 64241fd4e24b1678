package vfs_test

import (
	"path/filepath"
	"testing"

	"github.com/ingle-home/ingle/storage/vfs"
)

// damaged opens a copy of the database whose bytes were changed by spoil and
// tells whether that was noticed.
func damaged(t *testing.T, raw []byte, spoil func(b []byte) []byte) bool {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	writeFile(t, path, spoil(append([]byte(nil), raw...)))
	db := openDB(t, path)
	defer db.Close()
	_, err := readAll(t, db)
	return err != nil
}

func untouched(b []byte) []byte { return b }

func TestBitFlips(t *testing.T) {
	raw, r := readFile(t, sealed(t, 1000)), dice(t)
	if damaged(t, raw, untouched) {
		t.Fatal("control: the untampered copy does not open")
	}
	for range 100 {
		at, bit := r.IntN(len(raw)), r.IntN(8)
		if !damaged(t, raw, func(b []byte) []byte { b[at] ^= 1 << bit; return b }) {
			t.Errorf("bit %d of byte %d: not noticed", bit, at)
		}
	}
}

func TestMovedPages(t *testing.T) {
	raw, r := readFile(t, sealed(t, 1000)), dice(t)
	other := readFile(t, sealed(t, 1200)) // same keys, other content
	foreign := foreignPages(t)
	pages := len(raw) / vfs.PageSize
	page := func(b []byte, n int) []byte { return b[n*vfs.PageSize : (n+1)*vfs.PageSize] }
	if damaged(t, raw, untouched) {
		t.Fatal("control: the untampered copy does not open")
	}
	for range 30 {
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
			"of the other role": func(b []byte) []byte { copy(page(b, i), page(foreign, i%4)); return b },
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
	// What authentication cannot see, so that nobody promises it: an older or
	// other valid copy of the same page under the same keys is accepted by the VFS.
	if damaged(t, other, untouched) {
		t.Error("control: the second database does not open")
	}
}

func foreignPages(t *testing.T) []byte {
	path := filepath.Join(t.TempDir(), "b.db")
	db := openWith(t, testKeys('b'), path)
	exec1(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
	fillRows(t, db, 0, 1000)
	db.Close()
	return readFile(t, path)
}
