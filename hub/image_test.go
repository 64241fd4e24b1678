package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// volume is a file system of its own, in a file, so that what lies between the files can be searched as well.
type volume struct {
	dir   string
	image string // "" where none can be mounted
	why   string
}

const (
	imageSize = 8 << 30 // nearly all of it holes: recordings need room
	block     = 4096
	leftOver  = "Paraphernalia" // what is written and deleted, as a control
)

// newVolume mounts one, or gives an ordinary folder where that is not allowed.
func newVolume(t *testing.T) volume {
	t.Helper()
	d := volume{dir: shortDir(t), image: filepath.Join(t.TempDir(), "image")}
	if err := d.mount(); err != nil {
		d.image, d.why = "", err.Error()
		return d
	}
	t.Cleanup(func() { _ = syscall.Unmount(d.dir, syscall.MNT_DETACH) }) // it may be unmounted already
	return d
}

func (d volume) mount() error {
	f, err := os.Create(d.image)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(imageSize), f.Close()); err != nil {
		return err
	}
	for _, args := range [][]string{{"mkfs.ext4", "-q", d.image}, {"mount", "-o", "loop", d.image, d.dir}} {
		if said, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return errors.Join(err, errors.New(string(said)))
		}
	}
	return os.Remove(filepath.Join(d.dir, "lost+found"))
}

// clean unmounts the disk, which nobody uses, and wants none of the words in any byte of it.
func (d volume) clean(t *testing.T, words []string) {
	t.Helper()
	t.Run("the free space", func(t *testing.T) {
		if d.image == "" {
			t.Skip("no file system can be mounted here, so its free space is not searched: " + d.why)
		}
		gone := filepath.Join(d.dir, "gone")
		f := must[*os.File](t)(os.Create(gone))
		_, err := f.WriteString(leftOver)
		if err := errors.Join(err, f.Sync(), f.Close(), os.Remove(gone), syscall.Unmount(d.dir, 0)); err != nil {
			t.Fatal(err)
		}
		raw := written(t, d.image)
		t.Logf("%d bytes were written to the disk", len(raw))
		if len(raw) < 1<<20 || len(found(raw, []string{leftOver})) == 0 {
			t.Error("a deleted file is not found between the files")
		}
		if hits := found(raw, words); len(hits) > 0 {
			t.Errorf("the disk has %q", hits)
		}
	})
}

// written gives all blocks of an image that are not empty, one after the other (SEEK_DATA of lseek(2)).
func written(t *testing.T, image string) (all []byte) {
	t.Helper()
	const seekData, seekHole = 3, 4
	f := must[*os.File](t)(os.Open(image))
	defer f.Close()
	empty, part := make([]byte, block), make([]byte, block)
	for end := int64(0); ; {
		at, err := f.Seek(end, seekData)
		if errors.Is(err, syscall.ENXIO) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		for end = must[int64](t)(f.Seek(at, seekHole)); at < end; at += block {
			if _, err := f.ReadAt(part, at); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(part, empty) {
				all = append(all, part...)
			}
		}
	}
}
