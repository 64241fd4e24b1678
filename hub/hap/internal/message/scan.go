package message

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// Kind is the JSON type of a Scalar.
type Kind uint8

// The kinds; Absent is a member that is not there, Other an array, an object or
// a number beyond 64 bits.
const (
	Absent Kind = iota
	Null
	False
	True
	Int   // Number holds an int64 in two's complement
	Uint  // Number holds a uint64 above the range of int64
	Float // Real
	Text
	Other
)

// Scalar is one JSON value that is not an array or object.
type Scalar struct {
	Kind   Kind
	Number uint64
	Real   float64
	Text   []byte // without quotes and escapes
}

// Uint64 is the value of a non-negative integer; it never passes a float.
func (s Scalar) Uint64() (uint64, bool) {
	if s.Kind == Uint || s.Kind == Int && int64(s.Number) >= 0 {
		return s.Number, true
	}
	return 0, false
}

// Truth reads true, false, 1 and 0.
func (s Scalar) Truth() (value, ok bool) {
	switch {
	case s.Kind == True, s.Kind == Int && s.Number == 1:
		return true, true
	case s.Kind == False, s.Kind == Int && s.Number == 0:
		return false, true
	}
	return false, false
}

// maxDepth bounds nested arrays and objects in what is skipped.
const maxDepth = 16

// scanner walks over JSON. The first error sticks: ok turns false, and every
// later call does nothing.
type scanner struct {
	rest []byte
	bad  bool
}

func (s *scanner) fail() { s.bad, s.rest = true, nil }

// peek skips white space and is the next byte, 0 at the end.
func (s *scanner) peek() byte {
	for i, c := range s.rest {
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			s.rest = s.rest[i:]
			return c
		}
	}
	s.rest = nil
	return 0
}

