package export

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"path/filepath"
	"time"

	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/storage/records"
)

//go:embed tables.sql
var schema string

// instant is RFC 3339 in UTC; of one length, so that times sort as texts do.
const instant = "2006-01-02T15:04:05.000Z07:00"

func format(t time.Time) string { return t.UTC().Format(instant) }

// tables fills a plain database, from which the other files are written too: all of them show one
// moment. It lies in the folder that the person chose for the archive: what the home has seen in years
// does not fit into the memory of a small machine, and nowhere else may it lie in the clear.
func (d *Desk) tables(ctx context.Context, folder string, a about) (_ records.Plain, n int, err error) {
	p, err := records.OpenPlain(ctx, filepath.Join(folder, d.unfinished(tablesSuffix)), schema)
	if err != nil {
		return p, 0, err
	}
	d.reached("tables")
	err = p.Fill(ctx, func(tx *sql.Tx) (err error) {
		n, err = d.fill(ctx, tx, a)
		return err
	})
	if err != nil {
		return p, 0, errors.Join(err, p.Close())
	}
	return p, n, nil
}

func (d *Desk) fill(ctx context.Context, tx *sql.Tx, a about) (n int, err error) {
	if err := a.fill(ctx, tx); err != nil {
		return 0, err
	}
	reading, err := tx.PrepareContext(ctx, "INSERT INTO reading VALUES (?, ?, ?, ?, ?)")
	if err != nil {
		return 0, err
	}
	defer reading.Close()
	half := func(done, of int64) { d.progress(done, 2*of) }
	err = d.Readings.Each(ctx, a.only, half, func(p archive.Past) error {
		n++
		_, err := reading.ExecContext(ctx, format(p.At), p.Accessory, p.Person, p.Trait, string(p.Value))
		return err
	})
	return n, err
}

func (a about) fill(ctx context.Context, tx *sql.Tx) error {
	for _, p := range a.People {
		if _, err := tx.ExecContext(ctx, "INSERT INTO person VALUES (?, ?, ?)", p.ID, p.Name, string(p.Role)); err != nil {
			return err
		}
	}
	for _, z := range a.Zones {
		if _, err := tx.ExecContext(ctx, "INSERT INTO zone VALUES (?, ?, ?, ?, ?)", z.ID, z.Name, z.Lat, z.Lon, z.Radius); err != nil {
			return err
		}
	}
	for _, t := range a.Accessories {
		_, err := tx.ExecContext(ctx, "INSERT INTO accessory VALUES (?, ?, ?, ?, ?, ?, ?)", t.ID, t.Name, t.Kind, t.Driver, t.Address, t.Room, t.Person)
		if err != nil {
			return err
		}
	}
	for _, p := range a.Presence {
		if _, err := tx.ExecContext(ctx, "INSERT INTO presence VALUES (?, ?, ?)", p.Person, p.Zone, format(p.Since)); err != nil {
			return err
		}
	}
	return nil
}
