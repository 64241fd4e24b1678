package parcel_test

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"testing"

	"github.com/ingle-home/ingle/app/parcel"
)

var update = flag.Bool("update", false, "write the files anew")

const (
	side = 512
	fine = 4 // looks at each pixel in so many rows and columns
)

// TestTheIconIsOurDrawing draws the icon: a fire that a house keeps to itself.
func TestTheIconIsOurDrawing(t *testing.T) {
	drawn := draw()
	if *update {
		var out bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, drawn); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("icon.png", out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	kept, err := png.Decode(bytes.NewReader(parcel.Icon))
	if err != nil {
		t.Fatal(err)
	}
	if kept.Bounds() != drawn.Bounds() {
		t.Fatalf("icon.png is %v, drawn it is %v: run go test ./app/parcel -update", kept.Bounds(), drawn.Bounds())
	}
	for y := range side {
		for x := range side {
			if far(kept.At(x, y), drawn.At(x, y)) {
				t.Fatalf("icon.png differs at %d, %d: run go test ./app/parcel -update", x, y)
			}
		}
	}
}

// far says whether two colours differ by more than sums of broken numbers do on different machines.
func far(a, b color.Color) bool {
	r, g, bl, al := a.RGBA()
	r2, g2, bl2, al2 := b.RGBA()
	for _, d := range []float64{float64(r) - float64(r2), float64(g) - float64(g2), float64(bl) - float64(bl2), float64(al) - float64(al2)} {
		if math.Abs(d) > 0x400 {
			return true
		}
	}
	return false
}

func draw() image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			m.SetNRGBA(x, y, mixed(x, y))
		}
	}
	return m
}

// mixed is the colour of a pixel: the mean of what is seen in it.
func mixed(x, y int) color.NRGBA {
	var r, g, b, a float64
	for i := range fine * fine {
		c := seen((float64(x)+(float64(i%fine)+0.5)/fine)/side, (float64(y)+(float64(i/fine)+0.5)/fine)/side)
		w := float64(c.A) / 255
		r, g, b, a = r+w*float64(c.R), g+w*float64(c.G), b+w*float64(c.B), a+w
	}
	if a == 0 {
		return color.NRGBA{}
	}
	return color.NRGBA{R: uint8(r/a + 0.5), G: uint8(g/a + 0.5), B: uint8(b/a + 0.5), A: uint8(255*a/(fine*fine) + 0.5)}
}

// seen is the colour at a point of the unit square: from front to back a fire, a door's opening, a house
// and the ground.
func seen(x, y float64) color.NRGBA {
	switch {
	case !rounded(x-0.5, y-0.5, 0.5, 0.5, 0.22):
		return color.NRGBA{}
	case flame(x, y, 0.5, 0.735, 0.062):
		return color.NRGBA{0xff, 0xe0, 0x9a, 0xff}
	case flame(x, y, 0.5, 0.735, 0.125):
		return color.NRGBA{0xf0, 0x7a, 0x52, 0xff}
	case house(x, y, 0.075):
		return color.NRGBA{0x1d, 0x24, 0x2b, 0xff}
	case house(x, y, 0):
		return color.NRGBA{0xf2, 0xf5, 0xf4, 0xff}
	}
	return color.NRGBA{0x2f, 0x8f, 0x7c, 0xff}
}

// house is a gable with soft corners, made smaller on all sides by an inset.
func house(x, y, inset float64) bool {
	const left, right, eaves, ridge, floor = 0.2, 0.8, 0.44, 0.16, 0.82
	if !rounded(x-0.5, y-0.5, 0.3-inset, 0.4, 0.08) && y > eaves || y > floor-inset {
		return false
	}
	if x < left+inset || x > right-inset {
		return false
	}
	slope := (eaves - ridge) / (0.5 - left)
	return y > ridge+inset*math.Hypot(1, slope)+slope*math.Abs(x-0.5)
}

// flame is a drop that stands on a point, of a radius.
func flame(x, y, cx, foot, radius float64) bool {
	cy := foot - radius
	dx, dy := x-cx, y-cy
	if dy >= 0 {
		return math.Hypot(dx, dy) <= radius
	}
	up := -dy / (radius * 2.1)
	return up <= 1 && math.Abs(dx-0.25*radius*up*up) <= radius*math.Pow(1-math.Pow(up, 1.5), 1.2)
}

// rounded is a rectangle around the origin, half its width and height given, with round corners.
func rounded(x, y, w, h, r float64) bool {
	dx, dy := math.Abs(x)-(w-r), math.Abs(y)-(h-r)
	return math.Hypot(max(dx, 0), max(dy, 0)) <= r && dx <= r && dy <= r
}
