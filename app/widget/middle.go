package widget

import "fyne.io/fyne/v2"

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
