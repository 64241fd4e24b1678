package formattest

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
)

// Record is one record as docs/FORMAT.md names its columns; Body is opened.
type Record struct {
	Kind, ID, Subject string
	At, Expires       int64 // nanoseconds since 1970 UTC
	Body              []byte
}

// Store is what the page makes of a whole store.
type Store struct {
	Core, Telemetry *Database
	keys            *Keys
	subjects        map[string][]byte // opened subject keys
}

// OpenStore reads both databases of the store in dir and the subject keys. The hub
// must not be running.
func OpenStore(dir string, k *Keys) (*Store, error) {
	s := &Store{keys: k, subjects: make(map[string][]byte)}
	var err error
	for role, db := range map[string]**Database{"core": &s.Core, "telemetry": &s.Telemetry} {
		path := filepath.Join(dir, fmt.Sprintf("%s-%d.db", role, k.Epoch))
		if *db, err = OpenDatabase(path, role, k); err != nil {
			return nil, fmt.Errorf("%s: %w", role, err)
		}
	}
	if err := s.epoch(); err != nil {
		return nil, err
	}
	return s, s.openSubjects()
}

// Rows gives the rows of a table, WITHOUT ROWID or not, as their columns.
func (d *Database) Rows(table string) (rows [][]any, err error) {
	root, err := d.root(table)
	if err != nil {
		return nil, err
	}
	err = d.payloads(root, 0, func(_ int64, payload []byte) error {
		row, err := columns(payload)
		rows = append(rows, row)
		return err
	})
	return rows, err
}

// root finds a table's root page in the schema, the table whose root is page 1.
func (d *Database) root(table string) (root uint32, err error) {
	err = d.payloads(1, 0, func(_ int64, payload []byte) error {
		row, err := columns(payload)
		if err != nil || len(row) < 5 {
			return fmt.Errorf("%w: a row of the schema: %v", ErrRefused, err)
		}
		if n, ok := row[3].(int64); ok && row[0] == "table" && row[1] == table {
			root = uint32(n)
		}
		return nil
	})
	if err == nil && root == 0 {
		err = fmt.Errorf("%w: there is no table %s", ErrRefused, table)
	}
	return root, err
}

func (s *Store) epoch() error {
	rows, err := s.Core.Rows("meta")
	if err != nil {
		return err
	}
	for _, row := range rows {
		if row[0] == "epoch" && fmt.Sprint(row[1]) != fmt.Sprint(s.keys.Epoch) {
			return fmt.Errorf("%w: core is of epoch %v", ErrRefused, row[1])
		}
	}
	return nil
}

func (s *Store) openSubjects() error {
	wrap, err := s.keys.For("hub/subject-wrap")
	if err != nil {
		return err
	}
	rows, err := s.Core.Rows("subject_key")
	if err != nil {
		return err
	}
	for _, row := range rows {
		subject, _ := row[0].(string)
		wrapped, _ := row[1].([]byte)
		if s.subjects[subject], err = unsealWhole(wrap, wrapped, join(s.keys.Vault, subject)); err != nil {
			return fmt.Errorf("subject key: %w", err)
		}
	}
	return nil
}

// Records gives all records of a role, "core" or "telemetry".
func (s *Store) Records(role string) (found []Record, err error) {
	db, table, first := s.Core, "record", 0
	if role == "telemetry" {
		db, table, first = s.Telemetry, "reading", 1 // after seq
	}
	rows, err := db.Rows(table)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if len(row) != first+6 {
			return nil, fmt.Errorf("%w: a row of %d columns", ErrRefused, len(row))
		}
		r := Record{}
		row = row[first:]
		r.Kind, _ = row[0].(string)
		r.ID, _ = row[1].(string)
		r.Subject, _ = row[2].(string)
		r.At, _ = row[3].(int64)
		r.Expires, _ = row[4].(int64)
		r.Body, _ = row[5].([]byte)
		if r.Subject != "" {
			bound := join(role, r.Kind, r.ID, r.Subject)
			bound = binary.BigEndian.AppendUint64(bound, uint64(r.At))
			bound = binary.BigEndian.AppendUint64(bound, uint64(r.Expires))
			if r.Body, err = unsealWhole(s.subjects[r.Subject], r.Body, bound); err != nil {
				return nil, fmt.Errorf("the body of %s %s: %w", r.Kind, r.ID, err)
			}
		}
		found = append(found, r)
	}
	return found, nil
}
