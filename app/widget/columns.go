package widget

import "fyne.io/fyne/v2"

// Columns lays tiles out in as many equal columns as there is room for, each tile as high as it
// needs, the next one always in the shortest column.
type Columns struct {
	Narrowest float32 // of a column
	Gap       float32

	width float32 // as last laid out: the height depends on it
}

func (c *Columns) count(width float32) int {
	return max(1, int((width+c.Gap)/(c.Narrowest+c.Gap)))
}

// Layout places the tiles.
func (c *Columns) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	c.width = size.Width
	c.place(objects, func(o fyne.CanvasObject, at fyne.Position, s fyne.Size) {
		o.Move(at)
		o.Resize(s)
	})
}

// MinSize is one column wide, and as high as the tiles stood when they were last laid out.
func (c *Columns) MinSize(objects []fyne.CanvasObject) fyne.Size {
	var widest float32
	for _, o := range objects {
		if o.Visible() {
			widest = max(widest, o.MinSize().Width)
		}
	}
	return fyne.NewSize(widest, c.place(objects, func(fyne.CanvasObject, fyne.Position, fyne.Size) {}))
}

func (c *Columns) place(objects []fyne.CanvasObject, put func(fyne.CanvasObject, fyne.Position, fyne.Size)) float32 {
	n := c.count(c.width)
	w := (c.width - float32(n-1)*c.Gap) / float32(n)
	heights := make([]float32, n)
	for _, o := range objects {
		if !o.Visible() {
			continue
		}
		at := 0
		for i, h := range heights {
			if h < heights[at]-0.5 {
				at = i
			}
		}
		if w > 0 && o.Size().Width != w {
			o.Resize(fyne.NewSize(w, o.MinSize().Height)) // a picture is as high as its width asks
		}
		h := o.MinSize().Height
		put(o, fyne.NewPos(float32(at)*(w+c.Gap), heights[at]), fyne.NewSize(w, h))
		heights[at] += h + c.Gap
	}
	tallest := heights[0]
	for _, h := range heights {
		tallest = max(tallest, h)
	}
	return max(0, tallest-c.Gap)
}

// Middle lays one object out in the middle, at most Width wide and Margin away from the edges, as
// high as it needs.
type Middle struct{ Width, Margin float32 }

// Layout places it.
func (m *Middle) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	w := min(m.Width, size.Width-2*m.Margin)
	for _, o := range objects {
		o.Resize(fyne.NewSize(w, o.MinSize().Height)) // words wrap to the width first
		h := o.MinSize().Height
		o.Resize(fyne.NewSize(w, h))
		o.Move(fyne.NewPos((size.Width-w)/2, max(m.Margin, (size.Height-h)/2)))
	}
}

// MinSize is what the object needs.
func (m *Middle) MinSize(objects []fyne.CanvasObject) fyne.Size {
	var least fyne.Size
	for _, o := range objects {
		least = least.Max(o.MinSize())
	}
	return least.AddWidthHeight(2*m.Margin, 2*m.Margin)
}
