package hap

import (
	"encoding/base64"
	"math"
	"strconv"
	"unicode/utf8"
)

// Value is one typed value of a characteristic. The zero Value is null, which
// HAP allows only where there is nothing to read.
type Value struct {
	kind kind
	num  uint64 // bool, two's complement integer or IEEE 754 bits
	text string // string, or raw bytes
}

type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindInt  // num holds an int64
	kindUint // num holds a uint64 above the range of int64
	kindFloat
	kindString
	kindBytes
)

// Bool is a value for format bool.
func Bool(b bool) Value {
	if b {
		return Value{kind: kindBool, num: 1}
	}
	return Value{kind: kindBool}
}

// Int is a value for any integer format, and for float.
func Int(i int64) Value { return Value{kind: kindInt, num: uint64(i)} }

// Uint is a value for any integer format; it exists for those beyond int64.
func Uint(u uint64) Value {
	if u > math.MaxInt64 {
		return Value{kind: kindUint, num: u}
	}
	return Int(int64(u))
}

// Float is a value for format float.
func Float(f float64) Value { return Value{kind: kindFloat, num: math.Float64bits(f)} }

// String is a value for format string.
func String(s string) Value { return Value{kind: kindString, text: s} }

// Bytes is a value for the formats tlv8 and data, without the base64 of the wire.
func Bytes(b []byte) Value { return Value{kind: kindBytes, text: string(b)} }

// Null reports whether v holds nothing.
func (v Value) Null() bool { return v.kind == kindNull }

// Bool is the truth of a bool; every other kind is false.
func (v Value) Bool() bool { return v.kind == kindBool && v.num != 0 }

// Int is the integer in v; a float is cut towards zero, other kinds are 0.
func (v Value) Int() int64 {
	switch v.kind {
	case kindBool, kindInt:
		return int64(v.num)
	case kindUint:
		return math.MaxInt64
	case kindFloat:
		return int64(max(math.MinInt64, min(math.MaxInt64/2, v.Float())))
	}
	return 0
}

// Uint is the integer in v as uint64; negative numbers and other kinds are 0.
func (v Value) Uint() uint64 {
	if v.kind == kindUint {
		return v.num
	}
	return uint64(max(0, v.Int()))
}

// Float is the number in v; other kinds are 0.
func (v Value) Float() float64 {
	switch v.kind {
	case kindFloat:
		return math.Float64frombits(v.num)
	case kindUint:
		return float64(v.num)
	}
	return float64(v.Int())
}

// Text is the string in v; other kinds are empty.
func (v Value) Text() string {
	if v.kind == kindString {
		return v.text
	}
	return ""
}

// Bytes are the bytes of a tlv8 or data value; other kinds are nil.
func (v Value) Bytes() []byte {
	if v.kind == kindBytes {
		return []byte(v.text)
	}
	return nil
}

// String shows v as it goes over the wire (JSON), for logs and tests.
func (v Value) String() string { return string(v.appendJSON(nil)) }

func (v Value) appendJSON(b []byte) []byte {
	switch v.kind {
	case kindBool:
		return strconv.AppendBool(b, v.num != 0)
	case kindInt:
		return strconv.AppendInt(b, int64(v.num), 10)
	case kindUint:
		return strconv.AppendUint(b, v.num, 10)
	case kindFloat:
		return appendFloat(b, v.Float())
	case kindString:
		return appendQuoted(b, v.text)
	case kindBytes:
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, []byte(v.text))
		return append(b, '"')
	}
	return append(b, "null"...)
}

