package tlv8_test

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"github.com/ingle-home/ingle/hub/hap/tlv8"
)

func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 7)
	}
	return b
}

func TestFragments(t *testing.T) {
	for n, size := range map[int]int{0: 2, 1: 3, 254: 256, 255: 257, 256: 260, 510: 514, 511: 517, 5000: 5040} {
		b := tlv8.AppendUint8(tlv8.Append(nil, 5, pattern(n)), 6, 9)
		if len(b) != size+3 {
			t.Errorf("%d bytes became %d on the wire, want %d", n, len(b)-3, size)
		}
		before := bytes.Clone(b)
		items, err := tlv8.Parse(b)
		if err != nil || len(items) != 2 {
			t.Fatalf("%d bytes: %d items, %v", n, len(items), err)
		}
		if got, err := items.Bytes(5); err != nil || !bytes.Equal(got, pattern(n)) {
			t.Errorf("%d bytes: got %d, %v", n, len(got), err)
		}
		if !bytes.Equal(b, before) {
			t.Errorf("%d bytes: reading changed the message", n)
		}
	}
}

// Two items of a type belong together only if the first one is full.
func TestJoinRule(t *testing.T) {
	full := append([]byte{1, 255}, pattern(255)...)
	for _, c := range []struct {
		name string
		wire []byte
		want []int // lengths
	}{
		{"short then short", []byte{1, 1, 7, 1, 1, 8}, []int{1, 1}},
		{"full then short", append(bytes.Clone(full), 1, 1, 8), []int{256}},
		{"full then empty", append(bytes.Clone(full), 1, 0), []int{255}},
		{"full then other type", append(bytes.Clone(full), 2, 1, 8), []int{255, 1}},
		{"full, other, same", append(bytes.Clone(full), 2, 0, 1, 1, 8), []int{255, 0, 1}},
		{"full, short, short", append(bytes.Clone(full), 1, 1, 8, 1, 1, 9), []int{256, 1}},
	} {
		items, err := tlv8.Parse(c.wire)
		if err != nil || len(items) != len(c.want) {
			t.Errorf("%s: %d items, %v", c.name, len(items), err)
			continue
		}
		for i, item := range items {
			if len(item.Value) != c.want[i] {
				t.Errorf("%s: item %d has %d bytes, want %d", c.name, i, len(item.Value), c.want[i])
			}
		}
	}
}

func TestListsWithSeparators(t *testing.T) {
	var pairings []byte
	for i := range 3 {
		if i > 0 {
			pairings = tlv8.AppendSeparator(pairings, 0xFF)
		}
		pairings = tlv8.AppendUint8(tlv8.AppendString(pairings, 1, string(rune('a'+i))), 11, uint8(i))
	}
	items, err := tlv8.Parse(pairings)
	if err != nil {
		t.Fatal(err)
	}
	list := items.Split(0xFF)
	if len(list) != 3 {
		t.Fatalf("%d elements", len(list))
	}
	for i, element := range list {
		id, err := element.Bytes(1)
		permission, permErr := element.Uint8(11)
		if err != nil || permErr != nil || string(id) != string(rune('a'+i)) || permission != uint8(i) {
			t.Errorf("element %d: %q %d, %v %v", i, id, permission, err, permErr)
		}
	}
	if _, err := items.Bytes(1); !errors.Is(err, tlv8.ErrRepeated) {
		t.Errorf("a list read as one structure: %v", err)
	}

	// A camera's list: elements of one type with 00 00 between them, the first
	// exactly one fragment long.
	b := tlv8.Append(tlv8.AppendSeparator(tlv8.Append(nil, 1, pattern(255)), 0), 1, pattern(3))
	if items, err = tlv8.Parse(b); err != nil {
		t.Fatal(err)
	}
	if all := items.All(1); len(all) != 2 || len(all[0]) != 255 || len(all[1]) != 3 {
		t.Errorf("camera list: %d elements", len(all))
	}
	if n := len(items.Split(0)); n != 2 {
		t.Errorf("camera list splits into %d", n)
	}
	if n := len(tlv8.Items{}.Split(0)); n != 0 {
		t.Errorf("nothing splits into %d", n)
	}
}

