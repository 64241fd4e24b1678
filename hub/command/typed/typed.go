// Package typed reads secrets from standard input: what is piped in, or what a person types in a
// terminal, which is asked for line by line and not shown.
package typed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	most = 4096 // bytes of all that is read
	look = 200  // milliseconds between two looks whether the person gave up
)

// Terminal reports whether a person types what comes from in.
func Terminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// Read gives what in holds, without the end of its last line. In a terminal it writes each question to
// ask and reads a line for it; the lines are joined as they would be piped in.
func Read(ctx context.Context, in io.Reader, ask io.Writer, questions ...string) (string, error) {
	if Terminal(in) {
		return hidden(ctx, in.(*os.File), ask, questions)
	}
	raw, err := io.ReadAll(io.LimitReader(in, most))
	if err != nil {
		return "", fmt.Errorf("typed: %w", err)
	}
	return strings.TrimRight(string(raw), "\r\n"), nil
}

// hidden asks with the terminal's echo off, and leaves the terminal as it was.
func hidden(ctx context.Context, f *os.File, ask io.Writer, questions []string) (answer string, err error) {
	fd := int(f.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return "", fmt.Errorf("typed: %w", err)
	}
	quiet := *before
	quiet.Lflag = quiet.Lflag&^unix.ECHO | unix.ICANON | unix.ISIG
	if err := unix.IoctlSetTermios(fd, unix.TCSETS, &quiet); err != nil {
		return "", fmt.Errorf("typed: %w", err)
	}
	defer func() { err = errors.Join(err, unix.IoctlSetTermios(fd, unix.TCSETS, before)) }()
	var lines []string
	for _, question := range questions {
		fmt.Fprint(ask, question+" ")
		one, err := line(ctx, fd)
		fmt.Fprintln(ask) // the one that was typed does not show
		if err != nil {
			return "", fmt.Errorf("typed: %w", err)
		}
		lines = append(lines, strings.TrimRight(one, "\r\n"))
	}
	return strings.Join(lines, "\n"), nil
}

// line waits for a line, but not longer than ctx: Ctrl-C must not leave a terminal that shows nothing.
func line(ctx context.Context, fd int) (string, error) {
	buffer := make([]byte, most)
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, look)
		switch {
		case ctx.Err() != nil:
			return "", ctx.Err()
		case err != nil && !errors.Is(err, unix.EINTR):
			return "", err
		case err != nil || n == 0:
			continue
		}
		n, err = unix.Read(fd, buffer) // a terminal gives a line at a time
		if err == nil && n == 0 {
			err = io.ErrUnexpectedEOF
		}
		return string(buffer[:max(n, 0)]), err
	}
}
