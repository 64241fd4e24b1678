package formattest

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"os"
)

const (
	pageSize  = 4096
	frameSize = 24 + pageSize
	lockPage  = 262145
)

// Database is a sealed database with what its log adds to it.
type Database struct {
	file    []byte
	pageKey []byte
	logged  map[uint32][]byte // plain pages, the newest of each
	size    uint32            // in pages
	logEnd  int               // where what counts of the log ends, in bytes
}

// OpenDatabase reads the database at path and its log. role is "core" or
// "telemetry". The files must be at rest.
func OpenDatabase(path, role string, k *Keys) (*Database, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	log, err := os.ReadFile(path + "-wal")
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	pageKey, err := k.For("hub/db/page/" + role)
	if err != nil {
		return nil, err
	}
	headerKey, err := k.For("hub/db/walhdr/" + role)
	if err != nil {
		return nil, err
	}
	header, err := aes.NewCipher(headerKey)
	if err != nil {
		return nil, err
	}
	d := &Database{file: file, pageKey: pageKey, logged: make(map[uint32][]byte), size: uint32(len(file) / pageSize)}
	d.readLog(log, header)
	first, err := d.page(1)
	if err != nil {
		return nil, err
	}
	if string(first[:16]) != "SQLite format 3\x00" || first[16] != 0x10 || first[17] != 0 || first[20] != 0x28 {
		return nil, fmt.Errorf("%w: page 1 is not of such a database", ErrRefused)
	}
	return d, nil
}

// CheckPages opens every page.
func (d *Database) CheckPages() error {
	for n := uint32(1); n <= d.size; n++ {
		if n == lockPage {
			continue
		}
		if _, err := d.page(n); err != nil {
			return err
		}
	}
	return nil
}

// Logged tells how many pages have their newest version in the log.
func (d *Database) Logged() int { return len(d.logged) }

func (d *Database) page(n uint32) ([]byte, error) {
	if p := d.logged[n]; p != nil {
		return p, nil
	}
	at := (int(n) - 1) * pageSize
	if n == 0 || n > d.size || at+pageSize > len(d.file) {
		return nil, fmt.Errorf("%w: there is no page %d", ErrRefused, n)
	}
	bound := binary.BigEndian.AppendUint64([]byte{'P'}, uint64(n))
	plain, err := openPage(d.pageKey, d.file[at:at+pageSize], bound)
	if err != nil {
		return nil, fmt.Errorf("page %d: %w", n, err)
	}
	return plain, nil
}

// openPage gives the 4,096 bytes of a page, the reserved ones zero.
func openPage(key, sealed, bound []byte) ([]byte, error) {
	plain, err := unseal(key, sealed[4072:], sealed[:4072], bound)
	if err != nil {
		return nil, err
	}
	return append(plain, make([]byte, 40)...), nil
}

// readLog takes up what the log holds up to its last commit.
func (d *Database) readLog(log []byte, header cipher.Block) {
	if len(log) < 32 {
		return
	}
	// The last bit of the magic says in which byte order the checksums are taken.
	var order binary.ByteOrder = binary.LittleEndian
	if log[3]&1 == 1 {
		order = binary.BigEndian
	}
	var sum checksum
	sum.add(order, log[:24])
	if binary.BigEndian.Uint32(log)&^1 != 0x377f0682 || !sum.is(log[24:32]) {
		return
	}
	pending := make(map[uint32][]byte)
	for at := 32; at+frameSize <= len(log); at += frameSize {
		plain := make([]byte, 24)
		copy(plain, log[at:])
		header.Decrypt(plain[8:], log[at+8:at+24])
		if string(plain[8:16]) != string(log[16:24]) {
			return
		}
		bound := append(append([]byte{'W'}, plain[:8]...), log[16:24]...)
		page, err := openPage(d.pageKey, log[at+24:at+frameSize], bound)
		if err != nil {
			return
		}
		sum.add(order, plain[:8])
		sum.add(order, page)
		if !sum.is(plain[16:24]) {
			return
		}
		pending[binary.BigEndian.Uint32(plain)] = page
		if size := binary.BigEndian.Uint32(plain[4:]); size != 0 {
			for n, p := range pending {
				d.logged[n] = p
			}
			clear(pending)
			d.size, d.logEnd = size, at+frameSize
		}
	}
}

// checksum is that of section 4.2 of SQLite's file format.
type checksum [2]uint32

func (c *checksum) add(order binary.ByteOrder, b []byte) {
	for ; len(b) >= 8; b = b[8:] {
		c[0] += order.Uint32(b) + c[1]
		c[1] += order.Uint32(b[4:]) + c[0]
	}
}

func (c *checksum) is(stored []byte) bool {
	return binary.BigEndian.Uint32(stored) == c[0] && binary.BigEndian.Uint32(stored[4:]) == c[1]
}
