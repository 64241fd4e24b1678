package blobs_test

// A reader of segments written from the chapter Segments of docs/FORMAT.md and
// nothing else: it uses the standard library and golang.org/x/crypto, and none
// of the code beside it. It is slow and simple on purpose.

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"

	"golang.org/x/crypto/chacha20poly1305"
)

// plainSegment is what the reader makes of a file.
type plainSegment struct {
	content []byte
	ended   bool
}

// readByTheText reads a whole file of which no size is recorded.
func readByTheText(file, mediaKey []byte) (plainSegment, error) {
	open, err := chunkOpener(file, mediaKey)
	if err != nil {
		return plainSegment{}, err
	}
	full := (len(file) - 64) / 65552
	rest := file[64+full*65552:]
	if len(rest) >= 16 {
		if last, ok := open(full, rest, true); ok {
			content, err := inOrder(file, full, open)
			return plainSegment{append(content, last...), true}, err
		}
	}
	for full > 0 {
		if _, ok := open(full-1, file[64+(full-1)*65552:][:65552], false); ok {
			break
		}
		full--
	}
	torn := file[64+full*65552:]
	for n := 16; n <= len(torn) && n <= 65551; n++ {
		if _, ok := open(full, torn[:n], true); ok {
			return plainSegment{}, errors.New("bytes behind the last chunk")
		}
	}
	content, err := inOrder(file, full, open)
	return plainSegment{content, false}, err
}

// readRecorded reads a file whose state and size are known.
func readRecorded(file, mediaKey []byte, ended bool, size int) ([]byte, error) {
	want := 64 + size + 16*(size/65536)
	if ended {
		want += 16
	}
	if len(file) != want || !ended && size%65536 != 0 {
		return nil, errors.New("the length is another")
	}
	found, err := readByTheText(file, mediaKey)
	if err == nil && (found.ended != ended || len(found.content) != size) {
		err = errors.New("the segment is another")
	}
	return found.content, err
}

func inOrder(file []byte, chunks int, open opener) (content []byte, err error) {
	for n := range chunks {
		plain, ok := open(n, file[64+n*65552:][:65552], false)
		if !ok {
			return nil, errors.New("a chunk does not open")
		}
		content = append(content, plain...)
	}
	return content, nil
}

type opener func(n int, sealed []byte, last bool) (plain []byte, ok bool)

// chunkOpener checks the header.
func chunkOpener(file, mediaKey []byte) (opener, error) {
	if len(file) < 64 {
		return nil, errors.New("no header")
	}
	if !bytes.Equal(file[:8], []byte{0x49, 0x53, 0x45, 0x47, 0x01, 0x01, 0x10, 0x00}) {
		return nil, errors.New("not a segment of version 1")
	}
	derive := func(info string) []byte {
		key, err := hkdf.Key(sha256.New, mediaKey, file[8:40], info, 32)
		if err != nil {
			panic(err)
		}
		return key
	}
	if !bytes.Equal(file[40:48], derive("hub/media/seg1/ref")[:8]) {
		return nil, errors.New("another key")
	}
	mac := hmac.New(sha256.New, derive("hub/media/seg1/hdr"))
	mac.Write(file[:48])
	if !bytes.Equal(file[48:64], mac.Sum(nil)[:16]) {
		return nil, errors.New("the header was changed")
	}
	aead, err := chacha20poly1305.NewX(derive("hub/media/seg1"))
	if err != nil {
		return nil, err
	}
	return func(n int, sealed []byte, last bool) ([]byte, bool) {
		nonce := make([]byte, 24)
		for i, rest := 22, n; i > 11; i, rest = i-1, rest>>8 {
			nonce[i] = byte(rest)
		}
		if last {
			nonce[23] = 1
		}
		plain, err := aead.Open(nil, nonce, sealed, file[:48])
		return plain, err == nil
	}, nil
}
