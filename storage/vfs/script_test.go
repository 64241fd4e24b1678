package vfs_test

import (
	"fmt"
	"math/rand/v2"
)

// Upkeep that a step may begin with, besides statements that are run as they are.
const (
	vacuum = "VACUUM"
	reopen = "reopen"
)

const (
	mostTables = 5
	mostRows   = 1500 // per table, roughly: more are deleted before others come
)

// steps is what one step does: upkeep first, then a transaction.
type steps struct {
	upkeep     string
	statements []string
	rollback   bool // the transaction's end
}

type table struct {
	name string
	rows int
}

// plan gives step n. It depends on the seed and on what is in the database before
// the step, so the same step can be done again by whoever missed it.
func plan(seed uint64, n int, tables []table) steps {
	s := script{rand.New(rand.NewPCG(seed, uint64(n))), n, tables}
	if len(tables) == 0 {
		return steps{statements: []string{s.create()}}
	}
	p := steps{rollback: s.oneIn(12)}
	if s.oneIn(6) {
		p.upkeep = s.upkeep()
	}
	for range 1 + s.IntN(4) {
		p.statements = append(p.statements, s.change()...)
	}
	if s.oneIn(6) {
		p.statements = append(p.statements, s.define())
	}
	if s.oneIn(3) {
		p.statements = s.savepoint(p.statements)
	}
	return p
}

type script struct {
	*rand.Rand
	n      int
	tables []table
}

func (s script) oneIn(n int) bool { return s.IntN(n) == 0 }

func (s script) one(of ...string) string { return of[s.IntN(len(of))] }

func (s script) upkeep() string {
	return s.one(vacuum, reopen, "PRAGMA incremental_vacuum", fmt.Sprintf("PRAGMA incremental_vacuum(%d)", 1+s.IntN(60)),
		"PRAGMA wal_checkpoint(PASSIVE)", "PRAGMA wal_checkpoint(FULL)", "PRAGMA wal_checkpoint(RESTART)",
		"PRAGMA wal_checkpoint(TRUNCATE)")
}

// create gives one of four shapes of table; all have the columns id, a, b, c.
func (s script) create() string {
	shape := s.one(
		"(id INTEGER PRIMARY KEY, a INT, b TEXT, c BLOB)",
		"(id INT PRIMARY KEY, a INT, b TEXT, c BLOB) WITHOUT ROWID",
		"(id INT, a INT, b TEXT, c BLOB)",
		"(id INTEGER PRIMARY KEY, a INT, b TEXT UNIQUE, c BLOB, g INT AS (a*3+length(b)) STORED)")
	return fmt.Sprintf("CREATE TABLE t%d %s", s.n, shape)
}

// define changes the schema.
func (s script) define() string {
	t := s.tables[s.IntN(len(s.tables))].name
	switch k := s.IntN(8); {
	case k < 2 && len(s.tables) < mostTables:
		return s.create()
	case k == 2 && len(s.tables) > 2:
		return "DROP TABLE " + t
	case k == 3:
		return fmt.Sprintf("DROP INDEX IF EXISTS i%d", s.n-1-s.IntN(30))
	case k == 4:
		return fmt.Sprintf("ALTER TABLE %s ADD COLUMN x%d TEXT DEFAULT 'x%d'", t, s.n%6, s.n)
	default:
		return fmt.Sprintf("CREATE %s i%d ON %s %s", s.one("INDEX", "INDEX", "UNIQUE INDEX"), s.n, t,
			s.one("(a)", "(b, a)", "(c)", "(length(c), id)", "(a, b) WHERE a%2=0"))
	}
}

// change gives statements that touch rows of one table.
func (s script) change() []string {
	t := s.tables[s.IntN(len(s.tables))]
	m := 2 + s.IntN(9)
	where := fmt.Sprintf(" WHERE id%%%d=%d", m, s.IntN(m))
	if s.oneIn(3) {
		from := s.IntN(mostRows)
		where = fmt.Sprintf(" WHERE id BETWEEN %d AND %d", from, from+s.IntN(400))
	}
	if t.rows > mostRows {
		return []string{"DELETE FROM " + t.name + where, s.update(t.name, where)}
	}
	switch s.IntN(9) {
	case 0, 1, 2, 3:
		return []string{s.insert(t.name)}
	case 4:
		return []string{"DELETE FROM " + t.name + where}
	case 5:
		other := s.tables[s.IntN(len(s.tables))].name
		return []string{fmt.Sprintf("INSERT OR REPLACE INTO %s (id, a, b, c) SELECT id+%d, a, b, c FROM %s%s",
			t.name, s.IntN(50), other, where)}
	case 6:
		// The same pages again and again: frames of this transaction are overwritten.
		return []string{s.update(t.name, where), s.insert(t.name), s.update(t.name, ""), s.insert(t.name), s.update(t.name, where)}
	case 7:
		// A rollback may have brought the temp table of an earlier step back.
		return []string{"DROP TABLE IF EXISTS temp.sorted", "CREATE TEMP TABLE sorted AS SELECT * FROM " + t.name + " ORDER BY c, b DESC", "DROP TABLE temp.sorted"}
	default:
		return []string{s.update(t.name, where)}
	}
}

func (s script) insert(t string) string {
	from, n := s.IntN(mostRows), 1+s.IntN(300)
	length := s.IntN(120)
	if s.oneIn(5) {
		from, n, length = s.IntN(mostRows), 1+s.IntN(12), 3000+s.IntN(12000) // pages that overflow
	}
	return fmt.Sprintf("INSERT %s INTO %s (id, a, b, c) WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i+1 FROM n WHERE i<%d) "+
		"SELECT i, (i*7919+%d)%%1009, printf('%%0%dd', i), CAST(printf('%%.*c', %d+i%%50, char(97+(i+%d)%%26)) AS BLOB) FROM n",
		s.one("OR IGNORE", "OR REPLACE", ""), t, from, from+n, s.n, 1+s.IntN(60), length, s.n)
}

func (s script) update(t, where string) string {
	return fmt.Sprintf("UPDATE %s %s SET a=(a*31+%d)%%1013, c=%s%s", s.one("OR IGNORE", "OR REPLACE", ""), t, s.n,
		s.one("c", "substr(c||'longer', 1, 400)", "zeroblob(length(c))", "CAST(b||a AS BLOB)"), where)
}

// savepoint puts some of the statements into savepoints of which some are undone.
func (s script) savepoint(statements []string) []string {
	at := s.IntN(len(statements) + 1)
	inner := append([]string{"SAVEPOINT one"}, statements[at:]...)
	if s.oneIn(2) {
		inner = append(inner, "SAVEPOINT two")
		inner = append(inner, s.change()...)
		inner = append(inner, s.one("ROLLBACK TO two", "RELEASE two"))
	}
	if s.oneIn(2) {
		inner = append(inner, "ROLLBACK TO one")
		inner = append(inner, s.change()...)
	}
	return append(append(append([]string{}, statements[:at]...), inner...), "RELEASE one")
}
