package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"fmt"
	seeded "math/rand/v2"
	"os"
	"time"

	"github.com/ingle-home/ingle/storage/vfs"
	"github.com/mattn/go-sqlite3"
)

// The cache of storage/records, of a small one, and of one that holds the file; KiB.
const (
	productCache = "PRAGMA cache_size=-16000"
	smallCache   = "PRAGMA cache_size=-2000"
	largeCache   = "PRAGMA cache_size=-64000"
)

// The tasks, in the order of the report.
const (
	batchInsert = "insert of all rows in one transaction, with an index"
	fullCommit  = "500 commits of one row, synchronous FULL"
	normal      = "5,000 commits of one row, synchronous NORMAL"
	pointRead   = "30,000 reads by key"
	scan        = "5 scans of the whole table"
	indexRange  = "20 index ranges of 5 %, the product's cache (16 MB)"
	rangeSmall  = "20 index ranges of 5 %, a cache of 2 MB"
	rangeLarge  = "20 index ranges of 5 %, a cache larger than the file"
	integrity   = "integrity_check"
	size        = "size of the file"
)

// work does every task once on a new database and gives nanoseconds, and for size bytes.
func work(ctx context.Context, path string, isSealed bool, rows int) (map[string]float64, error) {
	w := &worker{ctx: ctx, path: path, rows: rows, took: make(map[string]float64)}
	w.connect = w.plain()
	if isSealed {
		w.connect = w.sealed()
	}
	w.open(productCache)
	w.writes()
	w.open(productCache) // reads begin with a cold cache
	w.reads()
	for _, r := range []struct{ task, cache string }{{indexRange, productCache}, {rangeSmall, smallCache}, {rangeLarge, largeCache}} {
		w.open(r.cache)
		w.ranges(r.task)
	}
	w.close()
	if info, err := os.Stat(path); err == nil {
		w.took[size] = float64(info.Size())
	} else if w.err == nil {
		w.err = err
	}
	return w.took, w.err
}

// worker keeps the first error; after one it does nothing more.
type worker struct {
	ctx     context.Context
	path    string
	rows    int
	connect func(cache string) driver.Connector
	db      *sql.DB
	took    map[string]float64
	err     error
}

func (w *worker) sealed() func(string) driver.Connector {
	k := vfs.Keys{Page: make([]byte, 32), WALHeader: make([]byte, 32)}
	rand.Read(k.Page)
	rand.Read(k.WALHeader)
	v, err := vfs.Register(k)
	if err != nil {
		w.err = err
		return nil
	}
	return func(cache string) driver.Connector { return v.Connector(w.path, vfs.Writer, cache) }
}

// plain is a stock database with the same settings.
func (w *worker) plain() func(string) driver.Connector {
	return func(cache string) driver.Connector {
		pragmas := []string{"PRAGMA auto_vacuum=INCREMENTAL", "PRAGMA journal_mode=WAL", "PRAGMA temp_store=MEMORY", cache}
		return connector{w.path, &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
			for _, p := range pragmas {
				if _, err := c.Exec(p, nil); err != nil {
					return err
				}
			}
			return nil
		}}}
	}
}

type connector struct {
	path   string
	driver *sqlite3.SQLiteDriver
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.path) }
func (c connector) Driver() driver.Driver                        { return c.driver }

func (w *worker) open(cache string) {
	w.close()
	if w.err == nil {
		w.db = sql.OpenDB(w.connect(cache))
		w.db.SetMaxOpenConns(1)
		w.err = w.db.PingContext(w.ctx)
	}
}

func (w *worker) close() {
	if w.db == nil {
		return
	}
	if err := w.db.Close(); w.err == nil {
		w.err = err
	}
	w.db = nil
}

func (w *worker) time(task string, do func()) {
	start := time.Now()
	do()
	w.took[task] = float64(time.Since(start))
}

func (w *worker) exec(statement string, args ...any) {
	if w.err == nil {
		if _, w.err = w.db.ExecContext(w.ctx, statement, args...); w.err != nil {
			w.err = fmt.Errorf("%s: %w", statement, w.err)
		}
	}
}

// query reads one row of two columns.
func (w *worker) query(statement string, args ...any) {
	var a, b any
	if w.err == nil {
		if w.err = w.db.QueryRowContext(w.ctx, statement, args...).Scan(&a, &b); w.err != nil {
			w.err = fmt.Errorf("%s: %w", statement, w.err)
		}
	}
}

func (w *worker) writes() {
	w.exec("PRAGMA synchronous=NORMAL")
	w.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, k INT, v TEXT)")
	w.exec("CREATE INDEX tk ON t (k)")
	w.time(batchInsert, func() {
		w.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<?)
			INSERT INTO t SELECT i, (i*7919)%1000003, 'a reading of the length that is usual here, as JSON or so, with one word more '||i FROM n`, w.rows)
	})
	next := w.rows
	commits := func(n int) {
		for range n {
			next++
			w.exec("INSERT INTO t VALUES (?, ?, 'a reading of the length that is usual here, as JSON or so, with one word more')", next, next%1000003)
		}
	}
	w.exec("PRAGMA synchronous=FULL")
	w.time(fullCommit, func() { commits(min(500, w.rows/10)) })
	w.exec("PRAGMA synchronous=NORMAL")
	w.time(normal, func() { commits(min(5000, w.rows/10)) })
}

func (w *worker) reads() {
	r := seeded.New(seeded.NewPCG(1, 2))
	w.time(scan, func() {
		for range 5 {
			w.query("SELECT count(*), sum(length(v)) FROM t NOT INDEXED")
		}
	})
	w.time(pointRead, func() {
		for range min(30_000, w.rows) {
			w.query("SELECT id, v FROM t WHERE id=?", 1+r.IntN(w.rows))
		}
	})
	w.time(integrity, func() { w.query("SELECT integrity_check, 1 FROM pragma_integrity_check") })
}

// ranges reads by the index, so rows of one range lie all over the table.
func (w *worker) ranges(task string) {
	w.time(task, func() {
		for i := range 20 {
			w.query("SELECT count(*), sum(length(v)) FROM t WHERE k BETWEEN ? AND ?", i*47_000, i*47_000+50_000)
		}
	})
}
