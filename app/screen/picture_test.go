package screen_test

import (
	"image"
	"image/png"
	"os"
	"testing"
)

func write(t *testing.T, file string, m image.Image) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		t.Error(err)
	}
}
