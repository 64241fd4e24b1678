package vfs_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"
)

const speedRounds = 9

// TestSpeed measures the sealed file against a stock one in alternating rounds
// and prints the medians' ratios. The stock one runs twice a round: what lies
// between those two is noise.
func TestSpeed(t *testing.T) {
	if os.Getenv("INGLE_BENCH") == "" {
		t.Skip("set INGLE_BENCH=1 to measure (about a minute)")
	}
	took := make(map[string]map[string][]time.Duration)
	size := make(map[string]int64)
	order := []string{"stock", "sealed", "stock again"}
	for range speedRounds {
		order = append(order[1:], order[0]) // whoever starts a round has it colder
		for _, who := range order {
			path := filepath.Join(t.TempDir(), "speed.db")
			for task, d := range speedRound(t, who, path) {
				if took[task] == nil {
					took[task] = make(map[string][]time.Duration)
				}
				took[task][who] = append(took[task][who], d)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			size[who] = info.Size()
		}
	}
	for _, task := range slices.Sorted(maps.Keys(took)) {
		stock := median(took[task]["stock"])
		t.Logf("%-22s stock %9v  sealed %9v  ratio %.2f  (stock again %.2f)", task, stock.Round(time.Microsecond),
			median(took[task]["sealed"]).Round(time.Microsecond),
			float64(median(took[task]["sealed"]))/float64(stock), float64(median(took[task]["stock again"]))/float64(stock))
	}
	t.Logf("size: stock %d, sealed %d, ratio %.3f", size["stock"], size["sealed"], float64(size["sealed"])/float64(size["stock"]))
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// speedDB opens one connection with the product's pragmas.
func speedDB(t *testing.T, who, path string) *sql.DB {
	t.Helper()
	pragmas := []string{"PRAGMA synchronous=NORMAL", "PRAGMA cache_size=-16000", "PRAGMA temp_store=MEMORY"}
	if who == "sealed" {
		return openDB(t, path, pragmas...)
	}
	stock := &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
		for _, p := range append([]string{"PRAGMA auto_vacuum=INCREMENTAL", "PRAGMA journal_mode=WAL"}, pragmas...) {
			if _, err := c.Exec(p, nil); err != nil {
				return err
			}
		}
		return nil
	}}
	db := sql.OpenDB(plainConnector{stock, path})
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func speedRound(t *testing.T, who, path string) map[string]time.Duration {
	t.Helper()
	db := speedDB(t, who, path)
	took := make(map[string]time.Duration)
	measure := func(task string, do func()) {
		start := time.Now()
		do()
		took[task] = time.Since(start)
	}
	exec1(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, k INT, v TEXT)")
	exec1(t, db, "CREATE INDEX tk ON t (k)")
	const rows = 100_000
	measure("batch insert 100k", func() {
		exec1(t, db, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<?)
			INSERT INTO t SELECT i, (i*7919)%100003, 'a value of some length '||i FROM n`, rows)
	})
	exec1(t, db, "PRAGMA synchronous=FULL")
	measure("FULL commits 200", func() {
		for i := range 200 {
			exec1(t, db, "INSERT INTO t VALUES (?, ?, 'one')", rows+1+i, i)
		}
	})
	r := rand.New(rand.NewPCG(1, 2))
	one := func(query string, args ...any) {
		var n, sum any
		if err := db.QueryRow(query, args...).Scan(&n, &sum); err != nil {
			t.Fatal(err)
		}
	}
	measure("point reads 20k", func() {
		for range 20_000 {
			one("SELECT id, v FROM t WHERE id=?", 1+r.IntN(rows))
		}
	})
	measure("scans 5", func() {
		for range 5 {
			one("SELECT count(*), sum(length(v)) FROM t")
		}
	})
	measure("index ranges 10", func() {
		for i := range 10 {
			one("SELECT count(*), sum(length(v)) FROM t WHERE k BETWEEN ? AND ?", i*9000, i*9000+5000)
		}
	})
	measure("integrity_check", func() {
		if err := integrity(db); err != nil {
			t.Fatal(err)
		}
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return took
}

// plainConnector opens a stock database.
type plainConnector struct {
	driver *sqlite3.SQLiteDriver
	path   string
}

func (c plainConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.path) }
func (c plainConnector) Driver() driver.Driver                        { return c.driver }
