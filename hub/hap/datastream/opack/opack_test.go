package opack_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap/datastream/opack"
)

func raw(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ints is a list of the numbers from 0.
func ints(n int) opack.Value {
	var list []opack.Value
	for i := range n {
		list = append(list, opack.Int(int64(i)))
	}
	return opack.List(list...)
}

// dict has entries "a", "b", … with the numbers from 0.
func dict(n int) opack.Value {
	var pairs []opack.Pair
	for i := range n {
		pairs = append(pairs, opack.Pair{Key: string(rune('a' + i)), Value: opack.Int(int64(i))})
	}
	return opack.Dictionary(pairs...)
}

// wire are values and their only form, written out from the table of tags.
func wire() map[string]opack.Value {
	long := strings.Repeat("x", 33)
	elements := ""
	for i := range 13 {
		elements += hex.EncodeToString([]byte{byte(8 + i)})
	}
	entries := ""
	for i := range 15 {
		entries += hex.EncodeToString([]byte{0x41, byte('a' + i), byte(8 + i)})
	}
	return map[string]opack.Value{
		"01": opack.Bool(true), "02": opack.Bool(false), "04": {},
		"05 000102030405060708090a0b0c0d0e0f": opack.ID(opack.UUID{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}),
		"06 0000000000c05e40":                 opack.Date(time.Date(2001, 1, 1, 0, 2, 3, 0, time.UTC)),
		"06 000000000000e0bf":                 opack.Date(time.Date(2000, 12, 31, 23, 59, 59, 500_000_000, time.UTC)),
		"07":                                  opack.Int(-1), "08": opack.Int(0), "2e": opack.Int(38), "30 27": opack.Int(39), "30 7f": opack.Int(127), "30 80": opack.Int(-128), "30 fe": opack.Int(-2),
		"31 8000": opack.Int(128), "31 7fff": opack.Int(-129), "31 0080": opack.Int(math.MinInt16),
		"32 00800000": opack.Int(math.MaxInt16 + 1), "32 00000080": opack.Int(math.MinInt32),
		"33 0000008000000000": opack.Int(math.MaxInt32 + 1), "33 0000000000000080": opack.Int(math.MinInt64),
		"33 ffffffffffffff7f": opack.Int(math.MaxInt64),
		"35 0000c03f":         opack.Float32(1.5), "36 000000000000f83f": opack.Float64(1.5),
		"40": opack.String(""), "43 c3a979": opack.String("éy"), "60" + hex.EncodeToString([]byte(long[:32])): opack.String(long[:32]),
		"61 21" + hex.EncodeToString([]byte(long)):  opack.String(long),
		"62 0001" + strings.Repeat("61", 256):       opack.String(strings.Repeat("a", 256)),
		"63 00000100" + strings.Repeat("61", 65536): opack.String(strings.Repeat("a", 65536)),
		"70":                                    opack.Bytes([]byte{}),
		"71 ff":                                 opack.Bytes([]byte{255}),
		"90" + strings.Repeat("07", 32):         opack.Bytes(bytes.Repeat([]byte{7}, 32)),
		"91 ff" + strings.Repeat("07", 255):     opack.Bytes(bytes.Repeat([]byte{7}, 255)),
		"92 ffff" + strings.Repeat("07", 65535): opack.Bytes(bytes.Repeat([]byte{7}, 65535)),
		"93 00000400" + strings.Repeat("07", 1<<18): opack.Bytes(bytes.Repeat([]byte{7}, 1<<18)),
		"d0":                    opack.List([]opack.Value{}...),
		"d2 08 d1 04":           opack.List(opack.Int(0), opack.List(opack.Value{})),
		"dc" + elements[:24]:    ints(12),
		"df" + elements + "03":  ints(13),
		"e0":                    opack.Dictionary([]opack.Pair{}...),
		"e1 42 6964 e1 4173 01": opack.Dictionary(opack.Pair{Key: "id", Value: opack.Dictionary(opack.Pair{Key: "s", Value: opack.Bool(true)})}),
		"ee" + entries[:14*6]:   dict(14),
		"ef" + entries + "03":   dict(15),
		"e2 46 737461747573 08 45 6f74686572 46 737461747573": opack.Dictionary(opack.Pair{Key: "status", Value: opack.Int(0)}, opack.Pair{Key: "other", Value: opack.String("status")}),
	}
}

func TestTheFormOfEveryValue(t *testing.T) {
	for form, v := range wire() {
		b := raw(t, form)
		if got := v.Append(nil); !bytes.Equal(got, b) {
			t.Errorf("written as %.60x, want %.60s", got, form)
		}
		if got, err := opack.Parse(b); err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%.60s is read as %.60v, %v", form, got, err)
		}
	}
	if got := opack.Int64(1).Append(nil); !bytes.Equal(got, raw(t, "33 0100000000000000")) {
		t.Errorf("a number of 64 bits is written as %x", got)
	}
	if got := opack.String("a\xffb").Append(nil); !bytes.Equal(got, raw(t, "45 61efbfbd62")) {
		t.Errorf("what is no UTF-8 is written as %x", got)
	}
}

