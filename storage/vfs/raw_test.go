package vfs_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/storage/vfs"
	"github.com/ingle-home/ingle/storage/vfs/vfstest"
)

const lockPage = 262145

func rawOpen(t testing.TB, path string, kind int) *vfstest.File {
	t.Helper()
	if db, isLog := strings.CutSuffix(path, "-wal"); isLog {
		writeFile(t, db, nil) // a log takes its permissions from the database
	}
	f, err := vfstest.Open(register(t, testKeys('a')).Name(), path, vfstest.ReadWriteCreate|kind)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// plainPage is a page as SQLite would write it: the reserved end is zero.
func plainPage(fill byte) []byte {
	p := bytes.Repeat([]byte{fill}, vfs.PageSize)
	clear(p[vfs.PageSize-vfs.ReservedBytes:])
	p[20] = vfs.ReservedBytes
	return p
}

func wantCode(t testing.TB, what string, err error, want vfstest.Code) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func wantPage(t testing.TB, f *vfstest.File, number int64, want []byte) {
	t.Helper()
	got := make([]byte, vfs.PageSize)
	if err := f.Read(got, (number-1)*vfs.PageSize); err != nil || !bytes.Equal(got, want) {
		t.Errorf("page %d: %v, or not what was written", number, err)
	}
}

func TestOpenFlags(t *testing.T) {
	name, dir := register(t, testKeys('a')).Name(), t.TempDir()
	for what, flags := range map[string]int{
		"rollback journal":   vfstest.ReadWriteCreate | vfstest.MainJournal,
		"temp database":      vfstest.ReadWriteCreate | vfstest.TempDB,
		"super-journal":      vfstest.ReadWriteCreate | vfstest.SuperJournal,
		"no kind":            vfstest.ReadWriteCreate,
		"read-only database": vfstest.ReadOnly | vfstest.MainDB,
	} {
		_, err := vfstest.Open(name, filepath.Join(dir, "x"), flags)
		wantCode(t, what, err, vfstest.CantOpen)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("refused files were created: %v", entries)
	}
}

func TestPageWrites(t *testing.T) {
	f := rawOpen(t, filepath.Join(t.TempDir(), "x.db"), vfstest.MainDB)
	wantCode(t, "half a page", f.Write(plainPage(1)[:512], 0), vfstest.WriteError)
	wantCode(t, "between pages", f.Write(plainPage(1), 100), vfstest.WriteError)
	wantCode(t, "the lock-byte page", f.Write(plainPage(1), (lockPage-1)*vfs.PageSize), vfstest.WriteError)
	used := plainPage(1)
	used[vfs.PageSize-1] = 1
	wantCode(t, "reserved bytes in use", f.Write(used, 0), vfstest.WriteError)
	bare := plainPage(1)
	bare[20] = 0
	wantCode(t, "page 1 without reserved bytes", f.Write(bare, 0), vfstest.WriteError)
	wantCode(t, "cut within a page", f.Truncate(100), vfstest.Code(10|6<<8))
	if err := f.Write(plainPage(7), 0); err != nil {
		t.Fatal(err)
	}
	wantPage(t, f, 1, plainPage(7))
	wantCode(t, "behind the end", f.Read(make([]byte, vfs.PageSize), vfs.PageSize), vfstest.ShortRead)
	piece := make([]byte, 16)
	if err := f.Read(piece, 24); err != nil || !bytes.Equal(piece, plainPage(7)[24:40]) {
		t.Errorf("a piece of page 1: %x, %v", piece, err)
	}
	if f.Read(make([]byte, 200), vfs.PageSize-100) == nil {
		t.Error("a read across pages was answered")
	}
}

// A checkpoint that a reader holds back writes past the end of the file; what
// lies between must not be all zero on disk.
func TestGapsAreSealed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	f := rawOpen(t, path, vfstest.MainDB)
	if err := f.Write(plainPage(1), 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Write(plainPage(9), 8*vfs.PageSize); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(12 * vfs.PageSize); err != nil {
		t.Fatal(err)
	}
	wantPage(t, f, 1, plainPage(1))
	wantPage(t, f, 9, plainPage(9))
	zero := make([]byte, vfs.PageSize)
	for _, n := range []int64{2, 8, 10, 12} {
		wantPage(t, f, n, zero)
	}
	if err := f.Truncate(3 * vfs.PageSize); err != nil {
		t.Fatal(err)
	}
	wantPage(t, f, 3, zero)
	wantCode(t, "after the cut", f.Read(zero, 3*vfs.PageSize), vfstest.ShortRead)
	raw := readFile(t, path)
	for at := 0; at < len(raw); at += vfs.PageSize {
		if bytes.Equal(raw[at:at+vfs.PageSize], zero) {
			t.Errorf("page %d is all zero on disk", at/vfs.PageSize+1)
		}
	}
}

func TestLockBytePageStaysAHole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	writeFile(t, path, nil)
	if err := os.Truncate(path, (lockPage-3)*vfs.PageSize); err != nil {
		t.Skipf("no room for a sparse file of 1 GiB: %v", err)
	}
	f := rawOpen(t, path, vfstest.MainDB)
	if err := f.Write(plainPage(5), (lockPage+1)*vfs.PageSize); err != nil {
		t.Fatal(err)
	}
	zero := make([]byte, vfs.PageSize)
	for _, n := range []int64{lockPage - 2, lockPage - 1, lockPage + 1} {
		wantPage(t, f, n, zero)
	}
	wantPage(t, f, lockPage+2, plainPage(5))
	if err := f.Truncate(lockPage * vfs.PageSize); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate((lockPage + 1) * vfs.PageSize); err != nil {
		t.Fatal(err)
	}
	wantPage(t, f, lockPage+1, zero)
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	hole := make([]byte, vfs.PageSize)
	if _, err := file.ReadAt(hole, (lockPage-1)*vfs.PageSize); err != nil || !bytes.Equal(hole, zero) {
		t.Errorf("the lock-byte page is no hole: %v", err)
	}
}

