package hap_test

import (
	"bytes"
	"net"
	"testing"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// FuzzStranger sends anything to a server that waits for its first controller.
// Whatever that ends, it is not the server, and nobody is paired.
func FuzzStranger(f *testing.F) {
	for _, b := range garbage() {
		f.Add(b)
	}
	h := open(f, hap.Options{}, &disk{}, bridge())
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := haptest.Dial(h.ctx, h.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Raw(b) // fails where the server has closed
		c.Socket().(*net.TCPConn).CloseWrite()
		for err == nil {
			_, err = c.Receive()
		}
		if isTimeout(err) {
			t.Error("the connection goes on")
		}
		if h.Paired() {
			t.Error("paired")
		}
	})
}

// FuzzSession sends anything through the session of a guest, who may read and
// write and nothing else.
func FuzzSession(f *testing.F) {
	a, _, _ := lamp(2, "Lamp")
	h, _, admin := paired(f, hap.Options{}, bridge(), a)
	guest := h.newcomer(f, admin, 0)
	for _, r := range [][3]string{
		{"GET", "/accessories"}, {"GET", "/characteristics?id=2.9,2.10,1.3&meta=1&perms=1&type=1&ev=1"},
		{"PUT", "/characteristics", `{"characteristics":[{"aid":2,"iid":9,"value":true,"ev":true,"r":true},{"aid":2,"iid":10,"value":7}],"pid":1}`},
		{"PUT", "/prepare", `{"ttl":1000,"pid":1}`}, {"POST", "/resource", `{"image-width":640,"image-height":480,"resource-type":"image"}`},
		{"POST", "/pairings", "\x06\x01\x01\x00\x01\x05"}, {"POST", "/identify"}, {"POST", "/pair-setup", "\x06\x01\x01\x00\x01\x00"},
	} {
		request := haptest.Request(r[0], r[1], []byte(r[2]))
		f.Add(request)
		f.Add(append(bytes.Clone(request), request...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := haptest.Open(h.ctx, h.addr, guest)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Send(b)
		c.Socket().(*net.TCPConn).CloseWrite()
		for err == nil {
			_, err = c.Receive()
		}
		if n := len(h.disk.state().Pairings); n != 2 {
			t.Errorf("%d pairings", n)
		}
	})
}
