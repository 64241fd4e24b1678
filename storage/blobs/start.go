package blobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/ingle-home/ingle/storage/records"
)

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
	files, doomed, err := s.names()
	if err != nil {
		return err
	}
	if err := s.recognise(ctx, len(files)+len(doomed)); err != nil {
		return err
	}
	if err := s.drop(ctx, doomed); err != nil {
		return err
	}
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
		e := s.admit(g, !files[g.ID])
		delete(files, g.ID)
		if keys[g.Subject] == nil || g.State == Recording && !s.settle(ctx, e, keys[g.Subject]) {
			useless = append(useless, e)
		}
	}
	if err := s.remove(ctx, useless); err != nil {
		return err
	}
	return s.adoptAll(ctx, files, keys)
}

// names lists the files of segments, and those that were about to be deleted.
func (s *Store) names() (files map[string]bool, doomed []string, err error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, nil, err
	}
	files = make(map[string]bool)
	for _, e := range entries {
		id, gone := strings.CutSuffix(e.Name(), goneSuffix)
		switch {
		case !isID(id): // not ours, such as lost+found
		case gone:
			doomed = append(doomed, id)
		default:
			files[id] = true
		}
	}
	return files, doomed, nil
}

// recognise refuses a database that has never heard of the files: a new one in
// the place of a lost one would take them for remnants and delete them.
func (s *Store) recognise(ctx context.Context, files int) error {
	_, err := s.rows.Get(ctx, kindFolder, folder)
	if !errors.Is(err, records.ErrNotFound) {
		return err
	}
	if files > 0 {
		return fmt.Errorf("%w: %d files of which the database knows nothing", ErrDamaged, files)
	}
	return s.rows.Put(ctx, records.Record{Kind: kindFolder, ID: folder, At: s.now()})
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
// others are of a subject that was forgotten, and go.
func (s *Store) adoptAll(ctx context.Context, files map[string]bool, keys map[string][]byte) error {
	var remnants []string
	for id := range files {
		subject, err := s.whose(id, keys)
		if err != nil {
			continue // the disk does not say; the next start asks again
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
	return s.drop(ctx, remnants)
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
