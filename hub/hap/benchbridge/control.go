package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
)

// listenControl opens the control endpoint; nil if address is empty. It refuses to be reached from
// another machine: whoever reaches it rules the house.
func listenControl(ctx context.Context, address string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	if !at.IP.IsLoopback() {
		return nil, fmt.Errorf("control: %s is not a loopback address", address)
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", at.String())
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	return ln, nil
}

// serveControl answers until ctx ends, and cuts short what is under way then. It speaks as much HTTP
// as it takes, one request for each connection: net/http with all that it brings would be a sixth of
// the memory that is measured here, and no part of a HomeKit server.
func (h *home) serveControl(ctx context.Context, ln net.Listener) error {
	var answers sync.WaitGroup
	defer answers.Wait()
	stop := context.AfterFunc(ctx, func() { _ = ln.Close() })
	defer stop()
	for {
		conn, err := ln.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("control: %w", err)
		}
		answers.Go(func() { h.converse(ctx, conn) })
	}
}

// converse answers one request. A caller that goes away misses nothing but its answer.
func (h *home) converse(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second)) // fails where reading fails too
	target, err := readRequest(conn)
	if err != nil {
		writeAnswer(conn, "400 Bad Request", err.Error())
		return
	}
	text, err := h.answer(ctx, target)
	switch {
	case errors.Is(err, errNoPath):
		writeAnswer(conn, "404 Not Found", err.Error())
	case err != nil:
		writeAnswer(conn, "400 Bad Request", err.Error())
	default:
		writeAnswer(conn, "200 OK", text)
	}
}

func readRequest(conn net.Conn) (*url.URL, error) {
	const most = 8 << 10 // bytes
	lines := textproto.NewReader(bufio.NewReader(io.LimitReader(conn, most)))
	line, err := lines.ReadLine()
	if err != nil {
		return nil, err
	}
	if _, err := lines.ReadMIMEHeader(); err != nil {
		return nil, err
	}
	words := strings.Fields(line)
	if len(words) != 3 || words[0] != "GET" {
		return nil, fmt.Errorf("%q is not a GET", line)
	}
	return url.ParseRequestURI(words[1])
}

func writeAnswer(conn net.Conn, status, text string) {
	_ = conn.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, len(text), text) // whoever asked may have gone
}

var errNoPath = errors.New("there is /emit, /slow, /gc and /rss")

func (h *home) answer(ctx context.Context, target *url.URL) (string, error) {
	query := target.Query()
	switch target.Path {
	case "/emit":
		return h.answerEmit(ctx, query)
	case "/slow":
		ms, err := number(query, "ms", 3_600_000)
		if err == nil {
			h.slow.Store(int64(ms))
		}
		return "", err
	case "/gc":
		return collect()
	case "/rss":
		status, err := os.ReadFile("/proc/self/status")
		return string(status), err
	}
	return "", errNoPath
}

// answerEmit makes changes: count of them, of the first lamp or with all=1 of one after the other,
// us microseconds apart. The answer is how long it took to hand them over, in nanoseconds; nobody's
// reception is waited for.
func (h *home) answerEmit(ctx context.Context, query url.Values) (string, error) {
	count, err := number(query, "count", 1_000_000_000)
	gap, err2 := number(query, "us", 60_000_000)
	if err := errors.Join(err, err2); err != nil {
		return "", err
	}
	if len(h.on) == 0 {
		return "", errors.New("there is no lamp")
	}
	begun := time.Now()
	if err := h.emit(ctx, count, query.Get("all") == "1", time.Duration(gap)*time.Microsecond); err != nil {
		return "", err
	}
	return strconv.FormatInt(time.Since(begun).Nanoseconds(), 10), nil
}

// number is a whole number in the query; absent is 0.
func number(query url.Values, name string, most int) (int, error) {
	text := query.Get(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("%s=%s is not a number from 0 to %d", name, text, most)
	}
	return n, nil
}

// collect collects twice, since a pool gives its contents up only at the second time.
func collect() (string, error) {
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	text, err := json.Marshal(struct {
		Heap       uint64 `json:"heap"`
		Goroutines int    `json:"goroutines"`
	}{m.HeapAlloc, runtime.NumGoroutine()})
	return string(text), err
}
