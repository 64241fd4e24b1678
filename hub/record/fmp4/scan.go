package fmp4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxHead bounds a moof: thousands of samples, many more than a part has.
const maxHead = 1 << 20

// Mark is one part of a film.
type Mark struct {
	Begin  uint64 // ticks from the film's beginning, of its first picture
	Ticks  uint64 // how long its pictures last
	Offset int64  // where its moof begins
	Frames int    // pictures
	Key    bool   // its first picture can be decoded alone
}

// ErrBroken says that a film is not one that this package wrote.
var ErrBroken = errors.New("fmp4: not a film")

// Scan finds the parts in the first size bytes of a film, and where the last whole one ends: a crash may
// have cut the film anywhere. ErrBroken, with what was found before, for other bytes; the reader's errors.
func Scan(r io.ReaderAt, size int64) (marks []Mark, end int64, err error) {
	var pending *Mark
	for at := int64(0); at+8 <= size; {
		var head [8]byte
		if _, err := r.ReadAt(head[:], at); err != nil {
			return marks, end, fmt.Errorf("fmp4: scan: %w", err)
		}
		n, kind := int64(binary.BigEndian.Uint32(head[:])), string(head[4:])
		if n < 8 {
			return marks, end, fmt.Errorf("%w: a box of %d bytes", ErrBroken, n)
		}
		if at+n > size {
			break // cut
		}
		switch kind {
		case "ftyp", "moov", "free":
			if pending == nil {
				end = at + n
			}
		case "moof":
			m, err := readHead(r, at, n)
			if err != nil {
				return marks, end, err
			}
			pending = &m
		case "mdat":
			if pending == nil {
				return marks, end, fmt.Errorf("%w: bytes without a head", ErrBroken)
			}
			marks, pending, end = append(marks, *pending), nil, at+n
		default:
			return marks, end, fmt.Errorf("%w: a box %q", ErrBroken, kind)
		}
		at += n
	}
	return marks, end, nil
}

func readHead(r io.ReaderAt, at, n int64) (Mark, error) {
	m := Mark{Offset: at}
	if n > maxHead {
		return m, fmt.Errorf("%w: a head of %d bytes", ErrBroken, n)
	}
	moof := make([]byte, n)
	if _, err := r.ReadAt(moof, at); err != nil && !errors.Is(err, io.EOF) {
		return m, fmt.Errorf("fmp4: scan: %w", err)
	}
	found := false
	err := boxes(moof[8:], func(kind string, content []byte) error {
		if kind != "traf" {
			return nil
		}
		pictures := false
		return boxes(content, func(kind string, content []byte) error {
			switch {
			case kind == "tfhd" && len(content) >= 8:
				pictures = binary.BigEndian.Uint32(content[4:]) == Picture
				found = found || pictures
			case kind == "tfdt" && pictures && len(content) >= 12:
				m.Begin = binary.BigEndian.Uint64(content[4:])
			case kind == "trun" && pictures:
				return m.read(content)
			}
			return nil
		})
	})
	if err == nil && !found {
		err = fmt.Errorf("%w: a part without pictures", ErrBroken)
	}
	return m, err
}

// read takes what a trun of ours says.
func (m *Mark) read(trun []byte) error {
	if len(trun) < 12 || binary.BigEndian.Uint32(trun)&0xffffff != 0xf01 {
		return fmt.Errorf("%w: a table of another form", ErrBroken)
	}
	count, rows := binary.BigEndian.Uint32(trun[4:]), trun[12:]
	if uint64(count)*16 != uint64(len(rows)) {
		return fmt.Errorf("%w: a table of %d rows in %d bytes", ErrBroken, count, len(rows))
	}
	m.Frames = int(count)
	for i := 0; i < len(rows); i += 16 {
		m.Ticks += uint64(binary.BigEndian.Uint32(rows[i:]))
		if i == 0 {
			m.Key = binary.BigEndian.Uint32(rows[8:]) == flagsKey
		}
	}
	return nil
}

// boxes calls f for each box in b.
func boxes(b []byte, f func(kind string, content []byte) error) error {
	for len(b) > 0 {
		if len(b) < 8 {
			return fmt.Errorf("%w: a torn box", ErrBroken)
		}
		n := binary.BigEndian.Uint32(b)
		if n < 8 || uint64(n) > uint64(len(b)) {
			return fmt.Errorf("%w: a box of %d bytes in %d", ErrBroken, n, len(b))
		}
		if err := f(string(b[4:8]), b[8:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
