package holders

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf16"
)

const (
	searchStep = 1 << 20
	shortest   = 3 // a shorter word lies in random bytes
)

// Search looks for words in every byte of a folder: as they are, as UTF-16, hexadecimal and base64. It says
// how many bytes it read and how many files have one.
func Search(ctx context.Context, dir string, words []string) (size int64, found int, err error) {
	var shapes [][]byte
	for _, w := range words {
		if len(w) >= shortest {
			shapes = append(shapes, shapesOf(w)...)
		}
	}
	err = filepath.WalkDir(dir, func(path string, f fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went meanwhile
		}
		if err != nil || !f.Type().IsRegular() {
			return err
		}
		n, hit, err := searchFile(ctx, path, shapes)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if size += n; hit {
			found++
		}
		return err
	})
	if err != nil {
		return size, found, fmt.Errorf("privacy: search: %w", err)
	}
	return size, found, nil
}

// Emptied says whether no database, and no log of one, is left of an epoch or an earlier one: what was
// deleted lies in their free pages, under keys that are nowhere.
func Emptied(dir string, epoch uint64) (bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, fmt.Errorf("privacy: search: %w", err)
	}
	for _, e := range entries {
		stem, _, isDB := strings.Cut(e.Name(), ".db")
		_, number, _ := strings.Cut(stem, "-")
		of, err := strconv.ParseUint(number, 10, 64)
		if isDB && (err != nil || of <= epoch) {
			return false, nil
		}
	}
	return true, nil
}

func searchFile(ctx context.Context, path string, shapes [][]byte) (size int64, hit bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, false, err
	}
	defer f.Close()
	longest := 0
	for _, s := range shapes {
		longest = max(longest, len(s))
	}
	buffer, kept := make([]byte, searchStep+longest), 0
	for ctx.Err() == nil {
		n, err := io.ReadFull(f, buffer[kept:kept+searchStep])
		size += int64(n)
		part := buffer[:kept+n]
		for _, s := range shapes {
			hit = hit || bytes.Contains(part, s)
		}
		kept = copy(buffer, part[max(0, len(part)-longest):])
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return size, hit, nil
		}
		if err != nil {
			return size, hit, err
		}
	}
	return size, hit, ctx.Err()
}

func shapesOf(word string) [][]byte {
	var little, big []byte
	for _, u := range utf16.Encode([]rune(word)) {
		little, big = binary.LittleEndian.AppendUint16(little, u), binary.BigEndian.AppendUint16(big, u)
	}
	list := [][]byte{[]byte(word), little, big, []byte(hex.EncodeToString([]byte(word)))}
	for before := range 3 {
		// What lies around the word changes the characters at both ends.
		code := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), word...))
		code = code[(before*8+5)/6 : len(code)-1]
		if len(code) > shortest {
			list = append(list, []byte(code))
		}
	}
	return list
}
