package records_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/ingle-home/ingle/storage"
)

// spellings are the forms in which a marker would show: raw, hex in both cases,
// base64 at all three alignments, UTF-16 in both byte orders.
func spellings(word string) map[string][]byte {
	var little, big []byte
	for _, u := range utf16.Encode([]rune(word)) {
		little = append(little, byte(u), byte(u>>8))
		big = append(big, byte(u>>8), byte(u))
	}
	forms := map[string][]byte{
		"raw": []byte(word), "hex": []byte(hex.EncodeToString([]byte(word))),
		"HEX":       []byte(strings.ToUpper(hex.EncodeToString([]byte(word)))),
		"UTF-16 LE": little, "UTF-16 BE": big,
	}
	for shift := range 3 {
		whole := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), word...))
		// The first and last signs depend on the neighbours.
		forms["base64+"+strconv.Itoa(shift)] = []byte(whole[(shift*8+5)/6 : len(whole)-1])
	}
	return forms
}

// hits counts the marker in every file below dir.
func hits(t *testing.T, dir string) (found int, files []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join(dir, e.Name()))
		must(t, err)
		files = append(files, e.Name())
		for form, b := range spellings(marker) {
			if n := bytes.Count(raw, b); n > 0 {
				t.Logf("%s: %d times as %s", e.Name(), n, form)
				found += n
			}
		}
		if strings.HasSuffix(e.Name(), "-shm") {
			t.Logf("%s exists", e.Name())
			found++
		}
	}
	return found, files
}

func TestSpellingsFind(t *testing.T) {
	forms := spellings(marker)
	for shift := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte("xyz"[:shift] + marker + "tail"))
		if !strings.Contains(text, string(forms["base64+"+strconv.Itoa(shift)])) {
			t.Errorf("base64 at alignment %d is not found", shift)
		}
	}
}

// The files are read while another process has them open: reading one in the
// same process would drop SQLite's lock.
func TestNothingInTheClear(t *testing.T) {
	t.Parallel()
	for role, dir := range map[string]string{"plant": home(t), "plain": t.TempDir()} {
		c := start(t, role, dir)
		if got := c.says(t); got != "ready" {
			t.Fatalf("%s: %q", role, got)
		}
		open, files := hits(t, dir)
		c.kill()
		after, _ := hits(t, dir)
		t.Logf("%s: %q: %d hits while open, %d after the kill", role, files, open, after)
		switch {
		case role == "plant" && (open != 0 || after != 0):
			t.Errorf("the marker is on disk: %d hits while open, %d after the kill", open, after)
		case role == "plant" && len(files) < 6:
			t.Errorf("only %q were searched; the logs are missing", files)
		case role == "plain" && (open < 3*markers() || after < 3*markers()):
			t.Errorf("control: a plain database shows %d and %d hits", open, after)
		}
	}
}

func TestLockKeepsOthersOut(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "home")
	lock, err := storage.Acquire(dir)
	must(t, err)
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder: %v, %v", info.Mode(), err)
	}
	answer := start(t, "lock", dir).says(t)
	if !strings.Contains(answer, "another hub uses this folder") {
		t.Errorf("a second process: %q", answer)
	}
	must(t, lock.Release())
	if answer := start(t, "lock", dir).says(t); answer != "answer: <nil>" {
		t.Errorf("after it was released: %q", answer)
	}
}
