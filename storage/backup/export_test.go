package backup

import "io"

// ReadHead gives the bytes in front of the chunks, and the keys among them.
func ReadHead(r io.Reader) (raw, keys []byte, err error) {
	h, err := readHead(r)
	return h.raw, h.keys, err
}

// At has step called between the steps of a backup.
func (s Source) At(step func(string)) Source {
	s.step = step
	return s
}

// At has step called between the steps of a restore.
func (b *Backup) At(step func(string)) { b.step = step }

// UndoAt undoes a restore and has step called between the steps.
func UndoAt(dir string, step func(string)) error { return undo(dir, step) }
