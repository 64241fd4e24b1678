package frame_test

import (
	"net"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/hap/internal/frame"
)

// What has come and is not read yet counts; what is read, or never came, does not.
func TestPending(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	phone, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer phone.Close()
	socket, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := frame.New(socket)
	defer c.Close()
	if c.Pending() {
		t.Error("something is pending before it was sent")
	}
	if _, err := phone.Write([]byte("GET ")); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); !c.Pending(); <-tick.C {
		if time.Now().After(end) {
			t.Fatal("nothing is pending after it was sent")
		}
	}
	if err := c.Fill(); err != nil || c.Pending() {
		t.Errorf("pending after it was read: %v", err)
	}
	if pipe, _ := net.Pipe(); frame.New(pipe).Pending() {
		t.Error("a pipe cannot tell")
	}
}
