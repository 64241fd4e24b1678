package haptest

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// patience is how long a Client waits for one answer; tests that want to know
// how fast a server is measure it themselves.
const patience = 30 * time.Second

// Client is one connection to a server: in the clear, and encrypted after a
// successful Verify. Requests are made by one goroutine at a time.
type Client struct {
	socket net.Conn
	in     *bufio.Reader

	mu   sync.Mutex // writing: counter and socket
	seal *counted   // nil in the clear

	answers, events chan Response // once encrypted
	ended           chan struct{} // closed when the receiver has returned
	err             error         // why it returned, after ended
	closed          chan struct{}
	closing         sync.Once
}

// Dial connects to a server in the clear.
func Dial(ctx context.Context, addr string) (*Client, error) {
	return DialFrom(ctx, addr, nil)
}

// DialFrom connects from a local address, nil meaning any.
func DialFrom(ctx context.Context, addr string, local *net.TCPAddr) (*Client, error) {
	var d net.Dialer
	if local != nil {
		d.LocalAddr = local
	}
	socket, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("haptest: dial: %w", err)
	}
	return &Client{socket: socket, in: bufio.NewReader(socket), closed: make(chan struct{})}, nil
}

// Pair connects, does a whole pair-setup and closes the connection.
func Pair(ctx context.Context, addr, code string, o Options) (Credentials, error) {
	c, err := Dial(ctx, addr)
	if err != nil {
		return Credentials{}, err
	}
	defer c.Close()
	return c.Pair(code, o)
}

// Open connects and verifies: an encrypted session.
func Open(ctx context.Context, addr string, creds Credentials) (*Client, error) {
	c, err := Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	if err := c.Verify(creds); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Pair does a pair-setup on a clear connection.
func (c *Client) Pair(code string, o Options) (Credentials, error) {
	s := NewSetup(code, o)
	m2, err := c.post("/pair-setup", s.M1(), nil)
	m3, err := then(err, s.M3, m2)
	m4, err := c.post("/pair-setup", m3, err)
	m5, err := then(err, s.M5, m4)
	m6, err := c.post("/pair-setup", m5, err)
	if err != nil {
		return Credentials{}, err
	}
	return s.Done(m6)
}

// Verify does a pair-verify on a clear connection and encrypts it from then on.
func (c *Client) Verify(creds Credentials) error {
	v := NewVerify(creds)
	m2, err := c.post("/pair-verify", v.M1(), nil)
	m3, err := then(err, v.M3, m2)
	m4, err := c.post("/pair-verify", m3, err)
	secret, err := then(err, v.Done, m4)
	if err != nil {
		return err
	}
	c.Secure(secret)
	return nil
}

// then makes a message of an answer, unless something went wrong before.
func then(err error, message func([]byte) ([]byte, error), answer []byte) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return message(answer)
}

func (c *Client) post(path string, body []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	_, answer, err := c.Do("POST", path, body)
	return answer, err
}

// Secure encrypts the connection with the secret of a pair-verify.
func (c *Client) Secure(secret []byte) {
	c.encrypt(secret)
	c.Listen(secret)
}

func (c *Client) encrypt(secret []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seal = &counted{aead: seal(expand(secret, "Control-Salt", "Control-Write-Encryption-Key"))}
}

// Ahead encrypts a request before M4 has come, for a client that does not wait:
// the result is sent with Raw, and Listen follows once M4 has been received.
func (c *Client) Ahead(secret, plain []byte) []byte {
	c.encrypt(secret)
	return c.Frames(plain)
}

// Listen decrypts what the server sends from now on.
func (c *Client) Listen(secret []byte) {
	c.socket.SetReadDeadline(time.Time{})
	keys := counted{aead: seal(expand(secret, "Control-Salt", "Control-Read-Encryption-Key"))}
	c.in = bufio.NewReader(&opener{from: c.in, keys: keys})
	c.answers, c.events = make(chan Response, 64), make(chan Response, 4096)
	c.ended = make(chan struct{})
	go c.receive() // Close waits for it
}

// receive tells answers from events until the connection ends.
func (c *Client) receive() {
	defer close(c.ended)
	defer close(c.events)
	defer close(c.answers)
	for {
		r, err := readResponse(c.in)
		if err != nil {
			c.err = err
			return
		}
		to := c.answers
		if r.Event {
			to = c.events
		}
		select {
		case to <- r:
		case <-c.closed:
			c.err = net.ErrClosed
			return
		}
	}
}

// Events are the server's messages that nobody asked for; closed at the end of
// the session. Nil before Verify.
func (c *Client) Events() <-chan Response { return c.events }

// Ended is closed when an encrypted session is over. Nil before Verify.
func (c *Client) Ended() <-chan struct{} { return c.ended }

// Do sends one request and waits for its answer.
func (c *Client) Do(method, path string, body []byte) (status int, answer []byte, err error) {
	if err := c.Send(Request(method, path, body)); err != nil {
		return 0, nil, err
	}
	r, err := c.Receive()
	return r.Status, r.Body, err
}

// Request is the HTTP text of a request, with the content type of its path.
func Request(method, path string, body []byte) []byte {
	head := method + " " + path + " HTTP/1.1\r\nHost: hub.local\r\n"
	if body != nil {
		kind := "application/hap+json"
		if path == "/pair-setup" || path == "/pair-verify" || path == "/pairings" {
			kind = "application/pairing+tlv8"
		}
		head += fmt.Sprintf("Content-Type: %s\r\nContent-Length: %d\r\n", kind, len(body))
	}
	return append([]byte(head+"\r\n"), body...)
}

// Receive waits for the next answer that is not an event.
func (c *Client) Receive() (Response, error) {
	if c.answers == nil {
		c.socket.SetReadDeadline(time.Now().Add(patience))
		r, err := readResponse(c.in)
		if err == nil && r.Event {
			err = errors.New("haptest: event on a clear connection")
		}
		return r, err
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case r, ok := <-c.answers:
		if !ok {
			<-c.ended
			return Response{}, c.err
		}
		return r, nil
	case <-timer.C:
		return Response{}, errors.New("haptest: no answer")
	}
}

// Send writes any bytes, encrypted if the connection is.
func (c *Client) Send(plain []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.write(c.frames(plain))
}

// Frames gives the bytes that Send would write, to be sent with Raw in pieces.
// Every call uses up counters, so they must be sent in the order of the calls.
func (c *Client) Frames(plain []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.frames(plain)
}

// Raw writes bytes to the socket as they are.
func (c *Client) Raw(b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.write(b)
}

func (c *Client) frames(plain []byte) []byte {
	if c.seal == nil {
		return plain
	}
	var out []byte
	for len(plain) > 0 {
		n := min(len(plain), 1024)
		size := binary.LittleEndian.AppendUint16(nil, uint16(n))
		out = append(append(out, size...), c.seal.aead.Seal(nil, c.seal.nonce(), plain[:n], size)...)
		plain = plain[n:]
	}
	return out
}

func (c *Client) write(b []byte) error {
	c.socket.SetWriteDeadline(time.Now().Add(patience))
	if _, err := c.socket.Write(b); err != nil {
		return fmt.Errorf("haptest: write: %w", err)
	}
	return nil
}

// Socket is the TCP connection, for tests that stall or cut it.
func (c *Client) Socket() net.Conn { return c.socket }

// Close ends the connection and waits for the receiver.
func (c *Client) Close() error {
	c.closing.Do(func() { close(c.closed) })
	err := c.socket.Close()
	if c.ended != nil {
		<-c.ended
	}
	return err
}
