package setracker

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
)

// maxFrame is the most that one frame may have, in bytes.
const maxFrame = 32 << 10

// Frame is one message of the protocol: Maker is its two-letter dialect, Index the optional four
// hex digits that a reply echoes, Body what follows the type and its comma, as sent.
type Frame struct {
	Maker, ID, Index, Type string
	Body                   []byte
}

// Encode gives the frame's bytes as they go on the wire.
func (f Frame) Encode() []byte {
	content := f.Type
	if len(f.Body) > 0 {
		content += "," + string(f.Body)
	}
	index := ""
	if f.Index != "" {
		index = f.Index + "*"
	}
	return fmt.Appendf(nil, "[%s*%s*%s%04x*%s]", f.Maker, f.ID, index, len(content), content)
}

// Framer cuts a byte stream into frames. It trusts the declared length first and looks at brackets
// only where the length is proven wrong, so that text inside a frame cannot break or forge one. The
// result does not depend on how the stream was cut.
type Framer struct {
	buf   []byte
	own   string // the connection's ID, set by its first frame
	scan  int    // where the bracket scan of the frame at buf[0] goes on
	depth int
}

// Write adds received bytes.
func (f *Framer) Write(p []byte) { f.buf = append(f.buf, p...) }

type verdict uint8

const (
	wait verdict = iota
	bad
	good
)

// Next gives the next frame, false when more bytes are needed. idle says that the stream has paused
// for a second or ended: only then is a frame shorter than its declared length believed.
func (f *Framer) Next(idle bool) (Frame, bool) {
	for {
		start := bytes.IndexByte(f.buf, '[')
		if start < 0 {
			f.drop(len(f.buf))
			return Frame{}, false
		}
		if start > 0 {
			f.drop(start)
		}
		head, size, length, v := header(f.buf)
		if v == bad {
			f.drop(1)
			continue
		}
		if v == wait {
			return Frame{}, false
		}
		end, exact := size+length, true
		if end >= maxFrame || (len(f.buf) > end && f.buf[end] != ']') || (len(f.buf) <= end && idle) {
			early := len(f.buf) <= end && end < maxFrame
			exact = false
			if end, v = f.balance(head, size); early && v == good && end != len(bytes.TrimRight(f.buf, "\r\n"))-1 {
				return Frame{}, false // brackets inside a text, and the rest is still under way
			}
		} else if len(f.buf) <= end {
			f.reserve(end + 1)
			return Frame{}, false
		}
		if v == wait {
			return Frame{}, false
		}
		if v == bad {
			f.drop(min(maxFrame, len(f.buf)))
			continue
		}
		kind, body, _ := bytes.Cut(f.buf[size:end], []byte{','})
		head.Type, head.Body = string(kind), slices.Clip(body) // stays as it is: the buffer only grows
		f.drop(end + 1)
		if f.own == "" {
			f.own = head.ID
		}
		if exact || head.ID == f.own {
			return head, true
		}
	}
}

// reserve makes room for a whole frame at once.
func (f *Framer) reserve(n int) {
	if cap(f.buf) < n {
		f.buf = append(make([]byte, 0, n), f.buf...)
	}
}

func (f *Framer) drop(n int) {
	f.buf = f.buf[n:]
	f.scan, f.depth = 0, 0
	if len(f.buf) == 0 {
		f.buf = nil
	}
}

// balance finds the end of a frame whose length is wrong. It goes on where it stopped, which keeps
// a frame that arrives byte by byte linear.
func (f *Framer) balance(head Frame, size int) (int, verdict) {
	follows := []byte("[" + head.Maker + "*" + head.ID + "*")
	for ; f.scan < len(f.buf) && f.scan < maxFrame; f.scan++ {
		switch f.buf[f.scan] {
		case '[':
			f.depth++
		case ']':
			if f.depth == 1 && f.scan >= size {
				return f.scan, good
			}
			rest := f.buf[f.scan+1:]
			if bytes.HasPrefix(rest, follows) {
				return f.scan, good
			}
			if len(rest) < len(follows) && bytes.HasPrefix(follows, rest) {
				return 0, wait
			}
			f.depth--
		}
	}
	if f.scan >= maxFrame {
		return 0, bad
	}
	return 0, wait
}

// header reads "[MM*ID*" and one or two groups of four hex digits: the length, or index and length.
func header(b []byte) (f Frame, size, length int, v verdict) {
	for i := 1; i < 4; i++ {
		if i >= len(b) {
			return f, 0, 0, wait
		}
		if (i < 3) != alnum(b[i]) || (i == 3 && b[i] != '*') {
			return f, 0, 0, bad
		}
	}
	at := 4
	for at < len(b) && b[at] >= '0' && b[at] <= '9' && at <= 24 {
		at++
	}
	if at == len(b) {
		return f, 0, 0, wait
	}
	if b[at] != '*' || at < 9 || at > 24 {
		return f, 0, 0, bad
	}
	f.Maker, f.ID = string(b[1:3]), string(b[4:at])
	at++
	first, v := group(b[at:])
	if v != good {
		return f, 0, 0, v
	}
	second, v := group(b[at+5:])
	switch v {
	case wait:
		return f, 0, 0, wait
	case good:
		f.Index = first
		first, at = second, at+5
	}
	n, _ := strconv.ParseUint(first, 16, 16)
	return f, at + 5, int(n), good
}

func group(b []byte) (string, verdict) {
	for i := range 5 {
		if i >= len(b) {
			return "", wait
		}
		if i < 4 && !hexDigit(b[i]) || i == 4 && b[i] != '*' {
			return "", bad
		}
	}
	return string(b[:4]), good
}

func hexDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func alnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
