package opack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// Errors of reading. All mean that the peer sent something that is not a value.
var (
	ErrTruncated = errors.New("opack: a value ends beyond the buffer")
	ErrTrailing  = errors.New("opack: there is something behind the value")
	ErrTag       = errors.New("opack: a tag that has no meaning here")
	ErrReference = errors.New("opack: a back reference to nothing")
	ErrText      = errors.New("opack: a string is not UTF-8")
	ErrKey       = errors.New("opack: a key is no string, or occurs twice")
	ErrRange     = errors.New("opack: a date that no calendar has")
	ErrTooMuch   = errors.New("opack: too many values, or too deep")
)

// Bounds of one message.
const (
	maxDepth      = 16
	maxValues     = 1 << 14
	maxReferenced = 1 << 20 // bytes that back references repeat
)

// Parse reads the one value that b holds. Nothing in it points into b.
func Parse(b []byte) (Value, error) {
	r := reader{rest: b, left: maxValues, repeats: maxReferenced}
	v, err := r.value()
	if err == nil && len(r.rest) > 0 {
		err = ErrTrailing
	}
	if err != nil {
		return Value{}, err
	}
	return v, nil
}

// reader is the state of one message.
type reader struct {
	rest    []byte
	counted []Value // what back references mean
	depth   int
	left    int // values that may still come
	repeats int // bytes that back references may still repeat
}