// Other writers may choose longer forms and back references.
func TestFormsThatAreOnlyRead(t *testing.T) {
	text, list := opack.String, opack.List
	for form, want := range map[string]opack.Value{
		"2f": opack.Int(39), "33 0500000000000000": opack.Int(5), "30 ff": opack.Int(-1),
		"61 01 61": text("a"), "62 0100 61": text("a"), "63 01000000 61": text("a"), "64 0100000000000000 61": text("a"), "6f 6162 00": text("ab"),
		"91 01 09": opack.Bytes([]byte{9}), "94 0100000000000000 09": opack.Bytes([]byte{9}), "9f 0901 03": opack.Bytes([]byte{9, 1}),
		"df 08 04 03": list(opack.Int(0), opack.Value{}), "dd" + strings.Repeat("08", 13): list(zeros(13)...), "de" + strings.Repeat("08", 14): list(zeros(14)...),
		"ef 4161 08 03":                  opack.Dictionary(opack.Pair{Key: "a", Value: opack.Int(0)}),
		"d4 4161 a0 3064 a1":             list(text("a"), text("a"), opack.Int(100), opack.Int(100)),
		"e2 4161 4162 a1 a0":             opack.Dictionary(opack.Pair{Key: "a", Value: text("b")}, opack.Pair{Key: "b", Value: text("a")}),
		"d8 01 04 08 d0 40 7109 4161 a0": list(opack.Bool(true), opack.Value{}, opack.Int(0), list([]opack.Value{}...), text(""), opack.Bytes([]byte{9}), text("a"), text("a")),
		"d6 06 0000000000c05e40 35 0000c03f 72 0102 a2 a1 a0": list(opack.Date(time.Date(2001, 1, 1, 0, 2, 3, 0, time.UTC)), opack.Float32(1.5), opack.Bytes([]byte{1, 2}),
			opack.Bytes([]byte{1, 2}), opack.Float32(1.5), opack.Date(time.Date(2001, 1, 1, 0, 2, 3, 0, time.UTC))),
	} {
		if got, err := opack.Parse(raw(t, form)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is read as %v, %v", form, got, err)
		}
	}
}

func zeros(n int) []opack.Value {
	list := make([]opack.Value, n)
	for i := range list {
		list[i] = opack.Int(0)
	}
	return list
}

