package vfs_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/ingle-home/ingle/storage/vfs"
	"github.com/ingle-home/ingle/storage/vfs/vfstest/zerosalts"
	"github.com/mattn/go-sqlite3"
)

// smallCache makes every larger transaction spill into the log, and every
// comparison read from the disk.
const smallCache = "PRAGMA cache_size=10"

// twin is one of the two databases: one connection that writes, one that reads.
type twin struct {
	pools       []*sql.DB
	write, read *sql.Conn
}

func openSealedTwin(path string, checkpoint int, zeroSalts bool) (*twin, error) {
	v, err := vfs.Register(testKeys('a'))
	if err != nil {
		return nil, err
	}
	if zeroSalts {
		name, err := zerosalts.Register(v)
		if err != nil {
			return nil, err
		}
		v = vfs.Named(name)
	}
	pragmas := []string{"PRAGMA synchronous=FULL", smallCache, fmt.Sprint("PRAGMA wal_autocheckpoint=", checkpoint)}
	return newTwin(v.Connector(path, vfs.Writer, pragmas...), v.Connector(path, vfs.Reader, smallCache))
}

func openPlainTwin(path string, checkpoint int) (*twin, error) {
	pragmas := []string{
		"PRAGMA auto_vacuum=INCREMENTAL", "PRAGMA journal_mode=WAL", "PRAGMA temp_store=MEMORY",
		"PRAGMA busy_timeout=5000", smallCache, fmt.Sprint("PRAGMA wal_autocheckpoint=", checkpoint),
	}
	c := plainConnector{stockDriver(pragmas), path}
	return newTwin(c, c)
}

// stockDriver opens plain databases and runs pragmas on each connection.
func stockDriver(pragmas []string) *sqlite3.SQLiteDriver {
	return &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
		for _, p := range pragmas {
			if _, err := c.Exec(p, nil); err != nil {
				return err
			}
		}
		return nil
	}}
}

// plainConnector opens a stock database.
type plainConnector struct {
	driver *sqlite3.SQLiteDriver
	path   string
}

func (c plainConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.path) }
func (c plainConnector) Driver() driver.Driver                        { return c.driver }

func newTwin(write, read driver.Connector) (*twin, error) {
	t := &twin{pools: []*sql.DB{sql.OpenDB(write), sql.OpenDB(read)}}
	ctx := context.Background()
	var err error
	if t.write, err = t.pools[0].Conn(ctx); err != nil {
		return nil, err
	}
	_, err = t.write.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS step (n INT); "+
		"INSERT INTO step SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM step)")
	if err != nil {
		return nil, err
	}
	t.read, err = t.pools[1].Conn(ctx)
	return t, err
}

func (t *twin) close() error {
	return errors.Join(t.read.Close(), t.write.Close(), t.pools[1].Close(), t.pools[0].Close())
}

func (t *twin) stepsDone() (n int, err error) {
	err = t.write.QueryRowContext(context.Background(), "SELECT n FROM step").Scan(&n)
	return n, err
}

// run does one step. It gives what each statement answered, "" for well; an error
// is of the step as a whole.
func (t *twin) run(n int, p steps) (verdicts []string, err error) {
	ctx := context.Background()
	if err := t.keepUp(ctx, p.upkeep); err != nil {
		return nil, fmt.Errorf("%s: %w", p.upkeep, err)
	}
	done := fmt.Sprint("UPDATE step SET n=", n)
	all := append([]string{"BEGIN IMMEDIATE"}, p.statements...)
	if p.rollback {
		all = append(all, "ROLLBACK", done)
	} else {
		all = append(all, done, "COMMIT")
	}
	for i, statement := range all {
		_, err := t.write.ExecContext(ctx, statement)
		ours := i == 0 || i > len(p.statements)
		var e sqlite3.Error
		if err != nil && (ours || !errors.As(err, &e) || e.Code == sqlite3.ErrIoErr || e.Code == sqlite3.ErrCorrupt) {
			return nil, fmt.Errorf("%s: %w", statement, err)
		}
		if !ours {
			verdicts = append(verdicts, strings.TrimPrefix(fmt.Sprint(err), "<nil>"))
		}
	}
	return verdicts, nil
}

