package blobs

import "io"

// What the tests reach of the inside.

// The sizes of the format.
const (
	HeaderSize = headerSize
	ChunkSize  = chunkSize
	SealedSize = sealedSize
	TagSize    = tagSize
)

// Disk and File are the seam that faults come in by.
type (
	File = file
	Disk interface {
		Create(path string) (File, error)
		Free(dir string) (int64, error)
	}
)

type testDisk struct{ Disk }

func (d testDisk) create(path string) (file, error) { return d.Create(path) }
func (d testDisk) free(dir string) (int64, error)   { return d.Free(dir) }

// On makes a store use d.
func (o Options) On(d Disk) Options {
	o.disk = testDisk{d}
	return o
}

// Watched makes look see every seal.
func (o Options) Watched(look func(key, nonce []byte)) Options {
	o.sealed = look
	return o
}

// RealDisk is what a store uses otherwise.
type RealDisk struct{}

// Create makes a file.
func (RealDisk) Create(path string) (File, error) { return osDisk{}.create(path) }

// Free asks the file system.
func (RealDisk) Free(dir string) (int64, error) { return osDisk{}.free(dir) }

// Seal makes a segment in memory.
func Seal(mediaKey, content []byte) []byte {
	h := newHeader(mediaKey)
	c := newChunks(mediaKey, h)
	out := h[:]
	for n := int64(0); ; n++ {
		k := min(len(content), chunkSize)
		out = append(out, c.seal(append(make([]byte, 0, sealedSize), content[:k]...), n, k < chunkSize)...)
		if content = content[k:]; k < chunkSize {
			return out
		}
	}
}

// SealChunk makes one chunk of the segment that begins with head.
func SealChunk(mediaKey, head, content []byte, n int64, last bool) []byte {
	c := newChunks(mediaKey, header(head[:headerSize]))
	return c.seal(append(make([]byte, 0, len(content)+tagSize), content...), n, last)
}

// Measure finds the end of a segment.
func Measure(f io.ReaderAt, length int64, mediaKey []byte) (int64, State, error) {
	return measure(f, length, mediaKey)
}

// ReadAll opens a segment of which state and size are recorded, and reads all.
func ReadAll(f io.ReaderAt, length int64, g Segment, mediaKey []byte) ([]byte, error) {
	src, err := openSource(f, length, g, mediaKey, false)
	if err != nil {
		return nil, err
	}
	var all []byte
	for n := range g.chunks() {
		plain, err := src.load(n)
		if err != nil {
			return all, err
		}
		all = append(all, plain...)
	}
	return all, nil
}

// Crash leaves the segment as the end of the process would.
func (w *Writer) Crash() { w.abandon() }

// Poly1305 evaluates whole blocks.
func Poly1305(key [32]byte, message []byte) [16]byte {
	p, h := newPolynomial(key[:]), value{}
	for ; len(message) > 0; message = message[16:] {
		h = p.absorb(h, [16]byte(message))
	}
	return p.tag(h)
}
