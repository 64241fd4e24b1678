package formattest

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Unpack writes what is in the backup at path into dir, a new folder, and opens its keys
// with the recovery code.
func Unpack(path, dir, code string) (*Keys, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(file) < 44 || string(file[:8]) != "IBAK\x01\x01\x10\x00" {
		return nil, errors.New("not a backup")
	}
	n := int(binary.BigEndian.Uint32(file[40:]))
	if n < 1 || n > 65536 || 44+n > len(file) {
		return nil, errors.New("keys out of bounds")
	}
	head, chunks := file[:44+n], file[44+n:]
	if err := errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(filepath.Join(dir, "keys.json"), head[44:], 0o600)); err != nil {
		return nil, err
	}
	k, err := WithCode(dir, code)
	if err != nil {
		return nil, err
	}
	purpose, err := k.For("hub/backup")
	if err != nil {
		return nil, err
	}
	key, err := derive(purpose, head[8:40], "hub/backup/file1")
	if err != nil {
		return nil, err
	}
	plain, err := openChunks(key, head, chunks)
	if err != nil {
		return nil, err
	}
	return k, untar(plain, dir)
}

func openChunks(key, head, chunks []byte) (plain []byte, err error) {
	bound := sha256.Sum256(head)
	for n := uint64(0); ; n++ {
		nonce := make([]byte, 24)
		binary.BigEndian.PutUint64(nonce[15:], n)
		last := len(chunks) < 65552
		size := min(len(chunks), 65552)
		if last {
			nonce[23] = 1
		}
		part, err := unseal(key, nonce, chunks[:size], bound[:])
		if err != nil {
			return nil, fmt.Errorf("chunk %d: %w", n, err)
		}
		plain, chunks = append(plain, part...), chunks[size:]
		if last {
			return plain, nil
		}
	}
}

func untar(plain []byte, dir string) error {
	archive := tar.NewReader(bytes.NewReader(plain))
	for first := true; ; first = false {
		next, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if first != (next.Name == "manifest.json") {
			return errors.New("the manifest is not the first")
		}
		path := filepath.Join(dir, next.Name)
		content, err := io.ReadAll(archive)
		if err := errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			return err
		}
	}
}
