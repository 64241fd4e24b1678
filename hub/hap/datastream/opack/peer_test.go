package opack_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap/datastream/opack"
)

const modules = "../../bench/peer/node_modules"

// order is something that the peer shall do, and result what came of it.
type order struct {
	Encode any    `json:"encode,omitempty"`
	Decode string `json:"decode,omitempty"`
}

type result struct {
	Hex, Error string
	Value      json.RawMessage
}

// peer runs HAP-NodeJS's own reader and writer.
func peer(t *testing.T, orders []order) []result {
	t.Helper()
	if _, err := os.Stat(modules + "/@homebridge/hap-nodejs"); err != nil {
		t.Skip("npm's @homebridge/hap-nodejs is not installed here: run `npm ci` in hub/hap/bench/peer, or `make test`")
	}
	input, err := json.Marshal(orders)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "../testdata/peer.js", modules, "opack")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var results []result
	if err := json.Unmarshal(out, &results); err != nil || len(results) != len(orders) {
		t.Fatalf("the peer said %.200s, %v", out, err)
	}
	return results
}

// random makes values as messages have them, and the same for the peer. Left out is what its writer
// or reader is known to get wrong: raw bytes of up to 32, which its reader loses, and texts without a
// letter, which it counts for back references and Apple's does not.
type random struct {
	*rand.Rand
	reading bool // the peer reads: it does not tell kinds of numbers apart
}

func (r random) pair(depth int) (opack.Value, []any) {
	kinds := 9
	if depth > 0 {
		kinds = 12
	}
	switch r.IntN(kinds) {
	case 0:
		return opack.Value{}, []any{"null"}
	case 1:
		b := r.IntN(2) == 0
		return opack.Bool(b), []any{"bool", b}
	case 2, 3:
		return r.integer()
	case 4:
		f := math.Float64frombits(r.Uint64()&^(0x7ff<<52) | uint64(1000+r.IntN(60))<<52) // neither huge nor tiny, nor an integer
		if r.reading {
			return opack.Float64(f), []any{"number", f}
		}
		return opack.Float64(f), []any{"float64", f}
	case 5:
		f := float32(r.IntN(1000)) + 0.25
		if r.reading {
			return opack.Float32(f), []any{"number", f}
		}
		return opack.Float32(f), []any{"float32", f}
	case 6, 7:
		s := strings.Repeat(string(rune('a'+r.IntN(5))), 1+[]int{0, 1, 31, 32, 33, 254, 255, 300}[r.IntN(8)]*r.IntN(2))
		return opack.String(s), []any{"string", s}
	case 8:
		return r.special()
	case 9:
		return r.dictionary(depth)
	default:
		return r.list(depth)
	}
}

func (r random) integer() (opack.Value, []any) {
	bits := []int{3, 5, 6, 7, 8, 14, 15, 16, 30, 31, 40, 52}[r.IntN(12)]
	i := r.Int64N(1 << bits)
	if bits < 32 && r.IntN(2) == 0 {
		i = -i
	}
	if bits >= 31 && !r.reading { // its writer has 32 bits
		i &= 1<<31 - 1
	}
	return opack.Int(i), []any{"number", i}
}

func (r random) special() (opack.Value, []any) {
	if r.IntN(2) == 0 {
		n := 33 + r.IntN(300)
		b := bytes.Repeat([]byte{byte(r.IntN(256))}, n)
		return opack.Bytes(b), []any{"data", hex.EncodeToString(b)}
	}
	if at := r.IntN(1 << 30); r.IntN(2) == 0 {
		v := opack.Date(time.Unix(978_307_200+int64(at), 0))
		if r.reading {
			return v, []any{"number", at}
		}
		return v, []any{"date", at}
	}
	u := opack.UUID{1, 2, 3, byte(r.IntN(4))}
	text := fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
	if r.reading {
		return opack.ID(u), []any{"string", text}
	}
	return opack.ID(u), []any{"uuid", text}
}

func (r random) list(depth int) (opack.Value, []any) {
	list, shown := []opack.Value{}, []any{}
	for range r.IntN(16) {
		v, s := r.pair(depth - 1)
		list, shown = append(list, v), append(shown, s)
	}
	return opack.List(list...), []any{"list", shown}
}

func (r random) dictionary(depth int) (opack.Value, []any) {
	pairs, shown := []opack.Pair{}, []any{}
	for i := range r.IntN(18) {
		v, s := r.pair(depth - 1)
		key := string(rune('a' + i))
		pairs, shown = append(pairs, opack.Pair{Key: key, Value: v}), append(shown, []any{key, s})
	}
	return opack.Dictionary(pairs...), []any{"dict", shown}
}

const rounds = 400

func TestThePeersMessagesAreRead(t *testing.T) {
	r := random{Rand: rand.New(rand.NewPCG(1, 2))}
	var want []opack.Value
	var orders []order
	for range rounds {
		v, shown := r.pair(3)
		want, orders = append(want, v), append(orders, order{Encode: shown})
	}
	references := 0
	for i, result := range peer(t, orders) {
		got, err := opack.Parse(raw(t, result.Hex))
		if err != nil || !bytes.Equal(got.Append(nil), want[i].Append(nil)) {
			t.Fatalf("%v: %.400s is read as %.400v, %v", orders[i].Encode, result.Hex, got, err)
		}
		if len(result.Hex)/2 < len(want[i].Append(nil)) {
			references++
		}
	}
	if references < rounds/10 {
		t.Errorf("only %d of %d messages have back references", references, rounds)
	}
}

func TestThePeerReadsOurMessages(t *testing.T) {
	r := random{Rand: rand.New(rand.NewPCG(3, 4)), reading: true}
	var want []string
	var orders []order
	for range rounds {
		v, shown := r.pair(3)
		text, err := json.Marshal(shown)
		if err != nil {
			t.Fatal(err)
		}
		want, orders = append(want, string(text)), append(orders, order{Decode: hex.EncodeToString(v.Append(nil))})
	}
	for i, result := range peer(t, orders) {
		var got, wanted any
		if err := json.Unmarshal(result.Value, &got); err != nil {
			t.Fatalf("%s: %s, %v", orders[i].Decode, result.Error, err)
		}
		if err := json.Unmarshal([]byte(want[i]), &wanted); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(wanted) {
			t.Fatalf("%.400s is read as %.400s, want %.400s", orders[i].Decode, result.Value, want[i])
		}
	}
}

// The traps of the peer, so that a newer one that is mended shows.
func TestWhereThePeerIsWrong(t *testing.T) {
	results := peer(t, []order{{Encode: []any{"number", 39}}, {Decode: "2f"}, {Decode: "3027"}, {Decode: "d17109"}})
	if results[0].Hex != "2f" || results[1].Error == "" {
		t.Errorf("39 is written as %s, and 2f is read as %s", results[0].Hex, results[1].Value)
	}
	if v, err := opack.Parse(raw(t, results[0].Hex)); err != nil || !bytes.Equal(v.Append(nil), raw(t, "3027")) {
		t.Errorf("39 of the peer is read as %v, %v", v, err)
	}
	if string(results[2].Value) != `["number",39]` {
		t.Errorf("our 39 is read as %s", results[2].Value)
	}
	if string(results[3].Value) != `["list",[["undefined",null]]]` {
		t.Errorf("short raw bytes are read as %s", results[3].Value)
	}
}
