package opack

import (
	"encoding/binary"
	"math"
	"strings"
	"time"
)

// Tags of the values.
const (
	tagTrue       = 0x01
	tagFalse      = 0x02
	tagTerminator = 0x03
	tagNull       = 0x04
	tagUUID       = 0x05
	tagDate       = 0x06
	tagMinusOne   = 0x07
	tagInt        = 0x08 // 0, and so on
	tagIntLast    = 0x2F // 39, of which one known reader is afraid: it is read and not written
	tagInt8       = 0x30
	tagInt16      = 0x31
	tagInt32      = 0x32
	tagInt64      = 0x33
	tagFloat32    = 0x35
	tagFloat64    = 0x36
	tagString     = 0x40 // of 0 bytes, and so on
	tagStringLast = 0x60 // of 32 bytes
	tagString8    = 0x61 // with a length of 8, then 16, 32 and 64 bits
	tagString64   = 0x64
	tagStringNUL  = 0x6F // to a NUL
	tagBytes      = 0x70 // of 0 bytes, and so on
	tagBytesLast  = 0x90 // of 32 bytes
	tagBytes8     = 0x91 // with a length of 8, then 16, 32 and 64 bits
	tagBytes64    = 0x94
	tagBytesEnd   = 0x9F // to a terminator
	tagBack       = 0xA0 // the first value that counts, and so on
	tagBackLast   = 0xCF
	tagList       = 0xD0 // of 0 elements, and so on
	tagListLast   = 0xDE
	tagListEnd    = 0xDF // to a terminator
	tagDict       = 0xE0 // of 0 entries, and so on
	tagDictLast   = 0xEE
	tagDictEnd    = 0xEF // to a terminator
)

// What the short forms hold that every known reader understands.
const (
	shortInt   = 38
	shortBytes = tagBytesLast - tagBytes
	shortList  = 12
	shortDict  = tagDictLast - tagDict
)

// Append writes v behind b.
func (v Value) Append(b []byte) []byte {
	switch c := v.content.(type) {
	case bool:
		if c {
			return append(b, tagTrue)
		}
		return append(b, tagFalse)
	case int64:
		return appendInt(b, c)
	case wide:
		return binary.LittleEndian.AppendUint64(append(b, tagInt64), uint64(c))
	case float32:
		return binary.LittleEndian.AppendUint32(append(b, tagFloat32), math.Float32bits(c))
	case float64:
		return binary.LittleEndian.AppendUint64(append(b, tagFloat64), math.Float64bits(c))
	case string:
		s := strings.ToValidUTF8(c, "\uFFFD")
		return append(appendLength(b, tagString, tagString8, len(s)), s...)
	case []byte:
		return append(appendLength(b, tagBytes, tagBytes8, len(c)), c...)
	case UUID:
		return append(append(b, tagUUID), c[:]...)
	case time.Time:
		return binary.LittleEndian.AppendUint64(append(b, tagDate), math.Float64bits(seconds(c)))
	case []Value:
		return appendList(b, c)
	case []Pair:
		return appendDict(b, c)
	}
	return append(b, tagNull)
}

func appendInt(b []byte, i int64) []byte {
	switch {
	case i == -1:
		return append(b, tagMinusOne)
	case 0 <= i && i <= shortInt:
		return append(b, tagInt+byte(i))
	case i == int64(int8(i)):
		return append(b, tagInt8, byte(i))
	case i == int64(int16(i)):
		return binary.LittleEndian.AppendUint16(append(b, tagInt16), uint16(i))
	case i == int64(int32(i)):
		return binary.LittleEndian.AppendUint32(append(b, tagInt32), uint32(i))
	}
	return binary.LittleEndian.AppendUint64(append(b, tagInt64), uint64(i))
}

// appendLength begins a string or raw bytes: the length is in the tag or behind it.
func appendLength(b []byte, short, long byte, n int) []byte {
	switch {
	case n <= shortBytes:
		return append(b, short+byte(n))
	case n <= math.MaxUint8:
		return append(b, long, byte(n))
	case n <= math.MaxUint16:
		return binary.LittleEndian.AppendUint16(append(b, long+1), uint16(n))
	case n <= math.MaxUint32:
		return binary.LittleEndian.AppendUint32(append(b, long+2), uint32(n))
	}
	return binary.LittleEndian.AppendUint64(append(b, long+3), uint64(n))
}

func appendList(b []byte, list []Value) []byte {
	short := len(list) <= shortList
	if short {
		b = append(b, tagList+byte(len(list)))
	} else {
		b = append(b, tagListEnd)
	}
	for _, v := range list {
		b = v.Append(b)
	}
	if short {
		return b
	}
	return append(b, tagTerminator)
}

func appendDict(b []byte, pairs []Pair) []byte {
	short := len(pairs) <= shortDict
	if short {
		b = append(b, tagDict+byte(len(pairs)))
	} else {
		b = append(b, tagDictEnd)
	}
	for _, p := range pairs {
		b = p.Value.Append(String(p.Key).Append(b))
	}
	if short {
		return b
	}
	return append(b, tagTerminator)
}
