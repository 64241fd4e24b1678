package blobs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/records"
)

// After a restore the database may be older than the folder. The segments that it does
// not know are taken up again by what their headers say, if it knows their key. Keys that
// were made after the backup it does not know; such files are of no use now, but may be
// to a newer database that somebody restores next. So they stay, out of the list.
//
// Files without a row and without a key are also what records.Forget leaves, and those must go.
// To tell the two apart, folder and database change a common random mark
// whenever a key is made: a database that has the folder's mark knows, or has
// forgotten, every key that there ever was.

// Found is the kind of a segment that Open found without a row and with a key:
// the database was restored from a backup that is older than the segment.
const Found = "found"

// row is the body of a segment's record.
type row struct {
	Kind  string    `json:"kind"`
	State State     `json:"state"`
	Size  int64     `json:"size"`
	End   time.Time `json:"end,omitzero"`
	Kept  bool      `json:"kept,omitempty"`
	Note  []byte    `json:"note,omitempty"`
}

func toRow(g Segment) records.Record {
	body, err := json.Marshal(row{Kind: g.Kind, State: g.State, Size: g.Size, End: g.End, Kept: g.Kept, Note: g.Note})
	if err != nil {
		panic("blobs: a row of plain fields is refused: " + err.Error())
	}
	return records.Record{Kind: kindSegment, ID: g.ID, Subject: g.Subject, At: g.At, Body: body}
}

func fromRow(r records.Record) (Segment, error) {
	var b row
	if err := json.Unmarshal(r.Body, &b); err != nil {
		return Segment{}, fmt.Errorf("%w: row of %s: %w", ErrDamaged, r.ID, err)
	}
	if !isID(r.ID) || b.Size < 0 || b.State > Truncated {
		return Segment{}, fmt.Errorf("%w: row of %s", ErrDamaged, r.ID)
	}
	return Segment{ID: r.ID, Subject: r.Subject, Kind: b.Kind, At: r.At, End: b.End, Size: b.Size,
		Kept: b.Kept, State: b.State, Note: b.Note}, nil
}

// start makes the list from the rows and the folder, and puts both in order.
func (s *Store) start(ctx context.Context) error {
	names, err := s.names()
	if err != nil {
		return err
	}
	newest, err := s.recognise(ctx, names)
	if err != nil {
		return err
	}
	if err := s.drop(ctx, names[goneSuffix].ids()); err != nil {
		return err
	}
	if !newest { // to the database that is here now they may be no strangers
		for id := range names[strangeSuffix] {
			if err := s.rename(id, strangeSuffix, ""); err != nil {
				return err
			}
			names[""].add(id)
		}
	}
	if err := s.takeUp(ctx, names[""], newest); err != nil || newest {
		return err
	}
	return s.meet(ctx)
}

// takeUp lists what there are rows or keys for, and puts aside or removes the rest.
func (s *Store) takeUp(ctx context.Context, files set, newest bool) error {
	keys, err := s.keys(ctx)
	if err != nil {
		return err
	}
	defer func() {
		for _, key := range keys {
			clear(key)
		}
	}()
	rows, err := s.rows.List(ctx, kindSegment)
	if err != nil {
		return err
	}
	var useless []*entry
	for _, r := range rows {
		g, err := fromRow(r)
		if err != nil {
			return err
		}
		e := s.admit(g, !files.has(g.ID))
		delete(files, g.ID)
		if keys[g.Subject] == nil || g.State == Recording && !s.settle(ctx, e, keys[g.Subject]) {
			useless = append(useless, e)
		}
	}
	if err := s.remove(ctx, useless); err != nil {
		return err
	}
	return s.adoptAll(ctx, files, keys, newest)
}

// set is one of ids.
type set map[string]struct{}

func (s set) add(id string)      { s[id] = struct{}{} }
func (s set) has(id string) bool { _, has := s[id]; return has }
func (s set) ids() []string      { return slices.Collect(maps.Keys(s)) }

// names lists the files of segments by their suffix, which most do not have. What
// else lies in the folder, such as lost+found, is not ours.
func (s *Store) names() (map[string]set, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	names := map[string]set{"": {}, goneSuffix: {}, strangeSuffix: {}}
	for _, e := range entries {
		suffix := filepath.Ext(e.Name())
		id := strings.TrimSuffix(e.Name(), suffix)
		if of, known := names[suffix]; known && isID(id) {
			of.add(id)
		}
	}
	return names, nil
}