func (t *twin) keepUp(ctx context.Context, what string) error {
	switch what {
	case "", reopen:
		return nil
	case vacuum:
		return vfs.Vacuum(ctx, t.write)
	}
	rows, err := t.write.QueryContext(ctx, what)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
	}
	return rows.Err()
}

// tables gives the tables that a step may use, and how many rows each has.
func (t *twin) tables() ([]table, error) {
	ctx := context.Background()
	names, err := column(ctx, t.write, "SELECT name FROM sqlite_schema WHERE type='table' AND name LIKE 't%' ORDER BY name")
	if err != nil {
		return nil, err
	}
	var found []table
	for _, name := range names {
		var n int
		if err := t.write.QueryRowContext(ctx, "SELECT count(*) FROM "+name).Scan(&n); err != nil {
			return nil, err
		}
		found = append(found, table{name, n})
	}
	return found, nil
}

func column(ctx context.Context, c *sql.Conn, query string) (values []string, err error) {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v string
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, rows.Err()
}

// digest gives a sum over the rows of each table, and the schema.
func (t *twin) digest(byReader bool) (map[string]string, error) {
	if byReader {
		return digest(context.Background(), t.read)
	}
	return digest(context.Background(), t.write)
}

func digest(ctx context.Context, c *sql.Conn) (map[string]string, error) {
	sums := make(map[string]string)
	schema, err := column(ctx, c, "SELECT type||name||ifnull(sql,'') FROM sqlite_schema ORDER BY name")
	if err != nil {
		return nil, err
	}
	sums["schema"] = strings.Join(schema, "\n")
	names, err := column(ctx, c, "SELECT name FROM sqlite_schema WHERE type='table' ORDER BY name")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if sums[name], err = sum(ctx, c, "SELECT * FROM "+name+" ORDER BY 1, 2, 3, 4"); name == "step" {
			sums[name], err = sum(ctx, c, "SELECT n FROM step")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return sums, nil
}

func sum(ctx context.Context, c *sql.Conn, query string) (string, error) {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return "", err
	}
	row, into := make([]sql.RawBytes, len(names)), make([]any, len(names))
	for i := range row {
		into[i] = &row[i]
	}
	hash, n := fnv.New128a(), 0
	for ; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return "", err
		}
		for _, v := range row {
			fmt.Fprintf(hash, "%d:", len(v))
			hash.Write(v)
		}
	}
	return fmt.Sprintf("%d rows, %x", n, hash.Sum(nil)), rows.Err()
}

// sound has SQLite look at every page and index.
func (t *twin) sound() error {
	verdict, err := column(context.Background(), t.write, "PRAGMA integrity_check")
	if err == nil && (len(verdict) != 1 || verdict[0] != "ok") {
		err = fmt.Errorf("integrity_check: %q", verdict)
	}
	return err
}

// snapshot is a read transaction that stays open over several steps.
type snapshot struct {
	since int
	conn  *sql.Conn
	was   map[string]string
}

func (t *twin) snapshot(n int) (*snapshot, error) {
	ctx := context.Background()
	conn, err := t.pools[1].Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	was, err := digest(ctx, conn)
	return &snapshot{n, conn, was}, err
}

// end checks that the snapshot still shows what it showed.
func (s *snapshot) end(ctx context.Context) error {
	defer s.conn.Close()
	now, err := digest(ctx, s.conn)
	if err != nil {
		return fmt.Errorf("snapshot of step %d: %w", s.since, err)
	}
	for name, was := range s.was {
		if now[name] != was {
			return fmt.Errorf("snapshot of step %d: %s was %q, is %q", s.since, name, was, now[name])
		}
	}
	_, err = s.conn.ExecContext(ctx, "ROLLBACK")
	return err
}