func TestWhatIsRefused(t *testing.T) {
	deep := strings.Repeat("d1", 17) + "04"
	for form, want := range map[string]error{
		"": opack.ErrTruncated, "31 00": opack.ErrTruncated, "42 61": opack.ErrTruncated, "05 00": opack.ErrTruncated, "06 00": opack.ErrTruncated, "36 00": opack.ErrTruncated,
		"64 ffffffffffffffff 61": opack.ErrTruncated, "94 ffffffffffffff7f": opack.ErrTruncated, "62 01": opack.ErrTruncated, "6f 61": opack.ErrTruncated, "9f 61": opack.ErrTruncated,
		"d1": opack.ErrTruncated, "df 08": opack.ErrTruncated, "e1 4161": opack.ErrTruncated, "ef 4161 08": opack.ErrTruncated,
		"04 04": opack.ErrTrailing, "d0 03": opack.ErrTrailing,
		"00": opack.ErrTag, "03": opack.ErrTag, "d1 03": opack.ErrTag, "34": opack.ErrTag, "37": opack.ErrTag, "65 00": opack.ErrTag, "95 00": opack.ErrTag, "9e": opack.ErrTag, "f0": opack.ErrTag, "e1 4161 03": opack.ErrTag,
		"a0": opack.ErrReference, "d2 4161 a1": opack.ErrReference, "d2 08 a0": opack.ErrReference, "d2 d0 a0": opack.ErrReference, "d2 40 a0": opack.ErrReference,
		"41 ff": opack.ErrText, "6f ff 00": opack.ErrText,
		"e1 08 08": opack.ErrKey, "e1 04 08": opack.ErrKey, "e2 4161 08 4161 09": opack.ErrKey, "e2 4161 08 a0 09": opack.ErrKey,
		"06 000000000000f87f": opack.ErrRange, "06 000000000000f07f": opack.ErrRange, "06 ffffffffffffefff": opack.ErrRange,
		deep: opack.ErrTooMuch, strings.Repeat("e14161", 17) + "04": opack.ErrTooMuch,
		"df" + strings.Repeat("08", 1<<14) + "03": opack.ErrTooMuch,
	} {
		if got, err := opack.Parse(raw(t, form)); !errors.Is(err, want) || !got.Null() {
			t.Errorf("%.40s is read as %.40v, %v; want %v", form, got, err, want)
		}
	}
	if _, err := opack.Parse(raw(t, deep[2:])); err != nil {
		t.Errorf("16 levels: %v", err)
	}
	// A message of 1 MiB must not become one of gigabytes where it is written again.
	large := append(raw(t, "df 63 00000800"), bytes.Repeat([]byte{'a'}, 1<<19)...)
	for range 3 {
		large = append(large, 0xa0)
	}
	if _, err := opack.Parse(append(large, 3)); !errors.Is(err, opack.ErrTooMuch) {
		t.Errorf("references to large values: %v", err)
	}
}

func TestWhatAValueHolds(t *testing.T) {
	v := opack.Dictionary(opack.Pair{Key: "id", Value: opack.Int64(7)}, opack.Pair{Key: "f", Value: opack.Float32(0.5)})
	if id, ok := v.Get("id").Int(); !ok || id != 7 {
		t.Errorf("id is %d, %v", id, ok)
	}
	if f, ok := v.Get("id").Float(); !ok || f != 7 {
		t.Errorf("id as a float is %v, %v", f, ok)
	}
	if f, ok := v.Get("f").Float(); !ok || f != 0.5 {
		t.Errorf("f is %v, %v", f, ok)
	}
	if !v.Get("none").Null() || !opack.Int(1).Get("id").Null() {
		t.Error("what is not there is something")
	}
	_, text := v.Text()
	_, number := v.Int()
	_, real := opack.String("1").Float()
	_, list := v.List()
	_, bytes := opack.String("x").Bytes()
	_, id := v.ID()
	_, date := v.Date()
	_, truth := opack.Int(1).Bool()
	if text || number || real || list || bytes || id || date || truth {
		t.Error("a value is what it is not")
	}
}

func FuzzParse(f *testing.F) {
	for form := range wire() {
		if b := raw(f, form); len(b) < 1000 {
			f.Add(b)
		}
	}
	f.Add(raw(f, "d6 06 0000000000c05e40 35 0000c03f 72 0102 a2 a1 a0"))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		v, err := opack.Parse(b)
		if !bytes.Equal(b, before) {
			t.Fatal("reading changed the message")
		}
		if err != nil {
			return
		}
		once := v.Append(nil)
		again, err := opack.Parse(once)
		if err != nil {
			t.Fatalf("%x is written as %x, which is not read: %v", b, once, err)
		}
		if twice := again.Append(nil); !bytes.Equal(once, twice) {
			t.Fatalf("%x is written as %x and then as %x", b, once, twice)
		}
	})
}
