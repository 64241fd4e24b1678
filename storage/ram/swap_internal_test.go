package ram

import (
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
