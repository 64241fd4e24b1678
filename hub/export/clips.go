package export

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ingle-home/ingle/hub/record"
)

// clips writes what the cameras recorded, a film each. One that is damaged ends where it is; one that is
// deleted meanwhile ends the export.
func (w *writing) clips() error {
	if w.films.Store == nil {
		return nil
	}
	taken := map[string]bool{}
	for _, t := range w.about.Accessories {
		for _, c := range w.films.List(t.ID) {
			if c.State == record.Running {
				continue
			}
			name := fmt.Sprintf("clips/%s/%s.mp4", fileName(t.Name), c.At.UTC().Format(stamp))
			if taken[name] {
				name = fmt.Sprintf("clips/%s/%s-%s.mp4", fileName(t.Name), c.At.UTC().Format(stamp), c.ID)
			}
			taken[name] = true
			if err := w.clip(c, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writing) clip(c record.Clip, name string) (err error) {
	film, err := w.films.Open(w.ctx, c.ID)
	switch {
	case errors.Is(err, record.ErrNotFound):
		return nil // deleted since it was listed
	case errors.Is(err, record.ErrDamaged):
		return nil // the list of clips tells
	case err != nil:
		return err
	}
	defer func() { err = errors.Join(err, film.Close()) }()
	// A film is packed already.
	f, err := w.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store, Modified: c.At.UTC()})
	if err != nil {
		return err
	}
	w.filmed++
	_, err = io.Copy(f, bounded{w.ctx, film})
	switch {
	case errors.Is(err, record.ErrNotFound):
		return context.Canceled
	case errors.Is(err, record.ErrDamaged):
		return nil
	}
	return err
}

// bounded reads until its context ends.
type bounded struct {
	ctx  context.Context
	from io.Reader
}

func (b bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.from.Read(p)
}
