// Package opack reads and writes the typed values of HomeKit Data Stream messages: one tag byte, then
// the value, little endian. The tags are those that HomeKit controllers use (HomeKit Accessory
// Protocol, data stream message format); Apple calls the same encoding OPACK elsewhere.
//
// Reading is bounded: no value is larger than the bytes that carry it, at most 16 values lie inside
// one another and at most 16,384 make one message. Writing gives the shortest form that every known
// reader understands, and never a back reference, on whose numbers the known writers disagree.
package opack

import (
	"math"
	"slices"
	"time"
)

// Value is one typed value; the zero Value is null. It must not be changed once it is used.
type Value struct {
	// content is nil, bool, int64, wide, float32, float64, string, []byte, UUID, time.Time, []Value or
	// []Pair.
	content any
}

// UUID is a value of 16 bytes, in the order in which a UUID is written.
type UUID [16]byte

// Pair is one entry of a dictionary.
type Pair struct {
	Key   string
	Value Value
}

// wide is an integer that is written with all its 64 bits.
type wide int64

// Bool is a truth value.
func Bool(b bool) Value { return Value{b} }

// Int is an integer, written in as few bytes as it needs.
func Int(i int64) Value { return Value{i} }

// Int64 is an integer that is always written with 64 bits, as the header of a message wants it.
func Int64(i int64) Value { return Value{wide(i)} }

// Float32 is a number of 32 bits.
func Float32(f float32) Value { return Value{f} }

// Float64 is a number of 64 bits.
func Float64(f float64) Value { return Value{f} }

// String is a text; what is not UTF-8 in it is written as U+FFFD.
func String(s string) Value { return Value{s} }

// Bytes are raw bytes. They are not copied.
func Bytes(b []byte) Value { return Value{b} }

// ID is a UUID.
func ID(u UUID) Value { return Value{u} }

// Date is a moment, to about 0.1 µs.
func Date(t time.Time) Value { return Value{t.UTC()} }

// List is an array of any values.
func List(values ...Value) Value { return Value{values} }

// Dictionary has its entries in the order given. A key must not occur twice.
func Dictionary(pairs ...Pair) Value { return Value{pairs} }

// Null reports whether v holds nothing.
func (v Value) Null() bool { return v.content == nil }

// Bool is the truth in v; ok tells whether there is one. So do the others.
func (v Value) Bool() (b, ok bool) {
	b, ok = v.content.(bool)
	return b, ok
}

// Int is the integer in v.
func (v Value) Int() (i int64, ok bool) {
	if w, ok := v.content.(wide); ok {
		return int64(w), true
	}
	i, ok = v.content.(int64)
	return i, ok
}

// Float is the number in v; an integer is one too, since some writers send 2.0 as 2.
func (v Value) Float() (f float64, ok bool) {
	switch f := v.content.(type) {
	case float32:
		return float64(f), true
	case float64:
		return f, true
	}
	i, ok := v.Int()
	return float64(i), ok
}

// Text is the string in v.
func (v Value) Text() (s string, ok bool) {
	s, ok = v.content.(string)
	return s, ok
}

// Bytes are the raw bytes in v, not to be changed.
func (v Value) Bytes() (b []byte, ok bool) {
	b, ok = v.content.([]byte)
	return b, ok
}

// ID is the UUID in v.
func (v Value) ID() (u UUID, ok bool) {
	u, ok = v.content.(UUID)
	return u, ok
}

// Date is the moment in v, in UTC.
func (v Value) Date() (t time.Time, ok bool) {
	t, ok = v.content.(time.Time)
	return t, ok
}

// List are the elements of an array, not to be changed.
func (v Value) List() (l []Value, ok bool) {
	l, ok = v.content.([]Value)
	return l, ok
}

// Pairs are the entries of a dictionary in the order of the wire, not to be changed.
func (v Value) Pairs() (p []Pair, ok bool) {
	p, ok = v.content.([]Pair)
	return p, ok
}

// Get is the entry of a dictionary with that key; null where there is none, or no dictionary.
func (v Value) Get(key string) Value {
	pairs, _ := v.Pairs()
	if i := slices.IndexFunc(pairs, func(p Pair) bool { return p.Key == key }); i >= 0 {
		return pairs[i].Value
	}
	return Value{}
}

// Dates count seconds from here, as a float64: 2001-01-01 in UTC, in Unix time.
const epoch = 978_307_200

// maxSeconds keeps dates where both ends can compute with them: some 3,000 years around the epoch.
const maxSeconds = 1e11

func seconds(t time.Time) float64 {
	return float64(t.Unix()-epoch) + float64(t.Nanosecond())/1e9
}

func date(seconds float64) (time.Time, bool) {
	if !(math.Abs(seconds) < maxSeconds) { // not so for NaN
		return time.Time{}, false
	}
	whole, part := math.Modf(seconds)
	return time.Unix(epoch+int64(whole), int64(math.Round(part*1e9))).UTC(), true
}