// header is a plain frame header.
func header(page, commit uint32, salt byte) []byte {
	h := binary.BigEndian.AppendUint32(nil, page)
	h = binary.BigEndian.AppendUint32(h, commit)
	return append(h, bytes.Repeat([]byte{salt}, 16)...)
}

func frameAt(n int) int64 { return walHeader + int64(n)*frameSize }

func TestFrames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db-wal")
	f := rawOpen(t, path, vfstest.WAL)
	fileHeader := bytes.Repeat([]byte{0xab}, walHeader)
	if err := f.Write(fileHeader, 0); err != nil {
		t.Fatal(err)
	}
	put := func(n int, h, page []byte) {
		t.Helper()
		if err := errors.Join(f.Write(h, frameAt(n)), f.Write(page, frameAt(n)+frameHeader)); err != nil {
			t.Fatal(err)
		}
	}
	put(0, header(3, 0, 0xcd), plainPage(1))
	// Deferred salts: sealed under the file header's, then filled in.
	put(1, header(4, 0, 0), plainPage(2))
	filled := header(4, 9, 0xab)
	deferred := append(header(4, 0, 0)[:8:8], bytes.Repeat([]byte{0xab}, 16)...)
	if err := f.Write(deferred, frameAt(1)); err != nil {
		t.Fatal(err)
	}
	whole := make([]byte, frameSize)
	if err := f.Read(whole, frameAt(1)); err != nil || !bytes.Equal(whole[frameHeader:], plainPage(2)) {
		t.Errorf("a frame whose salts were filled in: %v, or other bytes", err)
	}
	// The commit size is bound too.
	if err := f.Write(filled, frameAt(1)); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "a page under another commit size",
		f.Read(make([]byte, vfs.PageSize), frameAt(1)+frameHeader), vfstest.NotSealed)
	if err := f.Read(whole, frameAt(1)); err != nil || !bytes.Equal(whole, make([]byte, frameSize)) {
		t.Errorf("the scan after a crash: %v, or not zeros", err)
	}
	h := make([]byte, 8)
	if err := f.Read(h, frameAt(0)+16); err != nil || !bytes.Equal(h, header(3, 0, 0xcd)[16:]) {
		t.Errorf("half a header: %x, %v", h, err)
	}
	wantCode(t, "page number 0", f.Write(header(0, 0, 1), frameAt(2)), vfstest.WriteError)
	wantCode(t, "half a page", f.Write(plainPage(1)[:100], frameAt(0)+frameHeader), vfstest.WriteError)
	wantCode(t, "across frames", f.Write(plainPage(1), frameAt(0)+frameHeader+8), vfstest.WriteError)
	wantCode(t, "a page without a header", f.Write(plainPage(1), frameAt(5)+frameHeader), vfstest.WriteError)
	raw := readFile(t, path)
	if !bytes.Equal(raw[:walHeader], fileHeader) || !bytes.Equal(raw[walHeader:walHeader+8], header(3, 0, 0)[:8]) {
		t.Error("what SQLite's file header and frame numbers say is not in clear")
	}
	if bytes.Contains(raw[walHeader:], bytes.Repeat([]byte{0xcd}, 8)) || bytes.Contains(raw, bytes.Repeat([]byte{1}, 32)) {
		t.Error("salts or page are in clear")
	}
}

// FuzzFrames runs any writes, reads and damage against a WAL: a page that comes
// back is the one that was written last to its frame, or zeros, or an error.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{0, 1, 9, 1, 1, 7, 2, 1, 0, 3, 1, 0})
	f.Add([]byte{0, 0, 0, 1, 0, 5, 0, 0, 1, 4, 0, 40, 2, 0, 0, 3, 0, 0})
	f.Add([]byte{0, 2, 3, 1, 2, 8, 1, 2, 9, 5, 200, 255, 3, 2, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		path := filepath.Join(t.TempDir(), "x.db-wal")
		w := rawOpen(t, path, vfstest.WAL)
		w.Write(bytes.Repeat([]byte{0xab}, walHeader), 0)
		written := make(map[int]byte)
		for ; len(script) >= 3; script = script[3:] {
			frame, x := int(script[1]%4), script[2]
			at := frameAt(frame)
			switch script[0] % 6 {
			case 0:
				w.Write(header(uint32(frame)+1, uint32(x), x), at)
			case 1:
				if w.Write(plainPage(x), at+frameHeader) == nil {
					written[frame] = x
				}
			case 2, 3:
				got := make([]byte, vfs.PageSize+frameHeader)
				if script[0]%6 == 2 {
					got, at = got[frameHeader:], at+frameHeader
				}
				err := w.Read(got, at)
				page := got[len(got)-vfs.PageSize:]
				if x, ok := written[frame]; err == nil && !bytes.Equal(page, make([]byte, vfs.PageSize)) &&
					!(ok && bytes.Equal(page, plainPage(x))) {
					t.Fatalf("frame %d holds what nobody wrote", frame)
				}
			case 4:
				if raw, err := os.OpenFile(path, os.O_RDWR, 0); err == nil {
					raw.WriteAt([]byte{x}, at+int64(x)*16)
					raw.Close()
				}
			case 5:
				w.Read(make([]byte, 1+int(x)*20), int64(script[1])*50)
				w.Write(make([]byte, 1+int(x)*20), int64(script[1])*50+walHeader)
			}
		}
	})
}
