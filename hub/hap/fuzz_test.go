package hap_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ingle-home/ingle/hub/hap"
)

// FuzzValues: whatever Set takes is JSON that reads back equal and is within the
// limits; whatever it refuses changes nothing.
func FuzzValues(f *testing.F) {
	for format := range uint8(12) {
		f.Add(format, uint8(1), int64(1), 0.5, "a\"ä\\\x00\u2028😀", int64(0), int64(100))
		f.Add(format, uint8(2), int64(math.MinInt64), math.NaN(), "\xff", int64(-5), int64(5))
		f.Add(format, uint8(3), int64(-1), math.Inf(1), "", int64(0), int64(0))
		f.Add(format, uint8(4), int64(7), -1e-7, strings.Repeat("x", 65), int64(1), int64(-1))
		f.Add(format, uint8(5), int64(7), math.Copysign(0, -1), "x", int64(1), int64(-1))
	}
	f.Fuzz(func(t *testing.T, format, kind uint8, i int64, r float64, s string, low, high int64) {
		c := &hap.Characteristic{Type: foreign(1), Format: hap.Format(format%10) + 1, Perms: hap.PermRead}
		number := c.Format != hap.FormatBool && c.Format < hap.FormatString
		if number && low < high {
			c.Min, c.Max = hap.Int(low), hap.Int(high)
		}
		v := [...]hap.Value{{}, hap.Bool(i&1 == 1), hap.Int(i), hap.Uint(uint64(i)), hap.Float(r), hap.String(s), hap.Bytes([]byte(s))}[kind%7]
		err := c.Set(v)
		got, _ := c.Value()
		if err != nil {
			if !errors.Is(err, hap.StatusInvalidValue) || !got.Null() {
				t.Fatalf("%v: %v, and the value is %v", v, err, got)
			}
			return
		}
		text := []byte(got.String())
		if !json.Valid(text) || !utf8.Valid(text) || bytes.ContainsAny(text, "\x00\n") {
			t.Fatalf("%q", text)
		}
		readsBack(t, c, got, text)
		if n, ok := new(big.Float).SetString(string(text)); ok && number && low < high {
			if n.Cmp(big.NewFloat(0).SetInt64(low)) < 0 || n.Cmp(big.NewFloat(0).SetInt64(high)) > 0 {
				t.Fatalf("%s is not between %d and %d", text, low, high)
			}
		}
	})
}

// readsBack reads what would be sent as the type that its format promises.
func readsBack(t *testing.T, c *hap.Characteristic, got hap.Value, text []byte) {
	t.Helper()
	var back hap.Value
	var err error
	switch c.Format {
	case hap.FormatBool:
		back, err = decoded(text, hap.Bool)
	case hap.FormatUint8:
		back, err = decoded(text, func(n uint8) hap.Value { return hap.Int(int64(n)) })
	case hap.FormatUint16:
		back, err = decoded(text, func(n uint16) hap.Value { return hap.Int(int64(n)) })
	case hap.FormatUint32:
		back, err = decoded(text, func(n uint32) hap.Value { return hap.Int(int64(n)) })
	case hap.FormatUint64:
		back, err = decoded(text, hap.Uint)
	case hap.FormatInt:
		back, err = decoded(text, func(n int32) hap.Value { return hap.Int(int64(n)) })
	case hap.FormatFloat:
		back, err = decoded(text, hap.Float)
	case hap.FormatString:
		back, err = decoded(text, hap.String)
	default:
		var raw string
		if err = json.Unmarshal(text, &raw); err == nil {
			var b []byte
			b, err = base64.StdEncoding.DecodeString(raw)
			back = hap.Bytes(b)
		}
	}
	if err != nil || back != got {
		t.Fatalf("%v: %q reads back as %v: %v", c.Format, text, back, err)
	}
}

func decoded[T any](text []byte, value func(T) hap.Value) (hap.Value, error) {
	var v T
	err := json.Unmarshal(text, &v)
	return value(v), err
}
