//go:build linux

package ram

import (
	"reflect"
	"slices"
	"testing"
)

func TestSwapsIn(t *testing.T) {
	const title = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
	for table, want := range map[string][]string{
		"":    nil,
		title: nil,
		title + "/var/swap                               file\t\t102396\t\t0\t\t-2\n":                                          {"/var/swap"},
		title + "/dev/zram0                              partition\t524284\t\t0\t\t100\n":                                      nil,
		title + "/dev/zram0 partition\t524284\t\t0\t\t100\n/dev/mmcblk0p3 partition 524284 0 -2\n/swap\\040file file 1 0 -3\n": {"/dev/mmcblk0p3", `/swap\040file`},
	} {
		if got := swapsIn(table); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", table, got, want)
		}
	}
	if _, err := Swaps(); err != nil {
		t.Error(err)
	}
}

// Go's collector does not see what a page points to.
func TestFlat(t *testing.T) {
	for _, c := range []struct {
		v    any
		want bool
	}{
		{[32]byte{}, true}, {struct{ a, b [32]byte }{}, true}, {struct {
			n int
			f [2]float64
			b bool
		}{}, true},
		{"", false}, {[]byte{}, false}, {new(int), false}, {struct{ a [2]struct{ s string } }{}, false}, {map[int]int{}, false}, {[1]any{}, false},
	} {
		if got := flat(reflect.TypeOf(c.v)); got != c.want {
			t.Errorf("%T: %t", c.v, got)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a page for a text was given")
		}
	}()
	New[struct{ s string }]()
}
