package message_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ingle-home/ingle/hub/hap/internal/message"
)

// source is a connection that gives a few bytes at a time.
type source struct {
	from io.Reader
	in   []byte
}

func (s *source) Fill() error {
	b := make([]byte, 1+len(s.in)/8)
	n, err := s.from.Read(b)
	s.in = append(bytes.Clone(s.in), b[:n]...) // moves, as a real buffer may
	if n > 0 {
		return nil
	}
	return err
}
func (s *source) Buffered() []byte { return s.in }
func (s *source) Discard(n int)    { s.in = s.in[n:] }

func from(text string) *source {
	return &source{from: strings.NewReader(text)}
}

func TestPipelinedRequests(t *testing.T) {
	s := from("PUT /characteristics?a=b HTTP/1.1\r\nHost: Hub in the hall._hap._tcp.local\r\ncontent-length:  4 \r\n\r\nbodyGET /accessories HTTP/1.1\r\n\r\n")
	r, err := message.Read(s, 4)
	if err != nil || !r.Is("PUT", "/characteristics") || string(r.Query) != "a=b" || string(r.Body) != "body" {
		t.Fatalf("%+v, %v", r, err)
	}
	s.Discard(r.Size)
	r, err = message.Read(s, 0)
	if err != nil || !r.Is("GET", "/accessories") || len(r.Body) != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	s.Discard(r.Size)
	if _, err := message.Read(s, 0); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestRefusedRequests(t *testing.T) {
	for text, want := range map[string]error{
		"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n":                        message.ErrTooLarge,
		"GET / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n":              message.ErrTooLarge,
		"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n":                       message.ErrMalformed,
		"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n":   message.ErrMalformed,
		"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n":               message.ErrMalformed,
		"GET / HTTP/1.0\r\n\r\n":                                             message.ErrMalformed,
		"GET  HTTP/1.1\r\n\r\n":                                              message.ErrMalformed,
		"GET / HTTP/1.1\r\nnonsense\r\n\r\n":                                 message.ErrMalformed,
		"GET /" + strings.Repeat("x", message.MaxHead) + " HTTP/1.1\r\n\r\n": message.ErrTooLarge,
		"GET / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbo":                      io.EOF,
	} {
		if _, err := message.Read(from(text), 4); !errors.Is(err, want) {
			t.Errorf("%.60q: %v, want %v", text, err, want)
		}
	}
}

func TestScalars(t *testing.T) {
	for text, want := range map[string]message.Scalar{
		`true`:                      {Kind: message.True},
		`false`:                     {Kind: message.False},
		`null`:                      {Kind: message.Null},
		`0`:                         {Kind: message.Int},
		`-7`:                        {Kind: message.Int, Number: 1<<64 - 7},
		`-9223372036854775808`:      {Kind: message.Int, Number: 1 << 63},
		`18446744073709551615`:      {Kind: message.Uint, Number: math.MaxUint64},
		`1.5e2`:                     {Kind: message.Float, Real: 150},
		`"a\"\u00e4\ud83d\ude00\n"`: {Kind: message.Text, Text: []byte("a\"ä😀\n")},
		`{"a":[1,{}]}`:              {Kind: message.Other},
		`18446744073709551616`:      {Kind: message.Other},
		`-9223372036854775809`:      {Kind: message.Other},
		`1e999`:                     {Kind: message.Other},
		strings.Repeat("9", 5000):   {Kind: message.Other},
		`-0`:                        {Kind: message.Int},
		`1E-2`:                      {Kind: message.Float, Real: 0.01},
		`"\ud83d\u0041\udc00"`:      {Kind: message.Text, Text: []byte("\ufffdA\ufffd")},
		`"\u0000\/\b\f\r\t\\"`:      {Kind: message.Text, Text: []byte("\x00/\b\f\r\t\\")},
		strings.Repeat("[", 16) + strings.Repeat("]", 16): {Kind: message.Other},
	} {
		var w message.Writes
		body := `{"characteristics":[ {"aid":1,"iid":18446744073709551615,"value" : ` + text + ` ,"r":1}]}`
		if !message.ParseWrites([]byte(body), &w) {
			t.Errorf("%s is refused", text)
			continue
		}
		got := w.Entries[0]
		if v := got.Value; v.Kind != want.Kind || v.Number != want.Number || v.Real != want.Real || !bytes.Equal(v.Text, want.Text) {
			t.Errorf("%s: %+v", text, v)
		}
		if got.AID != 1 || got.IID != math.MaxUint64 || !got.Response || got.Event.Kind != message.Absent {
			t.Errorf("%+v", got)
		}
	}
	for _, text := range []string{
		`tru`, `01`, `-`, `.5`, `01.5`, `1.`, `1.e5`, `1e`, `1e+`, `+1`, `1-2`, `--1`, `0x10`, `NaN`, `Infinity`, `"`, `"\x"`, `"\u12"`, "\"\n\"", `1 2`, `[1,]`, `{"a"}`, ``,
		strings.Repeat("[", 17) + strings.Repeat("]", 17),
	} {
		var w message.Writes
		if message.ParseWrites([]byte(`{"characteristics":[{"aid":1,"iid":1,"value":`+text+`}]}`), &w) {
			t.Errorf("%s is taken for %+v", text, w.Entries[0].Value)
		}
	}
}

func TestReadAllocatesNothing(t *testing.T) {
	var q message.Query
	var w message.Writes
	query, body := []byte("id=1.9,2.10&ev=1"), []byte(`{"characteristics":[{"aid":2,"iid":9,"value":true}]}`)
	message.ParseQuery(query, &q)
	message.ParseWrites(body, &w)
	if n := testing.AllocsPerRun(100, func() { message.ParseQuery(query, &q) }); n != 0 {
		t.Errorf("query: %v allocations", n)
	}
	if n := testing.AllocsPerRun(100, func() { message.ParseWrites(body, &w) }); n != 0 {
		t.Errorf("writes: %v allocations", n)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("PUT /characteristics HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte("GET / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n"))
	f.Add([]byte("\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &source{from: bytes.NewReader(b)}
		for {
			r, err := message.Read(s, 1<<10)
			if err != nil {
				return
			}
			if r.Size <= 0 || r.Size > len(b) || len(r.Body) > 1<<10 {
				t.Fatalf("%+v", r)
			}
			s.Discard(r.Size)
		}
	})
}

// FuzzBodies: what is taken is JSON, and means what encoding/json says.
func FuzzBodies(f *testing.F) {
	f.Add([]byte(`{"characteristics":[{"aid":2,"iid":9,"value":"a\u00e4","ev":true,"authData":"AQ==","r":true}],"pid":5}`))
	f.Add([]byte(`{"ttl":2500,"pid":18446744073709551615}`))
	f.Add([]byte(`{"image-width":640,"image-height":360,"resource-type":"image","reason":0,"aid":7}`))
	f.Add([]byte(`{"characteristics":[[[[[{"a":-1e5}]]]]]}`))
	f.Add([]byte(`{"characteristics":[{"aid":1,"iid":2,"value":"\ud83d\u0041\udc00\ud83d\ude00"}],"characteristics":[{"aid":3,"iid":4,"value":-0.5e-3}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var w message.Writes
		if message.ParseWrites(b, &w) {
			if len(w.Entries) == 0 || !json.Valid(b) {
				t.Errorf("taken: %d entries", len(w.Entries))
			}
			for _, e := range w.Entries {
				if e.Value.Kind == message.Text && utf8.Valid(b) && !utf8.Valid(e.Value.Text) {
					t.Errorf("%q", e.Value.Text)
				}
			}
		}
		if p, ok := message.ParseSnapshot(b); ok && (p.Width <= 0 || p.Height <= 0 || !json.Valid(b)) {
			t.Errorf("%+v", p)
		}
		if _, ok := message.ParsePrepare(b); ok && !json.Valid(b) {
			t.Error("a timed write that is not JSON")
		}
	})
}

// FuzzScalars: a value alone means what encoding/json says.
func FuzzScalars(f *testing.F) {
	for _, text := range []string{`"\ud83d\ude00"`, `"\ud83dA\udc00"`, `1.5e3`, `-0`, `18446744073709551615`, `true`, `null`, `{"a":[]}`, `"\u00"`, `1e400`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var w message.Writes
		if !message.ParseWrites([]byte(`{"characteristics":[{"aid":1,"iid":1,"value":`+text+`}]}`), &w) || !json.Valid([]byte(text)) {
			return // or several members
		}
		var want any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		got := w.Entries[0].Value
		same := got.Kind == message.Other
		switch v := want.(type) {
		case nil:
			same = got.Kind == message.Null
		case bool:
			truth, ok := got.Truth()
			same = ok && truth == v && got.Kind <= message.True
		case string:
			same = got.Kind == message.Text && (string(got.Text) == v || !utf8.ValidString(text))
		case json.Number:
			same = same || sameNumber(got, v)
		}
		if !same {
			t.Errorf("%q is %+v", text, got)
		}
	})
}

func sameNumber(got message.Scalar, want json.Number) bool {
	switch got.Kind {
	case message.Int:
		n, err := want.Int64()
		return err == nil && n == int64(got.Number)
	case message.Uint:
		return want.String() == strconv.FormatUint(got.Number, 10)
	case message.Float:
		r, err := want.Float64()
		return err == nil && r == got.Real
	}
	return false
}

// FuzzQuery: what is taken is a list of names that can be written down again.
func FuzzQuery(f *testing.F) {
	f.Add([]byte("id=1.2,3.4&meta=1"))
	f.Add([]byte("id=18446744073709551615.1&id=2.2&ev=true"))
	f.Add([]byte("id=1.2,&id"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var q, again message.Query
		if !message.ParseQuery(b, &q) {
			return
		}
		var ids []string
		for _, name := range q.IDs {
			ids = append(ids, fmt.Sprintf("%d.%d", name.AID, name.IID))
		}
		if len(ids) == 0 || !message.ParseQuery([]byte("id="+strings.Join(ids, ",")), &again) || !slices.Equal(q.IDs, again.IDs) {
			t.Errorf("%v, %v", q.IDs, again.IDs)
		}
	})
}
