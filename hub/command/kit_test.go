package command_test

import (
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// The emergency kit is one page that needs nothing else; its QR code is the recovery code.
func TestKit(t *testing.T) {
	for _, c := range []struct {
		state      wire.State
		line, code string
	}{
		{wire.Unclaimed, "setup --suggest --kit ", apitest.RecoveryCode},
		{wire.Open, "recovery-code new --password-stdin --kit ", apitest.NewCode},
	} {
		d := sit(t, apitest.New(c.state))
		path := filepath.Join(d.dir, "kit.html")
		if out, complaint, code := d.types(c.line+path, apitest.Password); code != 0 || !strings.Contains(out, c.code) || !strings.Contains(out, "kit is in "+path) {
			t.Fatalf("%s: %d %s%s", c.line, code, out, complaint)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		page := string(raw)
		if strings.Count(page, ">"+c.code+"<") != 1 || strings.Contains(page, "kit.") {
			t.Errorf("the page: %s", page)
		}
		if out := regexp.MustCompile(`(src|href|url|@import|<script)`).FindString(page); out != "" {
			t.Errorf("it asks for something else: %s", out)
		}
		if got := readKit(t, page); got != c.code {
			t.Errorf("the QR code says %q, want %q", got, c.code)
		}
		// A second one in its place would leave a page that nobody printed.
		again := sit(t, apitest.New(wire.Open))
		if _, complaint, code := again.types("recovery-code new --password-stdin --kit "+path, apitest.Password); code != 1 || !strings.Contains(complaint, "There is a file "+path+" already") {
			t.Errorf("written over: %d %s", code, complaint)
		}
	}
}

// A kit whose code was never made is no kit.
func TestNoKitWithoutACode(t *testing.T) {
	d := sit(t, apitest.New(wire.Open))
	path := filepath.Join(d.dir, "kit.html")
	if _, _, code := d.types("recovery-code new --password-stdin --kit "+path, "wrong"); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a page without a code: %v", err)
	}
}

// readKit draws the page's picture and reads it as a phone does.
func readKit(t *testing.T, page string) string {
	t.Helper()
	var side int
	box := regexp.MustCompile(`viewBox="0 0 (\d+) `).FindStringSubmatch(page)
	if len(box) != 2 {
		t.Fatal("there is no picture")
	}
	if _, err := fmt.Sscan(box[1], &side); err != nil {
		t.Fatal(err)
	}
	const module = 6 // pixels
	picture := image.NewGray(image.Rect(0, 0, side*module, side*module))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	for _, m := range regexp.MustCompile(`M(\d+) (\d+)h1v1h-1z`).FindAllStringSubmatch(page, -1) {
		var x, y int
		if _, err := fmt.Sscan(m[1], &x); err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Sscan(m[2], &y); err != nil {
			t.Fatal(err)
		}
		for i := range module * module {
			picture.SetGray(x*module+i%module, y*module+i/module, color.Gray{})
		}
	}
	bits, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		t.Fatal(err)
	}
	found, err := qrcode.NewQRCodeReader().Decode(bits, nil)
	if err != nil {
		t.Fatal(err)
	}
	return found.GetText()
}
