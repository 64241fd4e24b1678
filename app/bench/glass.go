package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"image"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// blink is how long is waited between two looks at the glass.
const blink = 2 * time.Millisecond

// glass is what a virtual display shows: the file that Xvfb keeps its picture in, mapped into memory. It is
// an X window dump (XWDFile.h, version 7) of 32 bits a pixel.
type glass struct {
	dump   []byte
	pixels []byte
	stride int // bytes from line to line
	size   image.Point
	seed   maphash.Seed
}

func openGlass(dir string) (*glass, error) {
	f, err := os.Open(filepath.Join(dir, "Xvfb_screen0"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	about, err := f.Stat()
	if err != nil {
		return nil, err
	}
	dump, err := syscall.Mmap(int(f.Fd()), 0, int(about.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("the display's picture: %w", err)
	}
	word := func(i int) int { return int(binary.BigEndian.Uint32(dump[4*i:])) }
	g := &glass{dump: dump, size: image.Pt(word(4), word(5)), stride: word(12), seed: maphash.MakeSeed()}
	start := word(0) + 12*word(19)
	if word(1) != 7 || word(11) != 32 || start+g.stride*g.size.Y > len(dump) {
		return nil, fmt.Errorf("the display's picture has %d bits a pixel", word(11))
	}
	g.pixels = dump[start:]
	return g, nil
}

func (g *glass) close() error { return syscall.Munmap(g.dump) }

// sum is a number that differs when what is shown in a part differs.
func (g *glass) sum(part image.Rectangle) uint64 {
	var h maphash.Hash
	h.SetSeed(g.seed)
	for y := part.Min.Y; y < part.Max.Y; y++ {
		_, _ = h.Write(g.pixels[y*g.stride+4*part.Min.X : y*g.stride+4*part.Max.X])
	}
	return h.Sum64()
}

// colours counts different colours in a part, in every third row and column.
func (g *glass) colours(part image.Rectangle) int {
	return g.count(part, func([3]byte) bool { return true })
}

// strong counts those that only a test picture has.
func (g *glass) strong(part image.Rectangle) int {
	return g.count(part, func(c [3]byte) bool { return max(c[0], c[1], c[2])-min(c[0], c[1], c[2]) > 0xe0 })
}

func (g *glass) count(part image.Rectangle, counts func([3]byte) bool) int {
	seen := map[[3]byte]bool{}
	for y := part.Min.Y; y < part.Max.Y; y += 3 {
		for x := part.Min.X; x < part.Max.X; x += 3 {
			at := y*g.stride + 4*x
			if c := [3]byte(g.pixels[at : at+3]); counts(c) {
				seen[c] = true
			}
		}
	}
	return len(seen)
}

// picture is where a part shows a test picture.
func (g *glass) picture(part image.Rectangle) (image.Rectangle, bool) {
	out := image.Rectangle{Min: image.Pt(part.Min.X, part.Max.Y), Max: image.Pt(part.Max.X, part.Min.Y)}
	for y := part.Min.Y; y < part.Max.Y; y++ {
		if g.strong(image.Rect(part.Min.X, y, part.Max.X, y+1)) >= 3 {
			out.Min.Y, out.Max.Y = min(out.Min.Y, y), max(out.Max.Y, y+1)
		}
	}
	return out, !out.Empty()
}

// until waits until ok, and gives when that was.
func until(ctx context.Context, what string, ok func() bool) (time.Time, error) {
	tick := time.NewTicker(blink)
	defer tick.Stop()
	end := time.NewTimer(patience)
	defer end.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end.C:
			return time.Time{}, fmt.Errorf("%s: not within %v", what, patience)
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
	return time.Now(), nil
}

// rest waits until a part has not changed for a while.
func (g *glass) rest(ctx context.Context, part image.Rectangle, calm time.Duration) error {
	last, since := g.sum(part), time.Now()
	_, err := until(ctx, "the window is at rest", func() bool {
		if now := g.sum(part); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > calm
	})
	return err
}

// torn is how long the pieces of one picture take to reach the display: what changes within it is one.
const torn = 25 * time.Millisecond

// changes counts how often a part changes in a span.
func (g *glass) changes(ctx context.Context, part image.Rectangle, span time.Duration) (int, error) {
	last, n, since, end := g.sum(part), 0, time.Now(), time.Now().Add(span)
	tick := time.NewTicker(blink)
	defer tick.Stop()
	for time.Now().Before(end) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		now := g.sum(part)
		if now != last && time.Since(since) > torn {
			n, since = n+1, time.Now()
		}
		last = now
	}
	return n, nil
}
