package formattest

import "testing"

// NewestInLog names the pages of a database that are not read from its file, and
// tells how many bytes of the log count.
func NewestInLog(t *testing.T, path string, k *Keys) (pages map[uint32]bool, end int) {
	t.Helper()
	role := "core"
	if path[len(path)-len("core-1.db"):] != "core-1.db" {
		role = "telemetry"
	}
	d, err := OpenDatabase(path, role, k)
	if err != nil {
		t.Fatal(err)
	}
	pages = make(map[uint32]bool)
	for n := range d.logged {
		pages[n] = true
	}
	return pages, d.logEnd
}
