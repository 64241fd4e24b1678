// Package message reads what HAP controllers send over a connection: HTTP/1.1
// requests with any Host header, and the JSON of characteristics, timed writes
// and snapshots (HomeKit Accessory Protocol, chapter 6). Lengths are checked
// before anything is allocated, and requests are slices of the connection's own
// buffer: a read of one characteristic allocates nothing.
package message

import (
	"bytes"
	"errors"
)

// Errors after which the next request cannot be found: the connection ends.
var (
	ErrMalformed = errors.New("message: not an HTTP/1.1 request")
	ErrTooLarge  = errors.New("message: request too large")
)

// MaxHead bounds the request line and the headers together, in bytes. Who may not
// send as large a body may not send as large a head either, but for the least.
const (
	MaxHead   = 64 << 10
	leastHead = 8 << 10
)

// Source is a connection with a buffer (frame.Conn).
type Source interface {
	Fill() error      // adds at least one byte to Buffered
	Buffered() []byte // valid until the next Fill or Discard
	Discard(n int)
}

// Request is one request. Its slices are valid until Discard of the source.
type Request struct {
	Method, Path, Query, Body []byte
	Size                      int // bytes to discard once it is answered
}

// Is reports whether the request has this method and path.
func (r Request) Is(method, path string) bool {
	return string(r.Method) == method && string(r.Path) == path
}

// Read waits for one whole request. It leaves it in the source's buffer, so that
// nothing is copied; bodies above maxBody bytes are ErrTooLarge as soon as they
// are announced.
func Read(src Source, maxBody int) (Request, error) {
	end, err := readHead(src, min(MaxHead, max(leastHead, maxBody)))
	if err != nil {
		return Request{}, err
	}
	_, length, err := parseHead(src.Buffered()[:end])
	if err != nil {
		return Request{}, err
	}
	if length > maxBody {
		return Request{}, ErrTooLarge
	}
	for len(src.Buffered()) < end+length {
		if err := src.Fill(); err != nil {
			return Request{}, err
		}
	}
	all := src.Buffered()[:end+length]
	r, _, err := parseHead(all[:end]) // again: Fill may have moved the bytes
	r.Body, r.Size = all[end:], len(all)
	return r, err
}

// readHead returns the number of bytes up to and with the empty line.
func readHead(src Source, most int) (int, error) {
	seen := 0
	for {
		b := src.Buffered()
		from := max(0, seen-len("\r\n\r"))
		if i := bytes.Index(b[from:], []byte("\r\n\r\n")); i >= 0 {
			seen = from + i + len("\r\n\r\n")
			if seen > most {
				return 0, ErrTooLarge
			}
			return seen, nil
		}
		if seen = len(b); seen > most {
			return 0, ErrTooLarge
		}
		if err := src.Fill(); err != nil {
			return 0, err
		}
	}
}

func parseHead(head []byte) (r Request, length int, err error) {
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	method, line, ok := bytes.Cut(line, []byte(" "))
	target, version, ok2 := bytes.Cut(line, []byte(" "))
	if !ok || !ok2 || len(method) == 0 || len(target) == 0 || target[0] != '/' || string(version) != "HTTP/1.1" {
		return r, 0, ErrMalformed
	}
	r.Method = method
	r.Path, r.Query, _ = bytes.Cut(target, []byte("?"))
	length, err = contentLength(rest)
	return r, length, err
}

// contentLength is 0 without the header. Chunked bodies are refused: no
// controller sends them, and two ways to find the end of a request are one too
// many.
func contentLength(headers []byte) (int, error) {
	length := -1
	for len(headers) > 0 {
		var line []byte
		line, headers, _ = bytes.Cut(headers, []byte("\r\n"))
		name, value, ok := bytes.Cut(line, []byte(":"))
		if len(line) > 0 && !ok || bytes.EqualFold(name, []byte("Transfer-Encoding")) {
			return 0, ErrMalformed
		}
		if !bytes.EqualFold(name, []byte("Content-Length")) {
			continue
		}
		n, ok := decimal(bytes.Trim(value, " \t"))
		if !ok || length >= 0 && uint64(length) != n {
			return 0, ErrMalformed
		}
		if n > 1<<30 {
			return 0, ErrTooLarge
		}
		length = int(n)
	}
	return max(0, length), nil
}

// decimal reads a number of 1 to 20 digits that fits 64 bits.
func decimal(b []byte) (n uint64, ok bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	for _, c := range b {
		d := uint64(c - '0')
		if d > 9 || n > (1<<64-1-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, true
}
