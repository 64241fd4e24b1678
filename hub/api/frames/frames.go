// Package frames is how pictures that follow one another travel over HTTP: as multipart/x-mixed-replace,
// which browsers show as one picture that moves. Each part is a JPEG and says how long it is and, in
// Ingle-Millis, how many milliseconds into the film it is.
package frames

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	boundary  = "ingle-frame"
	maxJPEG   = 4 << 20
	writeTime = 10 * time.Second // after which a reader who takes nothing is let go
)

// Type is the media type of the stream.
const Type = "multipart/x-mixed-replace; boundary=" + boundary

// Frame is one picture. Into is how far into the film it is; 0 for what a camera sees now.
type Frame struct {
	JPEG []byte
	Into time.Duration
}

// Writer sends pictures to one reader.
type Writer struct {
	w       http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

// NewWriter gives a writer that has sent nothing yet.
func NewWriter(w http.ResponseWriter) *Writer {
	return &Writer{w: w, control: http.NewResponseController(w)}
}

// Begun says whether the answer has begun: then no refusal can be told any more.
func (w *Writer) Begun() bool { return w.begun }

// Put sends a picture. It fails when the reader has gone or takes nothing for ten seconds.
func (w *Writer) Put(f Frame) error {
	if err := w.control.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return fmt.Errorf("frames: %w", err)
	}
	if !w.begun {
		w.begun = true
		w.w.Header().Set("Content-Type", Type)
		w.w.Header().Set("Cache-Control", "no-store")
	}
	_, err := fmt.Fprintf(w.w, "--%s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\nIngle-Millis: %d\r\n\r\n", boundary, len(f.JPEG), f.Into.Milliseconds())
	if err == nil {
		_, err = w.w.Write(f.JPEG)
	}
	if err == nil {
		_, err = io.WriteString(w.w, "\r\n")
	}
	if err != nil {
		return fmt.Errorf("frames: %w", err)
	}
	return w.control.Flush()
}

// Read calls put for each picture until the stream ends (nil), breaks, or put fails. A part that cannot
// be one of ours is an error.
func Read(r io.Reader, put func(Frame) error) error {
	in := bufio.NewReaderSize(r, 32<<10)
	for {
		f, err := read(in)
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := put(f); err != nil {
			return err
		}
	}
}

// read reads one part; io.EOF where there is none.
func read(in *bufio.Reader) (f Frame, err error) {
	size := -1
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && first && len(line) == 0:
			return f, io.EOF
		case err != nil:
			return f, broken(err)
		}
		name, value, _ := strings.Cut(strings.TrimSpace(string(line)), ":")
		if name == "" {
			break
		}
		n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		switch {
		case strings.EqualFold(name, "content-length") && err == nil && n > 0 && n <= maxJPEG:
			size = int(n)
		case strings.EqualFold(name, "ingle-millis") && err == nil && n >= 0 && n < 1<<40:
			f.Into = time.Duration(n) * time.Millisecond
		}
	}
	if size < 0 {
		return f, fmt.Errorf("frames: a picture that does not say how long it is")
	}
	f.JPEG = make([]byte, size)
	if _, err := io.ReadFull(in, f.JPEG); err != nil {
		return f, broken(err)
	}
	if _, err := in.Discard(2); err != nil { // the end of the part
		return f, broken(err)
	}
	return f, nil
}

func broken(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("frames: %w", err)
}
