package export

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// OnStep has a test know how far an export is.
func (d *Desk) OnStep(f func(string)) { d.step = f }

// Where the file system has no files without a name, a part has one until it is whole, and never takes
// that of another file.
func TestNamedPart(t *testing.T) {
	for _, taken := range []bool{false, true} {
		folder := t.TempDir()
		path, named := filepath.Join(folder, "x.zip"), filepath.Join(folder, ".x.zip"+partSuffix)
		f, err := os.OpenFile(named, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		p := part{f, named}
		if _, err := p.WriteString("new"); err != nil {
			t.Fatal(err)
		}
		want := "new"
		if taken {
			want = "old"
			if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		n, err := p.finish(path)
		if errors.Is(err, fs.ErrExist) != taken || !taken && n != 3 {
			t.Errorf("taken %t: %d bytes, %v", taken, n, err)
		}
		if err != nil {
			p.abandon()
		}
		if raw, err := os.ReadFile(path); err != nil || string(raw) != want {
			t.Errorf("taken %t: %q, %v", taken, raw, err)
		}
		if _, err := os.Lstat(named); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("taken %t: the part is still there", taken)
		}
	}
}
