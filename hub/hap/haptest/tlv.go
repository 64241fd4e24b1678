// Package haptest is a HomeKit controller for tests. It shares no code with the
// server that it tests: TLV8, SRP, framing and HTTP are written a second time,
// from the protocol. Client speaks to a server over TCP, politely or not; Setup
// and Verify make the pairing messages one by one.
package haptest

import "fmt"

// Field is one item of a pairing message.
type Field struct {
	Type  byte
	Value []byte
}

// Types of pairing items (HomeKit Accessory Protocol, table 5-6).
const (
	Method      = 0
	Identifier  = 1
	Salt        = 2
	PublicKey   = 3
	Proof       = 4
	Encrypted   = 5
	State       = 6
	Error       = 7
	Signature   = 10
	Permissions = 11
	Separator   = 255
)

// Pack writes a message.
func Pack(fields ...Field) []byte {
	var out []byte
	for _, f := range fields {
		rest := f.Value
		for {
			n := min(len(rest), 255)
			out = append(out, f.Type, byte(n))
			out = append(out, rest[:n]...)
			if rest = rest[n:]; len(rest) == 0 {
				break
			}
		}
	}
	return out
}

// Unpack reads a message.
func Unpack(b []byte) ([]Field, error) {
	var fields []Field
	full := false
	for i := 0; i < len(b); {
		if i+2 > len(b) || i+2+int(b[i+1]) > len(b) {
			return nil, fmt.Errorf("haptest: tlv ends early at %d of %d", i, len(b))
		}
		f := Field{b[i], append([]byte(nil), b[i+2:i+2+int(b[i+1])]...)}
		i += 2 + len(f.Value)
		if n := len(fields); full && fields[n-1].Type == f.Type {
			fields[n-1].Value = append(fields[n-1].Value, f.Value...)
		} else {
			fields = append(fields, f)
		}
		full = len(f.Value) == 255
	}
	return fields, nil
}

// Get is the value of the first item of a type in a packed message, or nil.
func Get(b []byte, typ byte) []byte {
	fields, err := Unpack(b)
	if err != nil {
		return nil
	}
	for _, f := range fields {
		if f.Type == typ {
			return f.Value
		}
	}
	return nil
}

// Code is the number in an item of one byte, -1 without such an item.
func Code(b []byte, typ byte) int {
	if v := Get(b, typ); len(v) == 1 {
		return int(v[0])
	}
	return -1
}

// check wants an answer with the state and without an error.
func check(answer []byte, state int) error {
	if code := Code(answer, Error); code >= 0 {
		return Refused(code)
	}
	if got := Code(answer, State); got != state {
		return fmt.Errorf("haptest: answer has state %d, want %d", got, state)
	}
	return nil
}

// Refused is the error code in a server's answer.
type Refused int

// Error says the code.
func (r Refused) Error() string { return fmt.Sprintf("haptest: refused with error %d", int(r)) }
