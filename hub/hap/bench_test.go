package hap_test

import (
	"fmt"
	"testing"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// BenchmarkRequests counts client and server together: both run in this process.
func BenchmarkRequests(b *testing.B) {
	accs := []*hap.Accessory{bridge()}
	for aid := uint64(2); aid <= 150; aid++ {
		a, _, _ := lamp(aid, fmt.Sprint("Lamp ", aid))
		accs = append(accs, a)
	}
	_, _, c := paired(b, hap.Options{}, accs...)
	for _, r := range []struct{ name, method, path, body string }{
		{"get1", "GET", "/characteristics?id=2.9", ""},
		{"put1", "PUT", "/characteristics", `{"characteristics":[{"aid":2,"iid":9,"value":true}]}`},
		{"accessories", "GET", "/accessories", ""},
	} {
		b.Run(r.name, func(b *testing.B) {
			request := haptest.Request(r.method, r.path, []byte(r.body))
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Send(request); err != nil {
					b.Fatal(err)
				}
				if _, err := c.Receive(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