// appendFloat writes plain decimals: peers have been seen to stumble over
// exponents, and no HAP value needs one within these bounds.
func appendFloat(b []byte, f float64) []byte {
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

const hexDigits = "0123456789abcdef"

func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// fault is the rule that a value breaks. Controllers hear of it as
// StatusInvalidValue.
type fault string

func (f fault) Error() string { return string(f) }

// Unwrap makes it StatusInvalidValue for errors.Is and errors.As.
func (f fault) Unwrap() error { return StatusInvalidValue }

const (
	errKind   fault = "the value is not of the format"
	errFinite fault = "the number is not finite"
	errWhole  fault = "the number is not whole"
	errFormat fault = "the number is beyond the format"
	errMin    fault = "the number is below the minimum"
	errMax    fault = "the number is above the maximum"
	errListed fault = "the number is not among the valid values"
	errUTF8   fault = "the text is not UTF-8"
	errLength fault = "the text has too many characters"
	errBytes  fault = "there are too many bytes"
)

// fit turns v into the kind that c's format asks for, or refuses it. Nothing is
// clamped or rounded: a value that a controller or a device did not mean must
// not appear as one that it did.
func (c *Characteristic) fit(v Value) (Value, error) {
	switch c.Format {
	case FormatBool:
		return fitBool(v)
	case FormatFloat:
		return c.fitFloat(v)
	case FormatString:
		return c.fitString(v)
	case FormatTLV8, FormatBytes:
		if v.kind != kindBytes {
			return Value{}, errKind
		}
		if len(v.text) > c.maxBytes() {
			return Value{}, errBytes
		}
		return v, nil
	}
	return c.fitInt(v)
}

func fitBool(v Value) (Value, error) {
	if v.kind == kindBool {
		return v, nil
	}
	if v.kind == kindInt && v.num <= 1 {
		return Bool(v.num == 1), nil
	}
	return Value{}, errKind
}

func (c *Characteristic) fitFloat(v Value) (Value, error) {
	if !v.number() {
		return Value{}, errKind
	}
	f := v.Float()
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return Value{}, errFinite
	case !c.Min.Null() && f < c.Min.Float():
		return Value{}, errMin
	case !c.Max.Null() && f > c.Max.Float():
		return Value{}, errMax
	case f == 0:
		f = 0 // not -0
	}
	return Float(f), nil
}

func (c *Characteristic) fitString(v Value) (Value, error) {
	switch {
	case v.kind != kindString:
		return Value{}, errKind
	case len(v.text) > utf8.UTFMax*c.maxLen(): // before it is counted
		return Value{}, errLength
	case !utf8.ValidString(v.text):
		return Value{}, errUTF8
	case utf8.RuneCountInString(v.text) > c.maxLen():
		return Value{}, errLength
	}
	return v, nil
}

func (c *Characteristic) fitInt(v Value) (Value, error) {
	switch v.kind {
	case kindBool: // controllers may write true for 1
		v = Int(int64(v.num))
	case kindFloat: // 50.0 is an integer, 50.5 is not
		f := v.Float()
		switch {
		case math.IsNaN(f) || math.IsInf(f, 0):
			return Value{}, errFinite
		case f != math.Trunc(f):
			return Value{}, errWhole
		case math.Abs(f) > 1<<53:
			return Value{}, errFormat
		}
		v = Int(int64(f))
	case kindInt, kindUint:
	default:
		return Value{}, errKind
	}
	low, high := c.Format.bounds()
	switch {
	case v.less(low) || high.less(v):
		return Value{}, errFormat
	case !c.Min.Null() && v.less(c.Min):
		return Value{}, errMin
	case !c.Max.Null() && c.Max.less(v):
		return Value{}, errMax
	case !c.listed(v):
		return Value{}, errListed
	}
	return v, nil
}

// listed reports whether valid-values and valid-values-range allow v.
func (c *Characteristic) listed(v Value) bool {
	if r := c.ValidRange; len(r) == 2 && (v.less(Int(r[0])) || Int(r[1]).less(v)) {
		return false
	}
	if len(c.ValidValues) == 0 {
		return true
	}
	for _, allowed := range c.ValidValues {
		if v == Int(allowed) {
			return true
		}
	}
	return false
}

func (v Value) number() bool {
	return v.kind == kindInt || v.kind == kindUint || v.kind == kindFloat
}

// less compares two numbers without sending 64-bit integers through a float.
func (v Value) less(w Value) bool {
	if v.kind == kindFloat || w.kind == kindFloat {
		return v.Float() < w.Float()
	}
	if v.kind == kindUint || w.kind == kindUint {
		return v.Uint() < w.Uint()
	}
	return v.Int() < w.Int()
}