// recognise says whether the database is the one that was here last, and not an older
// copy. It refuses one that has never heard of the files: a new one in the place of a
// lost one would take them for remnants and delete them.
func (s *Store) recognise(ctx context.Context, names map[string]set) (newest bool, err error) {
	row, err := s.rows.Get(ctx, kindFolder, folder)
	if errors.Is(err, records.ErrNotFound) {
		if files := len(names[""]) + len(names[goneSuffix]) + len(names[strangeSuffix]); files > 0 {
			return false, fmt.Errorf("%w: %d files of which the database knows nothing", ErrDamaged, files)
		}
		return false, nil
	}
	if err != nil {
		return false, err
	}
	mark, err := os.ReadFile(s.path(markName))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return len(mark) > 0 && bytes.Equal(mark, row.Body), err
}

// meet gives folder and database a new mark, the latter in the transaction that stores rs. If
// the folder does not take it, or a crash comes in between, they have none in common, and
// the next start is more careful than need be.
func (s *Store) meet(ctx context.Context, rs ...records.Record) error {
	mark := []byte(newID())
	if s.writeMark(mark) != nil {
		mark = nil
	}
	rs = append(rs, records.Record{Kind: kindFolder, ID: folder, At: s.now(), Body: mark})
	return s.rows.Put(ctx, rs...)
}

// writeMark makes the folder's mark durable. After an error the old one is gone, if the folder
// can be written at all.
func (s *Store) writeMark(mark []byte) error {
	f, err := os.OpenFile(s.path(markName), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, storage.FileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(mark)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (s *Store) keys(ctx context.Context) (map[string][]byte, error) {
	rows, err := s.rows.List(ctx, kindKey)
	if err != nil {
		return nil, err
	}
	keys := make(map[string][]byte, len(rows))
	for _, r := range rows {
		if len(r.Body) != keySize {
			return nil, fmt.Errorf("%w: a media key of %d bytes", ErrDamaged, len(r.Body))
		}
		keys[r.Subject] = r.Body
	}
	return keys, nil
}

func (s *Store) admit(g Segment, lost bool) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := &entry{Segment: g, lost: lost, loose: g.State == Recording, readers: make(map[*Reader]struct{})}
	s.entries[g.ID] = e
	if !lost {
		s.stored += e.Stored()
	}
	return e
}

// adoptAll lists the files that have no row, if a living key opens them. The
// others are of a subject that was forgotten, and go, unless the database is too old
// to know.
func (s *Store) adoptAll(ctx context.Context, files set, keys map[string][]byte, newest bool) error {
	var remnants []string
	for id := range files {
		subject, err := s.whose(id, keys)
		if err != nil {
			continue // the disk does not say; the next start asks again
		}
		if subject == "" && !newest {
			if err := s.rename(id, "", strangeSuffix); err != nil {
				return err
			}
			continue
		}
		if subject == "" {
			if err := s.doom(id); err != nil {
				return err
			}
			remnants = append(remnants, id)
			continue
		}
		// When it began nobody knows; it was before its file was written last.
		at, err := os.Stat(s.path(id))
		if err != nil {
			return fmt.Errorf("blobs: open: %w", err)
		}
		e := s.admit(Segment{ID: id, Subject: subject, Kind: Found, At: at.ModTime().UTC()}, false)
		if !s.settle(ctx, e, keys[subject]) {
			if err := s.remove(ctx, []*entry{e}); err != nil {
				return err
			}
		}
	}
	if err := s.drop(ctx, remnants); err != nil {
		return err
	}
	return storage.SyncDir(s.dir) // what was put aside, before the mark says that all is known
}

// whose tries all keys on a file; "" if none fits.
func (s *Store) whose(id string, keys map[string][]byte) (string, error) {
	f, err := os.Open(s.path(id))
	if err != nil {
		return "", fmt.Errorf("blobs: open: %w", err)
	}
	defer f.Close()
	for subject, key := range keys {
		_, err := readHeader(f, key)
		if err == nil {
			return subject, nil
		}
		if !errors.Is(err, ErrDamaged) {
			return "", err
		}
	}
	return "", nil
}
