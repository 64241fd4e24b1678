package live

import (
	"bufio"
	"bytes"
	"testing"
)

func FuzzPictures(f *testing.F) {
	f.Add([]byte("--ffmpeg\r\nContent-type: image/jpeg\r\nContent-length: 4\r\n\r\n\xff\xd8\xff\xd9\r\n--ffmpeg\r\n"))
	f.Add([]byte("Content-length: 4194305\r\n\r\n"))
	f.Add([]byte("Content-length: 12\r\n\r\nshort"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		n := 0
		err := pictures(bufio.NewReader(bytes.NewReader(raw)), func(jpeg []byte) error { n += len(jpeg); return nil })
		if err == nil || n > len(raw) {
			t.Errorf("%v, %d bytes of pictures in %d", err, n, len(raw))
		}
	})
}
