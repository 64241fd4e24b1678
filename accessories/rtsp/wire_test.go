package rtsp

import (
	"errors"
	"testing"

	"github.com/ingle-home/ingle/accessories/device"
)

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"rtsp://cam/live", "rtsps://10.0.0.1:1/a?b=c", "rtsp://u:p@cam/", "http://x", "rtsp://[::1]/", "rtsp://cam:x/", "rtsp://%zz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		at, err := parseAddress(s)
		if err != nil {
			if !errors.Is(err, device.ErrRefused) {
				t.Fatal(err)
			}
			return
		}
		if u, err := at.url("", ""); err == nil && u.User != nil {
			t.Fatalf("credentials came through in %q", s)
		}
	})
}
