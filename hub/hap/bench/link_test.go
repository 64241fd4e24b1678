package main

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
)

// tape is a socket that says what it was given.
type tape struct {
	net.Conn
	io.Reader
}

func (t tape) Read(p []byte) (int, error) { return t.Reader.Read(p) }

func play(r io.Reader) *link { return &link{socket: tape{Reader: r}, raw: make([]byte, 0, 64)} }

func TestNext(t *testing.T) {
	const said = "HTTP/1.1 204 No Content\r\n\r\n" +
		"HTTP/1.1 200 OK\r\nContent-Type: x\r\nContent-Length: 5\r\n\r\nhello" +
		"EVENT/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}" +
		"HTTP/1.1 207 Multi-Status\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nchun\r\n3\r\nked\r\n0\r\n\r\n"
	for name, r := range map[string]io.Reader{
		"at once":   strings.NewReader(said),
		"in pieces": iotest.OneByteReader(strings.NewReader(said)),
	} {
		l := play(r)
		for _, want := range []message{
			{status: 204}, {status: 200, body: []byte("hello")}, {status: 200, event: true, body: []byte("{}")}, {status: 207, body: []byte("chunked")},
		} {
			got, err := l.next()
			if err != nil || got.status != want.status || got.event != want.event || !bytes.Equal(got.body, want.body) {
				t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
			}
		}
		if _, err := l.next(); err != io.EOF {
			t.Errorf("%s: at the end %v", name, err)
		}
	}
}

func FuzzNext(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n"))
	f.Add([]byte("x\r\n\r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		l := play(bytes.NewReader(said))
		for {
			m, err := l.next()
			if len(m.body) > len(said) {
				t.Fatalf("%d bytes became %d", len(said), len(m.body))
			}
			if err != nil {
				return
			}
		}
	})
}
