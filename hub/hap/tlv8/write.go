package tlv8

import "encoding/binary"

// Append adds one value to a message, in fragments if it is longer than 255
// bytes. A nested structure is a value too.
func Append(b []byte, typ byte, value []byte) []byte {
	for len(value) > fragment {
		b = append(b, typ, fragment)
		b = append(b, value[:fragment]...)
		value = value[fragment:]
	}
	b = append(b, typ, byte(len(value)))
	return append(b, value...)
}

// AppendString adds a text in UTF-8.
func AppendString(b []byte, typ byte, s string) []byte { return Append(b, typ, []byte(s)) }

// AppendSeparator adds the empty item that stands between two elements of a
// list: type 0xFF in pairing messages, 0x00 inside characteristics.
func AppendSeparator(b []byte, typ byte) []byte { return append(b, typ, 0) }

// AppendUint8 adds a number of one byte.
func AppendUint8(b []byte, typ byte, n uint8) []byte { return append(b, typ, 1, n) }

// AppendUint16 adds a number of two bytes, little endian.
func AppendUint16(b []byte, typ byte, n uint16) []byte {
	return binary.LittleEndian.AppendUint16(append(b, typ, 2), n)
}

// AppendUint32 adds a number of four bytes, little endian.
func AppendUint32(b []byte, typ byte, n uint32) []byte {
	return binary.LittleEndian.AppendUint32(append(b, typ, 4), n)
}

// AppendUint64 adds a number of eight bytes, little endian.
func AppendUint64(b []byte, typ byte, n uint64) []byte {
	return binary.LittleEndian.AppendUint64(append(b, typ, 8), n)
}
