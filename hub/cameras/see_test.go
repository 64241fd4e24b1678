package cameras

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"testing"
	"time"
)

// scene is a grey place with something bright of so many places in it.
func scene(grey byte, bright int) []byte {
	b := bytes.Repeat([]byte{grey}, greyWidth*greyHeight)
	for i := range bright {
		b[500+i] = grey + 90
	}
	return b
}

func TestWhatCountsAsMotion(t *testing.T) {
	at := time.Unix(1_700_000_000, 0)
	var e eye
	for i, step := range []struct {
		grey         byte
		bright       int
		after        time.Duration
		moving, news bool
	}{
		{80, 0, 0, false, false},
		{80, 0, time.Second, false, false},
		{88, 0, time.Second, false, false},    // a cloud
		{88, 10, time.Second, false, false},   // a moth
		{88, 200, time.Second, true, true},    // somebody
		{88, 15, time.Second, true, false},    // less of somebody
		{88, 0, time.Second, true, false},     // what it left in the eye fades
		{88, 0, 5 * time.Second, true, false}, // it may come back
		{88, 0, 6 * time.Second, false, true},
		{160, 0, time.Second, false, false}, // a lamp
		{160, 200, time.Second, true, true}, // who switched it on
	} {
		at = at.Add(step.after)
		if moving, news := e.see(scene(step.grey, step.bright), at); moving != step.moving || news != step.news {
			t.Errorf("step %d: %v %v, want %v %v", i, moving, news, step.moving, step.news)
		}
	}
}

// picture is a JPEG, white on the left and grey on the right.
func picture(t testing.TB, width, height int) []byte {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.Set(x, y, color.Gray{uint8(255 - 128*(2*x/width))})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAPictureFits(t *testing.T) {
	for _, c := range []struct{ from, to size }{
		{size{1280, 720}, size{640, 360}}, {size{1280, 720}, size{320, 240}}, {size{640, 480}, size{1920, 1080}},
		{size{33, 77}, size{101, 57}}, {size{2000, 17}, size{16, 16}},
	} {
		raw, err := fit(picture(t, c.from.width, c.from.height), c.to)
		if err != nil {
			t.Fatal(err)
		}
		m, err := jpeg.Decode(bytes.NewReader(raw))
		if err != nil || m.Bounds().Dx() != c.to.width || m.Bounds().Dy() != c.to.height {
			t.Fatalf("%v to %v: %v, %v", c.from, c.to, m.Bounds(), err)
		}
		middle := c.to.height / 2
		if left, _, _, _ := m.At(c.to.width/2-c.to.height/8-1, middle).RGBA(); c.to.height > 16 && left>>8 < 200 {
			t.Errorf("%v to %v: left is %d", c.from, c.to, left>>8)
		}
		if right, _, _, _ := m.At(c.to.width/2+c.to.height/8+1, middle).RGBA(); c.to.height > 16 && (right>>8 < 100 || right>>8 > 160) {
			t.Errorf("%v to %v: right is %d", c.from, c.to, right>>8)
		}
	}
	same := picture(t, 64, 48)
	if raw, err := fit(same, size{64, 48}); err != nil || &raw[0] != &same[0] {
		t.Errorf("a picture that fits was made anew: %v", err)
	}
}

func FuzzFit(f *testing.F) {
	f.Add(picture(f, 64, 48), 32, 32)
	f.Add(picture(f, 17, 33), 320, 180)
	f.Add([]byte("\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03"), 64, 64)
	f.Fuzz(func(t *testing.T, raw []byte, width, height int) {
		sz := size{smallest + int(uint(width)%512), smallest + int(uint(height)%512)}
		out, err := fit(raw, sz)
		if err != nil {
			return
		}
		if c, err := jpeg.DecodeConfig(bytes.NewReader(out)); err != nil || c.Width != sz.width || c.Height != sz.height {
			t.Fatalf("%d × %d for %v, %v", c.Width, c.Height, sz, err)
		}
	})
}
