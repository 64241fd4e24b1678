package export

import (
	"archive/zip"
	"bufio"
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/record"
	"github.com/ingle-home/ingle/storage/records"
)

// writing is one archive that is being written.
type writing struct {
	ctx    context.Context
	about  about
	tables records.Plain
	zip    *zip.Writer
	films  record.Clips
	filmed int              // clips that were written
	told   func(rows int64) // that so many rows were written
	rows   int64
}

// write writes the archive and says how many readings and clips are in it. Beside it, in folder, lies meanwhile
// what it is made from.
func (d *Desk) write(ctx context.Context, to io.Writer, folder string, a about) (n, filmed int, err error) {
	tables, n, err := d.tables(ctx, folder, a)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, tables.Close()) }()
	half := 2 * int64(n) // each reading is written twice
	w := &writing{ctx: ctx, about: a, tables: tables, zip: zip.NewWriter(to), told: func(rows int64) { d.progress(half+rows, 2*half) }}
	if d.Clips != nil {
		w.films = d.Clips()
	}
	for _, step := range []func() error{w.readme, w.home, w.tracks, w.traits, w.lines, w.database, w.clips} {
		if err := step(); err != nil {
			return 0, 0, err
		}
		d.reached("file")
	}
	return n, w.filmed, w.zip.Close()
}

// file begins the next file of the archive.
func (w *writing) file(name string) (io.Writer, error) {
	return w.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: w.about.Made})
}

func (w *writing) home() error {
	f, err := w.file("home.json")
	if err != nil {
		return err
	}
	out := json.NewEncoder(f)
	out.SetIndent("", "  ")
	return out.Encode(w.about)
}

func (w *writing) database() error {
	f, err := w.file("ingle.sqlite")
	if err != nil {
		return err
	}
	return w.tables.Write(w.ctx, f)
}

// traits writes a table for each trait.
func (w *writing) traits() error {
	ids, err := w.texts("SELECT DISTINCT trait FROM reading ORDER BY trait")
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := w.trait(id); err != nil {
			return err
		}
	}
	return nil
}

func (w *writing) trait(id string) error {
	f, err := w.file("readings/" + fileName(id) + ".csv")
	if err != nil {
		return err
	}
	out := csv.NewWriter(f)
	if id == trait.Where.ID() {
		err = out.Write([]string{"time", "accessory", "name", "person", "lat", "lon", "accuracy", "fixed"})
	} else {
		err = out.Write([]string{"time", "accessory", "name", "person", "value"})
	}
	if err != nil {
		return err
	}
	err = w.each("WHERE trait=? ORDER BY time, rowid", []any{id}, func(r row) error {
		line := []string{r.time, r.accessory, cell(w.about.thingName(r.accessory)), cell(w.about.personName(r.person))}
		var p trait.Place
		if id == trait.Where.ID() && json.Unmarshal([]byte(r.value), &p) == nil {
			line = append(line, fmt.Sprint(p.Lat), fmt.Sprint(p.Lon), fmt.Sprint(p.Accuracy), fmt.Sprint(p.Fixed))
		} else {
			line = append(line, r.value)
		}
		return out.Write(line)
	})
	out.Flush()
	return errors.Join(err, out.Error())
}

// cell keeps a spreadsheet from taking a name for a formula.
func cell(name string) string {
	if name != "" && strings.ContainsRune("=+-@\t", rune(name[0])) {
		return "'" + name
	}
	return name
}

// line is a reading as JSON Lines has it.
type line struct {
	Time      string          `json:"time"`
	Accessory string          `json:"accessory"`
	Person    string          `json:"person,omitempty"`
	Trait     string          `json:"trait"`
	Value     json.RawMessage `json:"value"`
}

func (w *writing) lines() error {
	f, err := w.file("readings.jsonl")
	if err != nil {
		return err
	}
	buffer := bufio.NewWriter(f)
	out := json.NewEncoder(buffer)
	err = w.each("ORDER BY rowid", nil, func(r row) error {
		return out.Encode(line{r.time, r.accessory, r.person, r.trait, json.RawMessage(r.value)})
	})
	return errors.Join(err, buffer.Flush())
}

// row is a reading as the table has it.
type row struct{ time, accessory, person, trait, value string }

// each gives the readings that the rest of a statement selects.
func (w *writing) each(which string, args []any, f func(row) error) error {
	rows, err := w.tables.QueryContext(w.ctx,
		"SELECT time, accessory, person, trait, CAST(value AS TEXT) FROM reading "+which, args...)
	if err != nil {
		return err
	}
	return scan(rows, func() error {
		var r row
		if err := rows.Scan(&r.time, &r.accessory, &r.person, &r.trait, &r.value); err != nil {
			return err
		}
		w.rows++
		w.told(w.rows)
		return f(r)
	})
}

// texts is the first column of a query.
func (w *writing) texts(query string) (all []string, err error) {
	rows, err := w.tables.QueryContext(w.ctx, query)
	if err != nil {
		return nil, err
	}
	err = scan(rows, func() error {
		var one string
		err := rows.Scan(&one)
		all = append(all, one)
		return err
	})
	return all, err
}

func scan(rows *sql.Rows, f func() error) error {
	for rows.Next() {
		if err := f(); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}
