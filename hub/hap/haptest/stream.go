package haptest

import (
	"bufio"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
	"strings"
)

// counted is the cipher of one direction.
type counted struct {
	aead  cipher.AEAD
	count uint64
}

func (c *counted) nonce() []byte {
	n := make([]byte, 12)
	binary.LittleEndian.PutUint64(n[4:], c.count)
	c.count++
	return n
}

// opener reads the plain text of encrypted frames.
type opener struct {
	from  io.Reader
	keys  counted
	plain []byte
}

func (o *opener) Read(p []byte) (int, error) {
	if len(o.plain) == 0 {
		var size [2]byte
		if _, err := io.ReadFull(o.from, size[:]); err != nil {
			return 0, err
		}
		sealed := make([]byte, int(binary.LittleEndian.Uint16(size[:]))+16)
		if _, err := io.ReadFull(o.from, sealed); err != nil {
			return 0, err
		}
		plain, err := o.keys.aead.Open(nil, o.keys.nonce(), sealed, size[:])
		if err != nil {
			return 0, fmt.Errorf("haptest: frame %d: %w", o.keys.count-1, err)
		}
		o.plain = plain
	}
	n := copy(p, o.plain)
	o.plain = o.plain[n:]
	return n, nil
}

// Response is one message of the server.
type Response struct {
	Status int
	Event  bool // EVENT/1.0 instead of HTTP/1.1
	Header textproto.MIMEHeader
	Body   []byte
}

func readResponse(r *bufio.Reader) (Response, error) {
	lines := textproto.NewReader(r)
	first, err := lines.ReadLine()
	if err != nil {
		return Response{}, err
	}
	protocol, rest, _ := strings.Cut(first, " ")
	word, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(word)
	if err != nil || protocol != "HTTP/1.1" && protocol != "EVENT/1.0" {
		return Response{}, fmt.Errorf("haptest: status line %q", first)
	}
	header, err := lines.ReadMIMEHeader()
	if err != nil {
		return Response{}, fmt.Errorf("haptest: header: %w", err)
	}
	res := Response{Status: status, Event: protocol == "EVENT/1.0", Header: header}
	length := header.Get("Content-Length")
	if length == "" {
		if status != 204 {
			return Response{}, fmt.Errorf("haptest: no Content-Length in %q", first)
		}
		return res, nil
	}
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 || n > 64<<20 {
		return Response{}, fmt.Errorf("haptest: Content-Length %q", length)
	}
	res.Body = make([]byte, n)
	_, err = io.ReadFull(r, res.Body)
	return res, err
}
