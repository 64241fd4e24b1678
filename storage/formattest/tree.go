package formattest

import (
	"encoding/binary"
	"fmt"
	"math"
)

// maxDepth is more than any tree of SQLite has; a damaged one could be a ring.
const maxDepth = 20

// payloads calls do with every record of the tree whose root is page root: the rows
// of a table, or the entries of an index (a table WITHOUT ROWID is one).
func (d *Database) payloads(root uint32, depth int, do func(rowid int64, payload []byte) error) error {
	page, err := d.page(root)
	if err != nil {
		return err
	}
	if depth > maxDepth {
		return fmt.Errorf("%w: a tree that does not end", ErrRefused)
	}
	head := 0
	if root == 1 {
		head = 100
	}
	kind := page[head]
	interior := kind == 2 || kind == 5
	cells := head + 8
	if interior {
		cells += 4
	}
	for i := range int(binary.BigEndian.Uint16(page[head+3:])) {
		cell := page[binary.BigEndian.Uint16(page[cells+2*i:]):]
		if interior {
			if err := d.payloads(binary.BigEndian.Uint32(cell), depth+1, do); err != nil {
				return err
			}
			cell = cell[4:]
		}
		if kind == 5 {
			continue // only a rowid
		}
		if err := d.cell(kind, cell, do); err != nil {
			return err
		}
	}
	if interior {
		return d.payloads(binary.BigEndian.Uint32(page[head+8:]), depth+1, do)
	}
	return nil
}

func (d *Database) cell(kind byte, cell []byte, do func(int64, []byte) error) error {
	size, n := varint(cell)
	cell = cell[n:]
	rowid := int64(0)
	const usable = pageSize - 40
	most := (usable-12)*64/255 - 23
	if kind == 13 {
		rowid, n = varint(cell)
		cell = cell[n:]
		most = usable - 35
	}
	if size < 0 || size > int64(d.size)*pageSize {
		return fmt.Errorf("%w: a record of %d bytes", ErrRefused, size)
	}
	local := int(size)
	if local > most {
		least := (usable-12)*32/255 - 23
		if local = least + (int(size)-least)%(usable-4); local > most {
			local = least
		}
	}
	if local == int(size) {
		return do(rowid, cell[:local])
	}
	payload := append([]byte(nil), cell[:local]...)
	for next := binary.BigEndian.Uint32(cell[local:]); len(payload) < int(size); {
		page, err := d.page(next)
		if err != nil {
			return fmt.Errorf("overflow: %w", err)
		}
		next = binary.BigEndian.Uint32(page)
		payload = append(payload, page[4:min(usable, 4+int(size)-len(payload))]...)
	}
	return do(rowid, payload)
}

// columns gives the values of a record: nil, int64, float64, string or []byte.
func columns(payload []byte) (values []any, err error) {
	defer func() {
		if recover() != nil { // an index out of range: the record is not one
			err = fmt.Errorf("%w: a record is out of shape", ErrRefused)
		}
	}()
	size, n := varint(payload)
	types, body := payload[n:size], payload[size:]
	for len(types) > 0 {
		kind, n := varint(types)
		types = types[n:]
		v, length := value(kind, body)
		values, body = append(values, v), body[length:]
	}
	return values, nil
}

func value(kind int64, b []byte) (v any, length int) {
	switch {
	case kind == 0:
		return nil, 0
	case kind <= 6:
		length = []int{0, 1, 2, 3, 4, 6, 8}[kind]
		n := int64(int8(b[0]))
		for _, x := range b[1:length] {
			n = n<<8 | int64(x)
		}
		return n, length
	case kind == 7:
		return math.Float64frombits(binary.BigEndian.Uint64(b)), 8
	case kind == 8, kind == 9:
		return kind - 8, 0
	case kind%2 == 0:
		length = int(kind-12) / 2
		return append([]byte{}, b[:length]...), length
	default:
		length = int(kind-13) / 2
		return string(b[:length]), length
	}
}

// varint is SQLite's: at most nine bytes, the ninth with all its bits.
func varint(b []byte) (v int64, n int) {
	for n = 0; n < 8; n++ {
		v = v<<7 | int64(b[n]&0x7f)
		if b[n] < 0x80 {
			return v, n + 1
		}
	}
	return v<<8 | int64(b[8]), 9
}
