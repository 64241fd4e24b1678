package blueprint

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
)

const (
	maxLine   = 128 // bytes, with the newline
	maxWords  = 4
	writeTime = 5 * time.Second
	readTime  = 30 * time.Second // three of our pings: a line that is silent for longer is dead
)

// message is one line from the fan: an answer (OK, NO), its greeting (BREEZE), or news (!).
type message struct {
	word string
	args []string
}

var errLine = errors.New("not a line of this protocol")

// parse reads one line without its newline.
func parse(text string) (message, error) {
	words := strings.Split(text, " ")
	if len(text) >= maxLine || len(words) > maxWords {
		return message{}, errLine
	}
	for _, w := range words {
		if w == "" || strings.ContainsFunc(w, func(c rune) bool { return c <= ' ' || c > '~' }) {
			return message{}, errLine
		}
	}
	return message{words[0], words[1:]}, nil
}

// number reads argument i, which must lie between 0 and max.
func (m message) number(i, max int) (int, error) {
	if i >= len(m.args) {
		return 0, errLine
	}
	n, err := strconv.Atoi(m.args[i])
	if err != nil || n < 0 || n > max {
		return 0, errLine
	}
	return n, nil
}

// proof shows that we know the password, for this nonce only.
func proof(password device.Secret, nonce string) string {
	mac := hmac.New(sha256.New, []byte(password.Reveal()))
	mac.Write([]byte(nonce))
	return hex.EncodeToString(mac.Sum(nil))
}

// stepOf gives the motor's step for a percentage. Only 0 is rest: a person who asks for a little
// does not get nothing.
func stepOf(percent int) int {
	percent = min(max(percent, 0), 100)
	return (percent*steps + 99) / 100
}

func percentOf(step int) int { return step * 100 / steps }

// line is the connection with one fan. Reads are for one goroutine at a time.
type line struct {
	conn   net.Conn
	in     *bufio.Reader
	write  sync.Mutex
	closed sync.Once
}

func newLine(conn net.Conn) *line {
	return &line{conn: conn, in: bufio.NewReaderSize(conn, maxLine)}
}

func (l *line) close() { l.closed.Do(func() { _ = l.conn.Close() }) }

// next reads one line. The buffer bounds it: a longer one is an error, not memory.
func (l *line) next() (message, error) {
	_ = l.conn.SetReadDeadline(time.Now().Add(readTime))
	raw, err := l.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return message{}, fmt.Errorf("%w: %w", device.ErrUnsupported, errLine)
	}
	if err != nil {
		return message{}, kind(err)
	}
	m, err := parse(string(raw[:len(raw)-1]))
	if err != nil {
		return message{}, fmt.Errorf("%w: %w", device.ErrUnsupported, err)
	}
	return m, nil
}

func (l *line) send(words ...string) error {
	l.write.Lock()
	defer l.write.Unlock()
	_ = l.conn.SetWriteDeadline(time.Now().Add(writeTime))
	if _, err := l.conn.Write([]byte(strings.Join(words, " ") + "\n")); err != nil {
		return kind(err)
	}
	return nil
}
