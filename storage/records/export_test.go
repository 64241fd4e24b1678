package records

import (
	"database/sql"
	"testing"
)

// Rows counts a table's rows without flushing the batch.
func Rows(t testing.TB, s *Store, table string) int {
	t.Helper()
	n := CountAll(s, table)
	if n < 0 {
		t.Fatalf("%s cannot be counted", table)
	}
	return n
}

// CountAll is Rows for a child process; -1 if they cannot be counted.
func CountAll(s *Store, table string) int {
	var n int
	if err := s.database(table).read.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
		return -1
	}
	return n
}

// Writer gives the writing pool of the database that has this table.
func Writer(s *Store, table string) *sql.DB { return s.database(table).write }

// VFSName gives the name under which that database is sealed.
func VFSName(s *Store, table string) string { return s.database(table).vfs.Name() }

func (s *Store) database(table string) *database {
	if table == "reading" {
		return s.telemetry
	}
	return s.core
}
