package vfs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/mattn/go-sqlite3"
)

// Vacuum rebuilds the database on this connection. It needs memory of about the
// file's size, because temp files are refused. SQLite attaches a database for
// it, which this package's connections otherwise may not: the limit is lifted
// for this one fixed statement and no other.
func Vacuum(ctx context.Context, conn *sql.Conn) error {
	err := conn.Raw(func(c any) error {
		raw, ok := c.(*sqlite3.SQLiteConn)
		if !ok {
			return errors.New("not a SQLite connection")
		}
		raw.SetLimit(sqlite3.SQLITE_LIMIT_ATTACHED, 1)
		defer raw.SetLimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
		_, err := raw.ExecContext(ctx, "VACUUM", nil)
		return err
	})
	if err != nil {
		return fmt.Errorf("vfs: vacuum: %w", err)
	}
	return nil
}
