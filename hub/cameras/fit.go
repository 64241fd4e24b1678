package cameras

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
)

const (
	maxPixels = 16 << 20 // of a picture from a camera
	quality   = 85       // of a JPEG, as image/jpeg counts
)

// fit gives a JPEG of exactly that size, with black bars where the shapes differ. A picture that has it
// already stays as it is.
func fit(raw []byte, sz size) ([]byte, error) {
	shape, err := jpeg.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("cameras: still: %w", err)
	}
	if shape.Width <= 0 || shape.Height <= 0 || shape.Width > maxPixels/shape.Height {
		return nil, fmt.Errorf("cameras: still: %d × %d pixels are too many", shape.Width, shape.Height)
	}
	if shape.Width == sz.width && shape.Height == sz.height {
		return raw, nil
	}
	picture, err := jpeg.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("cameras: still: %w", err)
	}
	switch picture.(type) {
	case *image.YCbCr, *image.Gray:
	default:
		return nil, fmt.Errorf("cameras: still: %T is no colour of a camera", picture)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, scale(picture, sz), &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("cameras: still: %w", err)
	}
	return out.Bytes(), nil
}

// scale brings a picture to a size.
func scale(from image.Image, sz size) image.Image {
	to := image.NewYCbCr(image.Rect(0, 0, sz.width, sz.height), image.YCbCrSubsampleRatio420)
	for i := range to.Cb { // 0 of all would be green
		to.Cb[i], to.Cr[i] = 128, 128
	}
	b := from.Bounds()
	w, h := sz.width, sz.height
	if b.Dx()*h > b.Dy()*w {
		h = max(1, w*b.Dy()/b.Dx())
	} else {
		w = max(1, h*b.Dx()/b.Dy())
	}
	x, y := (sz.width-w)/2&^1, (sz.height-h)/2&^1 // even, since two pixels share a colour
	light := plane{to.Y, to.YStride, w, h}.at(x, y)
	switch p := from.(type) {
	case *image.YCbCr:
		light.fill(plane{p.Y, p.YStride, b.Dx(), b.Dy()})
		colour := p.COffset(b.Max.X-1, b.Max.Y-1)
		wide, high := colour%p.CStride+1, colour/p.CStride+1
		plane{to.Cb, to.CStride, (w + 1) / 2, (h + 1) / 2}.at(x/2, y/2).fill(plane{p.Cb, p.CStride, wide, high})
		plane{to.Cr, to.CStride, (w + 1) / 2, (h + 1) / 2}.at(x/2, y/2).fill(plane{p.Cr, p.CStride, wide, high})
	case *image.Gray:
		light.fill(plane{p.Pix, p.Stride, b.Dx(), b.Dy()})
	}
	return to
}

// plane is one part of a picture, a byte a place.
type plane struct {
	pix           []byte
	stride        int
	width, height int
}

func (p plane) at(x, y int) plane {
	p.pix = p.pix[y*p.stride+x:]
	return p
}

// fill fills the plane with another: each place is the mean of those that it stands for.
func (p plane) fill(from plane) {
	for y := range p.height {
		top := y * from.height / p.height
		bottom := max(top+1, (y+1)*from.height/p.height)
		for x := range p.width {
			left := x * from.width / p.width
			right := max(left+1, (x+1)*from.width/p.width)
			sum := 0
			for row := top; row < bottom; row++ {
				for _, v := range from.pix[row*from.stride+left : row*from.stride+right] {
					sum += int(v)
				}
			}
			p.pix[y*p.stride+x] = byte(sum / ((bottom - top) * (right - left)))
		}
	}
}
