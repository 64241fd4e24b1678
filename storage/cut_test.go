package storage_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/cuttest"
)

func TestMain(m *testing.M) {
	cuttest.Begin(placeForever, judgePlaced)
	os.Exit(m.Run())
}

// placeForever puts one number after the other at the same place, and says which is there.
func placeForever(t cuttest.Teller, dir, _ string) error {
	for n := range 12 {
		if err := t.Say(n); err != nil {
			return err
		}
		if err := storage.Place(filepath.Join(dir, "placed"), placed(n+1)); err != nil {
			return err
		}
	}
	return t.Say(12)
}

func placed(n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%08d", n), 500) }

// judgePlaced wants the number that was placed last, or the one that was about to be, whole.
func judgePlaced(dir string, said int) error {
	raw, err := os.ReadFile(filepath.Join(dir, "placed"))
	if errors.Is(err, fs.ErrNotExist) && said == 0 {
		return nil
	}
	if err == nil && !bytes.Equal(raw, placed(said)) && !bytes.Equal(raw, placed(said+1)) {
		err = fmt.Errorf("%d is placed, and there are %d bytes of %.8s", said, len(raw), raw)
	}
	return err
}
