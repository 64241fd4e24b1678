package server_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// single is a listener with one connection.
type single struct {
	conn   chan net.Conn
	closed chan struct{}
}

func (s single) Accept() (net.Conn, error) {
	select {
	case c := <-s.conn:
		return c, nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s single) Close() error   { close(s.closed); return nil }
func (s single) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

// A reader who takes nothing is let go after ten seconds; one who takes it all is not.
func TestASlowReaderIsLetGo(t *testing.T) {
	for _, slow := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			h := apitest.New(wire.Open)
			line := single{make(chan net.Conn, 1), make(chan struct{})}
			hub := &http.Server{Handler: h.API()}
			served := make(chan error, 1)
			go func() { served <- hub.Serve(line) }()
			phone, end := net.Pipe() // nothing in between keeps anything
			line.conn <- end
			if _, err := fmt.Fprint(phone, "GET /api/v1/events HTTP/1.1\r\nHost: hub\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			if slow {
				<-time.After(11 * time.Second)
			}
			_ = phone.SetReadDeadline(time.Now().Add(time.Minute))
			_, err := io.Copy(io.Discard, phone)
			if gone := err == nil || errors.Is(err, io.EOF); gone != slow {
				t.Errorf("slow %v: after %v the line ended with %v", slow, time.Since(began), err)
			}
			_ = phone.Close()
			_ = hub.Close()
			<-served
		})
	}
}