// take uses up c if it is next.
func (s *scanner) take(c byte) bool {
	if s.peek() != c || len(s.rest) == 0 {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *scanner) expect(c byte) {
	if !s.take(c) {
		s.fail()
	}
}

// end reports whether everything was read, without an error.
func (s *scanner) end() bool { return s.peek() == 0 && len(s.rest) == 0 && !s.bad }

// members calls member for each key of an object, which reads the value.
func (s *scanner) members(member func(key []byte)) {
	s.expect('{')
	if s.bad || s.take('}') {
		return
	}
	for !s.bad {
		key := s.text()
		s.expect(':')
		if s.bad {
			return
		}
		member(key)
		if s.take('}') {
			return
		}
		s.expect(',')
	}
}

// elements calls element for each value of an array, which reads it.
func (s *scanner) elements(element func()) {
	s.expect('[')
	if s.bad || s.take(']') {
		return
	}
	for !s.bad {
		element()
		if s.take(']') {
			return
		}
		s.expect(',')
	}
}

// scalar reads any value; arrays and objects are skipped.
func (s *scanner) scalar() Scalar { return s.value(0) }

func (s *scanner) value(depth int) Scalar {
	switch s.peek() {
	case '"':
		return Scalar{Kind: Text, Text: s.text()}
	case 't':
		return s.word("true", True)
	case 'f':
		return s.word("false", False)
	case 'n':
		return s.word("null", Null)
	case '{', '[':
		if depth == maxDepth {
			s.fail()
		} else if s.peek() == '{' {
			s.members(func([]byte) { s.value(depth + 1) })
		} else {
			s.elements(func() { s.value(depth + 1) })
		}
		return Scalar{Kind: Other}
	}
	return s.number()
}

func (s *scanner) word(text string, kind Kind) Scalar {
	if !bytes.HasPrefix(s.rest, []byte(text)) {
		s.fail()
		return Scalar{}
	}
	s.rest = s.rest[len(text):]
	return Scalar{Kind: kind}
}

// number reads one as JSON spells it. One that no format of HAP can hold is
// Other: the request is well formed, and its value fits nothing.
func (s *scanner) number() Scalar {
	n := 0
	if n < len(s.rest) && s.rest[n] == '-' {
		n++
	}
	whole := n
	n = s.digits(n)
	leading := n-whole > 1 && s.rest[whole] == '0'
	if n == whole || leading {
		s.fail()
		return Scalar{}
	}
	integer := n
	if n < len(s.rest) && s.rest[n] == '.' {
		n = s.some(n + 1)
	}
	if n < len(s.rest) && (s.rest[n] == 'e' || s.rest[n] == 'E') {
		n++
		if n < len(s.rest) && (s.rest[n] == '+' || s.rest[n] == '-') {
			n++
		}
		n = s.some(n)
	}
	if s.bad {
		return Scalar{}
	}
	text := s.rest[:n]
	s.rest = s.rest[n:]
	if n == integer {
		return toInteger(text)
	}
	return toFloat(text)
}

// digits is the end of the digits from n on.
func (s *scanner) digits(n int) int {
	for n < len(s.rest) && s.rest[n] >= '0' && s.rest[n] <= '9' {
		n++
	}
	return n
}

// some is digits, at least one.
func (s *scanner) some(n int) int {
	end := s.digits(n)
	if end == n {
		s.fail()
		return 0
	}
	return end
}

func toInteger(digits []byte) Scalar {
	positive, negative := bytes.CutPrefix(digits, []byte("-"))
	n, ok := decimal(positive)
	switch {
	case !ok || negative && n > 1<<63:
		return Scalar{Kind: Other}
	case negative:
		return Scalar{Kind: Int, Number: -n}
	case n > 1<<63-1:
		return Scalar{Kind: Uint, Number: n}
	}
	return Scalar{Kind: Int, Number: n}
}

func toFloat(text []byte) Scalar {
	const longest = 64
	if len(text) > longest {
		return Scalar{Kind: Other}
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil { // beyond a float
		return Scalar{Kind: Other}
	}
	return Scalar{Kind: Float, Real: f}
}

// text reads a string. Without escapes it is a slice of the input.
func (s *scanner) text() []byte {
	s.expect('"')
	for i, c := range s.rest {
		switch {
		case c == '"':
			t := s.rest[:i]
			s.rest = s.rest[i+1:]
			return t
		case c == '\\':
			return s.escaped(i)
		case c < 0x20:
			s.fail()
			return nil
		}
	}
	s.fail()
	return nil
}

// escaped goes on with a string whose first backslash is at i.
func (s *scanner) escaped(i int) []byte {
	t := append([]byte(nil), s.rest[:i]...)
	for s.rest = s.rest[i:]; len(s.rest) > 0 && s.rest[0] >= 0x20; {
		c := s.rest[0]
		s.rest = s.rest[1:]
		switch c {
		case '"':
			return t
		case '\\':
			t = s.escape(t)
		default:
			t = append(t, c)
		}
	}
	s.fail()
	return nil
}

func (s *scanner) escape(t []byte) []byte {
	if len(s.rest) == 0 {
		return t
	}
	c := s.rest[0]
	s.rest = s.rest[1:]
	if c == 'u' {
		return utf8.AppendRune(t, s.rune())
	}
	const names, values = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	i := bytes.IndexByte([]byte(names), c)
	if i < 0 {
		s.fail()
		return t
	}
	return append(t, values[i])
}

// rune reads the digits after \u, and a second half where the first asks for it.
func (s *scanner) rune() rune {
	r := s.hex4()
	if r < 0xD800 || r > 0xDFFF {
		return r
	}
	if r > 0xDBFF || !bytes.HasPrefix(s.rest, []byte(`\u`)) {
		return utf8.RuneError
	}
	ahead := s.rest
	s.rest = s.rest[2:]
	low := s.hex4()
	if !s.bad && (low < 0xDC00 || low > 0xDFFF) {
		s.rest = ahead // a character of its own
		return utf8.RuneError
	}
	return 0x10000 + (r-0xD800)<<10 + (low - 0xDC00)
}

func (s *scanner) hex4() rune {
	if len(s.rest) < 4 {
		s.fail()
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(string(s.rest[:4]), 16, 16)
	if err != nil {
		s.fail()
		return utf8.RuneError
	}
	s.rest = s.rest[4:]
	return rune(n)
}
