package hap

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"testing"
	"time"
)

// tape is a connection that keeps what is written to it.
type tape struct {
	net.Conn
	bytes.Buffer
}

func (t *tape) Write(b []byte) (int, error)      { return t.Buffer.Write(b) }
func (t *tape) Read([]byte) (int, error)         { return 0, net.ErrClosed }
func (t *tape) Close() error                     { return nil }
func (t *tape) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (t *tape) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (t *tape) SetWriteDeadline(time.Time) error { return nil }

// spoken is a text to read.
func spoken(t testing.TB, iid uint64, typ, text string) *Characteristic {
	t.Helper()
	c := &Characteristic{IID: iid, Type: typ, Format: FormatString, Perms: PermRead}
	if err := c.Set(String(text)); err != nil {
		t.Fatal(err)
	}
	return c
}

// everyKind is a server with a characteristic of each format and permission, at
// aid 1 and iids from 20 on.
func everyKind(t testing.TB) *Server {
	t.Helper()
	server, err := New(t.Context(), Options{Name: "Ingle", Model: "Hub", Memory: blank{}})
	if err != nil {
		t.Fatal(err)
	}
	all := &Service{IID: 10, Type: "43"}
	for i := range 40 {
		typ := string(rune('A'+i%6)) + "000000" + string("0123456789ABCDEF"[i%16]) + "-0000-1000-8000-0123456789AB"
		c := &Characteristic{IID: uint64(20 + i), Type: typ, Format: Format(1 + i%10), Perms: PermRead | PermWrite}
		c.Perms |= []Perms{PermEvents, PermWriteResponse, PermTimed, PermAuth}[i/10]
		if i%3 == 0 {
			c.OnWrite = func(_ context.Context, _ *Peer, v Value) (Value, error) { return v, nil }
			c.OnRead = func(context.Context, *Peer) (Value, error) { return Int(1), nil }
		}
		if all.Characteristic(typ) == nil {
			all.Characteristics = append(all.Characteristics, c)
		}
	}
	about := &Service{IID: 1, Type: "3E", Characteristics: []*Characteristic{
		{IID: 2, Type: "14", Format: FormatBool, Perms: PermWrite}, spoken(t, 3, "20", "Ingle"), spoken(t, 4, "21", "Hub"),
		spoken(t, 5, "23", "Hub"), spoken(t, 6, "30", "12"), spoken(t, 7, "52", "1.0"),
	}}
	protocol := &Service{IID: 8, Type: "A2", Characteristics: []*Characteristic{spoken(t, 9, "37", "1.1.0")}}
	if err := server.Publish(t.Context(), &Accessory{AID: 1, Services: []*Service{about, protocol, all}}); err != nil {
		t.Fatal(err)
	}
	return server
}

// FuzzAnswers gives a session any body and query: each has one answer, and that
// is HTTP with JSON that says something about every entry.
func FuzzAnswers(f *testing.F) {
	server := everyKind(f)
	f.Add([]byte(`{"characteristics":[{"aid":9,"iid":9,"value":1,"r":true}]}`), []byte("id=1.20,1.21&meta=1&perms=1&type=1&ev=1"))
	f.Add([]byte(`{"characteristics":[{"aid":1,"iid":20,"value":1,"ev":true,"r":true},{"aid":1,"iid":30,"value":1,"r":1}],"pid":7}`), []byte("id=1.9,1.2,7.7"))
	f.Add([]byte(`{"characteristics":[{"aid":1,"iid":28,"value":"AQ=="},{"aid":1,"iid":27,"value":"\ud83d","authData":"AQ=="}]}`), []byte("id=1.20,1.20"))
	f.Add([]byte(`{"ttl":9,"pid":7}`), []byte("id=18446744073709551615.1"))
	f.Add([]byte(`{"image-width":1,"image-height":1,"resource-type":"image"}`), []byte("id="))
	f.Fuzz(func(t *testing.T, body, query []byte) {
		out := &tape{}
		s := newSession(t.Context(), server, out)
		s.peer = &Peer{done: s.ctx.Done()}
		defer s.work.Wait()
		defer s.unsubscribeAll()
		defer s.cancel()
		for name, ask := range map[string]func() error{
			"write": func() error { return s.writeCharacteristics(body) }, "read": func() error { return s.readCharacteristics(query) },
			"prepare": func() error { return s.prepare(body) }, "resource": func() error { return s.resource(body) },
		} {
			out.Reset()
			if err := ask(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			head, answer, ok := bytes.Cut(out.Bytes(), []byte("\r\n\r\n"))
			if !ok || !bytes.HasPrefix(head, []byte("HTTP/1.1 ")) || (len(answer) > 0 && !json.Valid(answer)) {
				t.Fatalf("%s: %q", name, out.Bytes())
			}
			entries := 0
			if bytes.HasPrefix(head, []byte("HTTP/1.1 207")) && name != "resource" {
				entries = len(s.results)
			}
			if n := bytes.Count(answer, []byte(`"status":`)); n < entries {
				t.Fatalf("%s: %d of %d entries have a status: %s", name, n, entries, answer)
			}
		}
	})
}
