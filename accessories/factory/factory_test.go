package factory_test

import (
	"bufio"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/ingle-home/ingle/accessories/factory"
)

func TestKnown(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"admin", "admin"}:                    true,
		{"Admin", "admin"}:                    true, // names are alike in small letters
		{"admin", "Admin"}:                    false,
		{"admin", "12345"}:                    true,
		{"root", "pass"}:                      true,
		{"666666", "666666"}:                  true,
		{"anybody", ""}:                       true,
		{"hub-4711", "porch-light"}:           false,
		{"admin", "q8Zt5mWc2LrX7vBn0KpY3sHd"}: false,
		{"adm", "inadmin"}:                    false,
	} {
		if got := factory.Known(pair[0], pair[1]); got != want {
			t.Errorf("%q: %v", pair, got)
		}
	}
}

func TestCommon(t *testing.T) {
	for password, want := range map[string]bool{"xc3511": true, "123456789": true, "qwerty": true, "porch-light-7-Kestrel": false, "": false} {
		if got := factory.Common(password); got != want {
			t.Errorf("%q: %v", password, got)
		}
	}
}

// The table is one mark a line, sorted, none twice: a search for a mark must not find half of two.
func TestTable(t *testing.T) {
	f, err := os.Open("marks.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var lines []string
	for in := bufio.NewScanner(f); in.Scan(); {
		if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(in.Text()) {
			t.Errorf("%q is no mark", in.Text())
		}
		lines = append(lines, in.Text())
	}
	if len(lines) < 40 || !slices.IsSorted(lines) || len(slices.Compact(lines)) != len(lines) {
		t.Errorf("%d lines, sorted and none twice?", len(lines))
	}
}