// ends uses up a terminator, if there is one next.
func (r *reader) ends() bool {
	if len(r.rest) == 0 || r.rest[0] != tagTerminator {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

func (r *reader) take(n uint64) ([]byte, error) {
	if n > uint64(len(r.rest)) {
		return nil, ErrTruncated
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b, nil
}

// number reads n bytes, at most 8, as an integer without a sign.
func (r *reader) number(n int) (uint64, error) {
	b, err := r.take(uint64(n))
	if err != nil {
		return 0, err
	}
	var wide [8]byte
	copy(wide[:], b)
	return binary.LittleEndian.Uint64(wide[:]), nil
}

func (r *reader) value() (Value, error) {
	if r.left--; r.left < 0 {
		return Value{}, ErrTooMuch
	}
	tag, err := r.number(1)
	if err != nil {
		return Value{}, err
	}
	switch t := byte(tag); {
	case t == tagNull:
		return Value{}, nil
	case t == tagTrue, t == tagFalse:
		return Bool(t == tagTrue), nil
	case tagMinusOne <= t && t <= tagIntLast:
		return Int(int64(t) - tagInt), nil
	case tagBack <= t && t <= tagBackLast:
		return r.reference(int(t - tagBack))
	case tagList <= t && t <= tagListEnd:
		return r.list(t)
	case tagDict <= t && t <= tagDictEnd:
		return r.dictionary(t)
	default:
		return r.count(r.scalar(t))
	}
}

func (r *reader) reference(at int) (Value, error) {
	if at >= len(r.counted) {
		return Value{}, ErrReference
	}
	v := r.counted[at]
	text, _ := v.Text()
	raw, _ := v.Bytes()
	if r.repeats -= len(text) + len(raw); r.repeats < 0 {
		return Value{}, ErrTooMuch
	}
	return v, nil
}

// count keeps what back references may mean: numbers beyond the short integers, dates, UUIDs, strings
// that are not empty and raw bytes from two on. That is how Apple's published writer of this encoding
// counts; the writer of HAP-NodeJS counts short strings and bytes too.
func (r *reader) count(v Value, err error) (Value, error) {
	if err != nil || len(r.counted) > tagBackLast-tagBack {
		return v, err
	}
	text, isText := v.Text()
	raw, isRaw := v.Bytes()
	if isText && text == "" || isRaw && len(raw) < 2 {
		return v, nil
	}
	r.counted = append(r.counted, v)
	return v, nil
}

// scalar reads what has its value behind the tag.
func (r *reader) scalar(tag byte) (Value, error) {
	switch {
	case tagInt8 <= tag && tag <= tagInt64:
		size := 1 << (tag - tagInt8)
		n, err := r.number(size)
		unused := 64 - 8*size
		return Int(int64(n<<unused) >> unused), err // the sign
	case tag == tagFloat32:
		n, err := r.number(4)
		return Float32(math.Float32frombits(uint32(n))), err
	case tag == tagFloat64:
		n, err := r.number(8)
		return Float64(math.Float64frombits(n)), err
	case tag == tagDate:
		return r.date()
	case tag == tagUUID:
		b, err := r.take(16)
		if err != nil {
			return Value{}, err
		}
		return ID(UUID(b)), nil
	case tagString <= tag && tag <= tagStringNUL:
		return r.text(tag)
	case tagBytes <= tag && tag <= tagBytesEnd:
		return r.raw(tag)
	}
	return Value{}, fmt.Errorf("%w: %#02x", ErrTag, tag)
}

func (r *reader) date() (Value, error) {
	n, err := r.number(8)
	if err != nil {
		return Value{}, err
	}
	t, ok := date(math.Float64frombits(n))
	if !ok {
		return Value{}, ErrRange
	}
	return Date(t), nil
}

func (r *reader) text(tag byte) (Value, error) {
	b, err := r.sized(tag, tagString, tagStringLast, tagString8, tagString64)
	if tag == tagStringNUL {
		b, err = r.until(0)
	}
	switch {
	case err != nil:
		return Value{}, err
	case !utf8.Valid(b):
		return Value{}, ErrText
	}
	return String(string(b)), nil
}

func (r *reader) raw(tag byte) (Value, error) {
	b, err := r.sized(tag, tagBytes, tagBytesLast, tagBytes8, tagBytes64)
	if tag == tagBytesEnd {
		b, err = r.until(tagTerminator)
	}
	if err != nil {
		return Value{}, err
	}
	return Bytes(append([]byte{}, b...)), nil
}

// sized reads bytes whose length is in the tag or behind it.
func (r *reader) sized(tag, short, shortLast, long, longLast byte) ([]byte, error) {
	switch {
	case short <= tag && tag <= shortLast:
		return r.take(uint64(tag - short))
	case long <= tag && tag <= longLast:
		n, err := r.number(1 << (tag - long))
		if err != nil {
			return nil, err
		}
		return r.take(n)
	}
	return nil, fmt.Errorf("%w: %#02x", ErrTag, tag)
}

// until reads bytes up to a last one, which is used up and left out.
func (r *reader) until(last byte) ([]byte, error) {
	n := bytes.IndexByte(r.rest, last)
	if n < 0 {
		return nil, ErrTruncated
	}
	b := r.rest[:n]
	r.rest = r.rest[n+1:]
	return b, nil
}

func (r *reader) list(tag byte) (Value, error) {
	list := []Value{}
	err := r.each(tag == tagListEnd, int(tag-tagList), func() error {
		v, err := r.value()
		list = append(list, v)
		return err
	})
	return List(list...), err
}

func (r *reader) dictionary(tag byte) (Value, error) {
	pairs, keys := []Pair{}, map[string]bool{}
	err := r.each(tag == tagDictEnd, int(tag-tagDict), func() error {
		k, err := r.value()
		if err != nil {
			return err
		}
		key, ok := k.Text()
		if !ok || keys[key] {
			return ErrKey
		}
		keys[key] = true
		v, err := r.value()
		pairs = append(pairs, Pair{key, v})
		return err
	})
	return Dictionary(pairs...), err
}

// each reads the n elements of a container, or all up to its terminator.
func (r *reader) each(toEnd bool, n int, element func() error) error {
	if r.depth == maxDepth {
		return ErrTooMuch
	}
	r.depth++
	defer func() { r.depth-- }()
	for i := 0; toEnd || i < n; i++ {
		if toEnd && r.ends() {
			return nil
		}
		if err := element(); err != nil {
			return err
		}
	}
	return nil
}
