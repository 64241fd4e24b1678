package vfs

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"

	"github.com/mattn/go-sqlite3"
)

// oldestSQLite is the first version without the WAL-reset bug, which corrupts
// databases (SQLite 3.7.0 to 3.51.2).
const oldestSQLite = 3_051_003

const (
	controlReserveBytes = 38     // SQLITE_FCNTL_RESERVE_BYTES
	busyTimeout         = "5000" // ms that a connection waits for a lock
)

// Mode is what a connection may do.
type Mode int

const (
	// Writer connections begin every transaction as a writing one.
	Writer Mode = iota
	// Reader connections refuse every write. (SQLite's own mode=ro would put
	// the wal-index on disk.)
	Reader
)

// Connector opens connections to the database at path for sql.OpenDB, sets each
// up for sealed pages, WAL mode and no way around this VFS, and then runs
// pragmas. The first connection to a new file must be a Writer and must be set
// up before others are opened.
func (v *VFS) Connector(path string, mode Mode, pragmas ...string) driver.Connector {
	return &connector{
		dsn: v.dsn(path, mode),
		driver: &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
			return prepare(c, mode, pragmas)
		}},
	}
}

type connector struct {
	dsn    string
	driver *sqlite3.SQLiteDriver
}

func (c *connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c *connector) Driver() driver.Driver                        { return c.driver }

// dsn names nothing that touches page 1: go-sqlite3 runs a DSN's pragmas before
// its hook, which is before the reserved bytes are set.
func (v *VFS) dsn(path string, mode Mode) string {
	q := url.Values{"vfs": {v.name}, "_busy_timeout": {busyTimeout}}
	if mode == Writer {
		q.Set("_txlock", "immediate")
	} else {
		q.Set("_query_only", "1")
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// prepare runs in this order and no other: reserved bytes before anything
// touches page 1; no second database, whose URI could name a plain VFS (VACUUM
// INTO needs one too); temp tables in memory, because their files are refused.
func prepare(c *sqlite3.SQLiteConn, mode Mode, pragmas []string) error {
	_, version, _ := sqlite3.Version()
	if err := checkVersion(version, oldestSQLite); err != nil {
		return err
	}
	if err := c.SetFileControlInt("main", controlReserveBytes, ReservedBytes); err != nil {
		return fmt.Errorf("vfs: reserve bytes: %w", err)
	}
	c.SetLimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
	if err := run(c, "PRAGMA temp_store=MEMORY"); err != nil {
		return err
	}
	if err := walMode(c, mode); err != nil {
		return err
	}
	if err := run(c, pragmas...); err != nil {
		return err
	}
	size, err := first(c, "PRAGMA page_size")
	if err != nil {
		return err
	}
	if size != fmt.Sprint(PageSize) {
		return fmt.Errorf("vfs: page size %s", size)
	}
	return nil
}

func checkVersion(have, oldest int) error {
	if have < oldest {
		return fmt.Errorf("vfs: SQLite %d is older than %d", have, oldest)
	}
	return nil
}

// walMode turns a new file into a WAL database. A database that is one already
// must not be asked again: leaving WAL needs the file for itself.
func walMode(c *sqlite3.SQLiteConn, mode Mode) error {
	journal, err := first(c, "PRAGMA journal_mode")
	if err != nil || journal == "wal" {
		return err
	}
	if mode == Reader {
		return errors.New("vfs: a new database needs a writer first")
	}
	// The first page is written under a rollback journal, which may not be a file.
	if err := run(c, "PRAGMA journal_mode=MEMORY", "PRAGMA auto_vacuum=INCREMENTAL"); err != nil {
		return err
	}
	journal, err = first(c, "PRAGMA journal_mode=WAL")
	if err == nil && journal != "wal" {
		err = fmt.Errorf("vfs: journal mode %s", journal)
	}
	return err
}

func run(c *sqlite3.SQLiteConn, statements ...string) error {
	for _, s := range statements {
		if _, err := c.Exec(s, nil); err != nil {
			return fmt.Errorf("vfs: %s: %w", s, err)
		}
	}
	return nil
}

// first gives the first column of the first row as text.
func first(c *sqlite3.SQLiteConn, query string) (string, error) {
	rows, err := c.Query(query, nil)
	if err != nil {
		return "", fmt.Errorf("vfs: %s: %w", query, err)
	}
	defer rows.Close()
	row := make([]driver.Value, len(rows.Columns()))
	if err := rows.Next(row); err != nil {
		return "", fmt.Errorf("vfs: %s: %w", query, err)
	}
	if b, ok := row[0].([]byte); ok {
		return string(b), nil
	}
	return fmt.Sprint(row[0]), nil
}
