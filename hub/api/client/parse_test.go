package client

import (
	"strings"
	"testing"

	"github.com/ingle-home/ingle/hub/api/wire"
)

func FuzzParse(f *testing.F) {
	f.Add("id: 7\nevent: change\ndata: {\"removed\":\"x\"}\n\n:\n\n")
	f.Add("id: 1\nevent: snapshot\ndata: {\"status\":\ndata: {}}\n\n")
	f.Add("data: x\n\n")
	f.Add("id: 99999999999999999999\nevent: change\ndata: {}\n\n")
	f.Add("\r\n:::\n")
	f.Fuzz(func(t *testing.T, text string) {
		events := 0
		err := parse(strings.NewReader(text), func() {}, func(e wire.Event) error {
			if e.Snapshot != nil && e.Change != nil {
				t.Error("an event is both")
			}
			events++
			return nil
		})
		if err == nil {
			t.Error("the end of a line is an error")
		}
		if events > strings.Count(text, "data") {
			t.Errorf("%d events from %q", events, text)
		}
	})
}

func TestHeartbeatsAreNoEvents(t *testing.T) {
	var ids []int64
	_ = parse(strings.NewReader(":\n\nid: 4\nevent: change\ndata: {\"removed\":\"a\"}\n\n:\n\nid: 5\nevent: change\ndata: {\"removed\":\"b\"}\n\n"),
		func() {}, func(e wire.Event) error { ids = append(ids, e.ID); return nil })
	if len(ids) != 2 || ids[0] != 4 || ids[1] != 5 {
		t.Errorf("events %v", ids)
	}
}

func TestWithPort(t *testing.T) {
	for typed, want := range map[string]string{
		"192.168.1.20": "192.168.1.20:8443", "192.168.1.20:9": "192.168.1.20:9", "spare-pc.local": "spare-pc.local:8443", "spare-pc:": "spare-pc:8443",
		" https://spare-pc.local/ ": "spare-pc.local:8443", "HTTPS://10.0.0.1:7/x": "10.0.0.1:7",
		"fe80::1": "[fe80::1]:8443", "[fe80::1]": "[fe80::1]:8443", "[fd00::1]:9": "[fd00::1]:9", "[fe80::1%eth0]:9": "[fe80::1%eth0]:9",
	} {
		if got := withPort(typed); got != want {
			t.Errorf("%q is %q, not %q", typed, got, want)
		}
	}
}
