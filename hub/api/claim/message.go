package claim

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The types of messages.
const (
	typeC1 = 1 + iota
	typeH2
	typeC3
	typeH4
	typeRefusal
)

const (
	version     = 1
	maxMessage  = 512 // bytes behind type and length
	maxName     = 64
	maxPlatform = 32
	maxRole     = 16
	saltSize    = 16
	keySize     = 384
	proofSize   = 32
)

// App is what an app says of itself. The name has at most 64 bytes, the platform 32.
type App struct{ Name, Platform string }

// frame puts a message on the wire.
func frame(kind byte, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(binary.BigEndian.AppendUint16([]byte{kind}, uint16(len(body))), body...)
}

// receive reads one message whole; raw is all of it.
func receive(r io.Reader) (kind byte, body, raw []byte, err error) {
	head := make([]byte, 3)
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, nil, nil, fmt.Errorf("claim: %w", err)
	}
	n := int(binary.BigEndian.Uint16(head[1:]))
	if n > maxMessage {
		return 0, nil, nil, fmt.Errorf("%w: %d bytes", ErrMessage, n)
	}
	raw = append(head, make([]byte, n)...)
	if _, err := io.ReadFull(r, raw[3:]); err != nil {
		return 0, nil, nil, fmt.Errorf("claim: %w", err)
	}
	return raw[0], raw[3:], raw, nil
}

// expect reads the message of one kind, or the other side's refusal.
func expect(r io.Reader, want byte) (body, raw []byte, err error) {
	kind, body, raw, err := receive(r)
	switch {
	case err != nil:
		return nil, nil, err
	case kind == typeRefusal:
		return nil, nil, refusal(string(body))
	case kind != want:
		return nil, nil, fmt.Errorf("%w: type %d instead of %d", ErrMessage, kind, want)
	}
	return body, raw, nil
}

// The words of refusals.
func refusals() map[string]error {
	return map[string]error{"busy": ErrBusy, "none": ErrNone, "wrong": ErrWrong, "version": ErrVersion}
}

// Told is a refusal with a number: ErrWrong with the tries that are left, ErrNone with the seconds until
// there may be a new code.
type Told struct {
	Reason error
	Number int
}

// Error is the reason's.
func (t *Told) Error() string { return t.Reason.Error() }

// Unwrap is the reason.
func (t *Told) Unwrap() error { return t.Reason }

func refusal(word string) error {
	word, number, told := strings.Cut(word, " ")
	if err, known := refusals()[word]; known {
		if n, bad := strconv.ParseUint(number, 10, 16); told && bad == nil {
			return &Told{err, int(n)}
		}
		return err
	}
	return fmt.Errorf("%w: an unknown refusal", ErrMessage)
}

func word(refusal error) []byte {
	var told *Told
	if errors.As(refusal, &told) {
		return fmt.Appendf(word(told.Reason), " %d", told.Number)
	}
	for word, err := range refusals() {
		if err == refusal {
			return []byte(word)
		}
	}
	return []byte("none")
}

func (a App) c1() ([]byte, error) {
	if !a.Fits() {
		return nil, fmt.Errorf("%w: the app's name", ErrMessage)
	}
	return frame(typeC1, []byte{version, byte(len(a.Name))}, []byte(a.Name), []byte{byte(len(a.Platform))}, []byte(a.Platform)), nil
}

// readC1 takes only what c1 writes.
func readC1(body []byte) (App, error) {
	if len(body) == 0 {
		return App{}, ErrMessage
	}
	if body[0] != version {
		return App{}, ErrVersion
	}
	name, rest, ok := counted(body[1:])
	platform, rest, ok2 := counted(rest)
	a := App{Name: string(name), Platform: string(platform)}
	if !ok || !ok2 || len(rest) > 0 || !a.Fits() {
		return App{}, ErrMessage
	}
	return a, nil
}

func counted(b []byte) (field, rest []byte, ok bool) {
	if len(b) == 0 || len(b)-1 < int(b[0]) {
		return nil, nil, false
	}
	n := int(b[0])
	return b[1 : 1+n], b[1+n:], true
}

// Fits says whether the texts are short enough and print as they are.
func (a App) Fits() bool {
	return readable(a.Name, maxName) && readable(a.Platform, maxPlatform)
}

// readable is text that cannot play tricks on whoever reads it in a list.
func readable(s string, most int) bool {
	if len(s) > most || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

func readH2(body []byte) (salt, b []byte, err error) {
	if len(body) != saltSize+keySize {
		return nil, nil, ErrMessage
	}
	return body[:saltSize], body[saltSize:], nil
}

func readC3(body []byte) (a, proof []byte, err error) {
	if len(body) != keySize+proofSize {
		return nil, nil, ErrMessage
	}
	return body[:keySize], body[keySize:], nil
}

func readH4(body []byte) (proof []byte, role string, err error) {
	if len(body) <= proofSize || len(body) > proofSize+maxRole || !readable(string(body[proofSize:]), maxRole) {
		return nil, "", ErrMessage
	}
	return body[:proofSize], string(body[proofSize:]), nil
}