func TestNumbers(t *testing.T) {
	b := tlv8.AppendUint8(nil, 1, 0xAB)
	b = tlv8.AppendUint16(b, 2, 0xABCD)
	b = tlv8.AppendUint32(b, 3, 0xABCDEF01)
	b = tlv8.AppendUint64(b, 4, math.MaxUint64)
	b = tlv8.AppendUint32(b, 5, math.Float32bits(1.5))
	b = tlv8.Append(b, 6, tlv8.AppendUint8(nil, 1, 3))
	b = tlv8.Append(b, 7, nil)
	b = tlv8.Append(b, 8, []byte{1, 0, 0, 0, 0, 0, 0, 0, 0})
	want := "\x01\x01\xab\x02\x02\xcd\xab\x03\x04\x01\xef\xcd\xab\x04\x08\xff\xff\xff\xff\xff\xff\xff\xff\x05\x04\x00\x00\xc0\x3f\x06\x03\x01\x01\x03\x07\x00\x08\x09\x01\x00\x00\x00\x00\x00\x00\x00\x00"
	if string(b) != want {
		t.Fatalf("wire % x", b)
	}
	it, err := tlv8.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := it.Uint8(1); v != 0xAB || err != nil {
		t.Error(v, err)
	}
	if v, err := it.Uint16(2); v != 0xABCD || err != nil {
		t.Error(v, err)
	}
	if v, err := it.Uint32(3); v != 0xABCDEF01 || err != nil {
		t.Error(v, err)
	}
	if v, err := it.Uint64(4); v != math.MaxUint64 || err != nil {
		t.Error(v, err)
	}
	if v, err := it.Float32(5); v != 1.5 || err != nil {
		t.Error(v, err)
	}
	if in, err := it.Nested(6); err != nil || !in.Has(1) || in.Has(2) {
		t.Error(in, err)
	}
	if v, err := it.Uint64(2); v != 0xABCD || err != nil {
		t.Error("shorter number:", v, err)
	}
	if v, err := it.Uint32(7); v != 0 || err != nil {
		t.Error("empty number:", v, err)
	}
}

func TestRefusedNumbers(t *testing.T) {
	it, err := tlv8.Parse([]byte{1, 2, 0, 1, 2, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 4, 1, 0, 4, 1, 0, 5, 1, 9})
	if err != nil {
		t.Fatal(err)
	}
	_, tooBig := it.Uint8(1)
	_, tooLong := it.Uint64(2)
	_, shortFloat := it.Float32(3)
	_, twice := it.Uint8(4)
	_, missing := it.Uint8(9)
	_, noFloat := it.Float32(9)
	_, noNested := it.Nested(9)
	_, badNested := it.Nested(5)
	for i, c := range []struct{ got, want error }{
		{tooBig, tlv8.ErrRange}, {tooLong, tlv8.ErrRange}, {shortFloat, tlv8.ErrRange}, {twice, tlv8.ErrRepeated},
		{missing, tlv8.ErrMissing}, {noFloat, tlv8.ErrMissing}, {noNested, tlv8.ErrMissing}, {badNested, tlv8.ErrTruncated},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("case %d: %v, want %v", i, c.got, c.want)
		}
	}
}

func TestTruncated(t *testing.T) {
	whole := tlv8.Append(tlv8.AppendUint8(nil, 6, 1), 3, pattern(300))
	for n := range whole {
		_, err := tlv8.Parse(whole[:n])
		between := n == 0 || n == 3 || n == 3+257
		if between != (err == nil) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{6, 1, 1, 0, 1, 0})
	f.Add([]byte{1, 255})
	f.Add([]byte{0xFF, 0, 0xFF, 0, 0, 0, 0, 0})
	f.Add(tlv8.Append(tlv8.Append(nil, 3, pattern(600)), 3, pattern(10)))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		items, err := tlv8.Parse(b)
		if err != nil {
			if len(items) != 0 {
				t.Fatal("items beside an error")
			}
			return
		}
		total := 0
		var again []byte
		for _, item := range items {
			total += len(item.Value)
			again = tlv8.Append(again, item.Type, item.Value)
			_, _ = items.Uint32(item.Type)
			_, _ = items.Nested(item.Type)
		}
		items.Split(0xFF)
		if total > len(b) || !bytes.Equal(b, before) {
			t.Fatal("reading made bytes up or changed the message")
		}
		// A message of ours means the same, unless a full item stands before an
		// item of its type with nothing to part them.
		if second, err := tlv8.Parse(again); err != nil || len(second) > len(items) {
			t.Fatalf("written again: %d items for %d, %v", len(second), len(items), err)
		}
	})
}
