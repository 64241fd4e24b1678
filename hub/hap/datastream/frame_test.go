package datastream

import (
	"bytes"
	"crypto/cipher"
	"net"
	"reflect"
	"testing"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/ingle-home/ingle/hub/hap/datastream/opack"
)

// pipe is one end of a connection that counts its writes.
type pipe struct {
	net.Conn
	written [][]byte
}

func (p *pipe) Write(b []byte) (int, error) {
	p.written = append(p.written, bytes.Clone(b))
	return len(b), nil
}

func testCipher(t testing.TB) cipher.AEAD {
	t.Helper()
	aead, err := chacha20poly1305.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

func TestOneWriteForEachFrame(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	p := &pipe{Conn: near}
	c := newConn(p, time.Minute)
	aead := testCipher(t)
	c.begin(&ticket{open: aead, seal: aead})
	for i, n := range []int{0, 1, 100, 70_000, 1_000_000} {
		m := message{kind: event, protocol: "test", topic: "t", body: opack.Dictionary(opack.Pair{Key: "b", Value: opack.Bytes(make([]byte, n))})}
		if err := c.write(m); err != nil {
			t.Fatal(err)
		}
		if len(p.written) != i+1 {
			t.Fatalf("%d writes for %d frames", len(p.written), i+1)
		}
		f := p.written[i]
		nonce := append(make([]byte, 4), byte(i), 0, 0, 0, 0, 0, 0, 0)
		plain, err := aead.Open(nil, nonce, f[4:], f[:4])
		if err != nil || f[0] != 1 || int(f[1])<<16|int(f[2])<<8|int(f[3]) != len(plain) {
			t.Fatalf("frame %d is %.8x, %v", i, f, err)
		}
		if got, err := parseMessage(plain); err != nil || !reflect.DeepEqual(got, m) {
			t.Fatalf("%.200v is read as %.200v, %v", m, got, err)
		}
	}
	if cap(c.out) > keep {
		t.Errorf("%d bytes are kept for the life of the stream", cap(c.out))
	}
	c.forget()
	if c.write(message{kind: event}) == nil || c.open.aead != nil || c.seal.aead != nil {
		t.Error("a connection that is over has its keys")
	}
}

func TestHeadersThatAreNone(t *testing.T) {
	text := opack.String
	pair := func(k string, v opack.Value) opack.Pair { return opack.Pair{Key: k, Value: v} }
	protocol, id, status := pair("protocol", text("p")), pair("id", opack.Int(1)), pair("status", opack.Int(0))
	for name, header := range map[string]opack.Value{
		"no dictionary":       opack.Int(1),
		"empty":               opack.Dictionary(),
		"no protocol":         opack.Dictionary(pair("event", text("t"))),
		"a protocol of 1":     opack.Dictionary(pair("protocol", opack.Int(1)), pair("event", text("t"))),
		"no kind":             opack.Dictionary(protocol, id),
		"two kinds":           opack.Dictionary(protocol, id, pair("event", text("t")), pair("request", text("t"))),
		"a topic of 1":        opack.Dictionary(protocol, pair("event", opack.Int(1))),
		"request without id":  opack.Dictionary(protocol, pair("request", text("t"))),
		"response without id": opack.Dictionary(protocol, status, pair("response", text("t"))),
		"no status":           opack.Dictionary(protocol, id, pair("response", text("t"))),
		"a text for an id":    opack.Dictionary(protocol, pair("id", text("1")), pair("request", text("t"))),
	} {
		if m, err := parseHeader(header); err == nil {
			t.Errorf("%s is read as %+v", name, m)
		}
	}
	m, err := parseHeader(opack.Dictionary(protocol, id, status, pair("response", text("t")), pair("more", opack.Int(5))))
	if err != nil || m.kind != response || m.id != 1 {
		t.Errorf("a header with more is read as %+v, %v", m, err)
	}
}

func FuzzMessage(f *testing.F) {
	for _, m := range []message{
		{kind: event, protocol: "test", topic: "note"},
		{kind: request, protocol: "control", topic: "hello", id: 5},
		{kind: response, protocol: "dataSend", topic: "open", id: 1 << 40, status: StatusProtocol, body: opack.Dictionary(opack.Pair{Key: "status", Value: opack.Int(1)})},
	} {
		b, err := m.append(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{0})
	f.Add([]byte{200, 0xE0})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parseMessage(b)
		if err != nil {
			return
		}
		again, err := m.append(nil)
		if err != nil {
			if len(b) < 200 { // the header grows by what our ids and statuses have more
				t.Fatalf("%+v is not written: %v", m, err)
			}
			return
		}
		same, err := parseMessage(again)
		if err != nil || same.kind != m.kind || same.protocol != m.protocol || same.topic != m.topic || same.id != m.id ||
			m.kind == response && same.status != m.status || !bytes.Equal(same.body.Append(nil), m.body.Append(nil)) {
			t.Fatalf("%+v is read back as %+v, %v", m, same, err)
		}
	})
}

func FuzzFrames(f *testing.F) {
	aead := testCipher(f)
	seal := direction{aead: aead}
	var frames []byte
	for _, payload := range [][]byte{{0}, {1, 0xE0, 0xE0}, bytes.Repeat([]byte{7}, 300)} {
		head := []byte{1, 0, byte(len(payload) >> 8), byte(len(payload))}
		frames = append(append(frames, head...), aead.Seal(nil, seal.next(), payload, head)...)
	}
	f.Add(frames)
	f.Add([]byte{1, 0x0f, 0xff, 0xff, 1, 2, 3})
	f.Add([]byte{1, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		c := newConn(&stub{in: bytes.NewReader(b)}, time.Minute)
		for c.next(time.Time{}, maxHello) == nil {
			if n := len(c.raw); n > headLength+maxHello+chacha20poly1305.Overhead {
				t.Fatalf("a frame of %d bytes", n)
			}
			before := bytes.Clone(c.raw)
			if _, ok := c.try(aead); !ok && !bytes.Equal(c.raw, before) {
				t.Fatal("trying a key changed the frame")
			}
		}
	})
}

// stub is a socket that gives bytes and ends.
type stub struct {
	net.Conn
	in *bytes.Reader
}

func (s *stub) Read(b []byte) (int, error)      { return s.in.Read(b) }
func (s *stub) SetReadDeadline(time.Time) error { return nil }
