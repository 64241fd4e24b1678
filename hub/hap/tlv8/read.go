// Package tlv8 reads and writes the type-length-value lists of HAP: pairing
// messages (HomeKit Accessory Protocol, chapter 14) and the structures of
// camera characteristics. Types and lengths are one byte; a longer value goes
// over several items of one type, all but the last 255 bytes long.
package tlv8

import (
	"errors"
	"math"
)

// Errors of reading. All mean that the peer sent something that HAP does not allow.
var (
	ErrTruncated = errors.New("tlv8: an item ends beyond the buffer")
	ErrMissing   = errors.New("tlv8: a required item is missing")
	ErrRepeated  = errors.New("tlv8: an item occurs twice")
	ErrRange     = errors.New("tlv8: a number does not fit")
)

const fragment = 255

// Item is one typed value, joined from its fragments. An empty one may be a
// value without bytes or a separator, as the message's definition says.
type Item struct {
	Type  byte
	Value []byte
}

// Items are one message or one nested structure, in the order of the wire.
// Unknown types do no harm: readers ask for the types that they know.
type Items []Item

// Parse reads b to its end. Values without fragments point into b; a joined
// value is copied, so all of it together takes no more memory than b did.
func Parse(b []byte) (Items, error) {
	var items Items
	open := false // whether the last item may go on in the next one
	for len(b) > 0 {
		if len(b) < 2 || len(b)-2 < int(b[1]) {
			return nil, ErrTruncated
		}
		typ, value := b[0], b[2:2+int(b[1]):2+int(b[1])]
		b = b[2+len(value):]
		if last := len(items) - 1; open && items[last].Type == typ {
			// The full slice expression above makes the first append copy.
			items[last].Value = append(items[last].Value, value...)
		} else {
			items = append(items, Item{typ, value})
		}
		open = len(value) == fragment
	}
	return items, nil
}

// Split cuts a list into its elements at every empty item of the type: 0xFF in
// pairing messages, 0x00 inside characteristics. Empty elements are left out.
func (it Items) Split(separator byte) []Items {
	var elements []Items
	start := 0
	for i, item := range it {
		if item.Type == separator && len(item.Value) == 0 {
			if i > start {
				elements = append(elements, it[start:i:i])
			}
			start = i + 1
		}
	}
	if start < len(it) {
		elements = append(elements, it[start:])
	}
	return elements
}

// Has reports whether there is an item of the type.
func (it Items) Has(typ byte) bool {
	for _, item := range it {
		if item.Type == typ {
			return true
		}
	}
	return false
}

// All are the values of every item of the type: the elements of a list whose
// separators carry another type.
func (it Items) All(typ byte) [][]byte {
	var values [][]byte
	for _, item := range it {
		if item.Type == typ {
			values = append(values, item.Value)
		}
	}
	return values
}

// Bytes is the value of the only item of the type, else ErrMissing or ErrRepeated.
func (it Items) Bytes(typ byte) ([]byte, error) {
	found := -1
	for i, item := range it {
		if item.Type != typ {
			continue
		}
		if found >= 0 {
			return nil, ErrRepeated
		}
		found = i
	}
	if found < 0 {
		return nil, ErrMissing
	}
	return it[found].Value, nil
}

// Nested reads the only item of the type as a structure of its own.
func (it Items) Nested(typ byte) (Items, error) {
	b, err := it.Bytes(typ)
	if err != nil {
		return nil, err
	}
	return Parse(b)
}

// Uint8 reads a number of at most 8 bits; peers may send it longer or shorter.
func (it Items) Uint8(typ byte) (uint8, error) {
	n, err := it.number(typ, math.MaxUint8)
	return uint8(n), err
}

// Uint16 reads a little-endian number of at most 16 bits.
func (it Items) Uint16(typ byte) (uint16, error) {
	n, err := it.number(typ, math.MaxUint16)
	return uint16(n), err
}

// Uint32 reads a little-endian number of at most 32 bits.
func (it Items) Uint32(typ byte) (uint32, error) {
	n, err := it.number(typ, math.MaxUint32)
	return uint32(n), err
}

// Uint64 reads a little-endian number of at most 64 bits.
func (it Items) Uint64(typ byte) (uint64, error) { return it.number(typ, math.MaxUint64) }

// Float32 reads an IEEE 754 number of exactly four bytes.
func (it Items) Float32(typ byte) (float32, error) {
	b, err := it.Bytes(typ)
	if err == nil && len(b) != 4 {
		err = ErrRange
	}
	if err != nil {
		return 0, err
	}
	n, err := it.Uint32(typ)
	return math.Float32frombits(n), err
}

func (it Items) number(typ byte, limit uint64) (uint64, error) {
	b, err := it.Bytes(typ)
	if err != nil {
		return 0, err
	}
	if len(b) > 8 {
		return 0, ErrRange
	}
	var n uint64
	for i, digit := range b {
		n |= uint64(digit) << (8 * i)
	}
	if n > limit {
		return 0, ErrRange
	}
	return n, nil
}
