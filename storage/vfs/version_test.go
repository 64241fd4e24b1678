package vfs

import (
	"testing"

	"github.com/mattn/go-sqlite3"
)

func TestSQLiteFloor(t *testing.T) {
	_, have, _ := sqlite3.Version()
	if err := checkVersion(have, oldestSQLite); err != nil {
		t.Errorf("the SQLite that is linked: %v", err)
	}
	if checkVersion(have, have+1) == nil {
		t.Error("control: a higher floor is not refused")
	}
	if checkVersion(3_051_002, oldestSQLite) == nil {
		t.Error("SQLite 3.51.2 is not refused")
	}
}
