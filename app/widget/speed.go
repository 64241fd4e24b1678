package widget

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Speed sets how fast something turns, in percent, and stops it: the button is large and always works.
type Speed struct {
	widget.BaseWidget
	Slider *widget.Slider
	Stop   *Button

	held bool // a finger is on the slider: what is reported meanwhile must not move it
}

// NewSpeed makes it. set is called when the slider is let go, stop when the button is tapped.
func NewSpeed(stopText string, set func(percent int), stop func()) *Speed {
	s := &Speed{Slider: widget.NewSlider(0, 100), Stop: NewButton(stopText, theme.MediaStopIcon(), nil, nil)}
	s.Stop.Importance = widget.DangerImportance
	s.Slider.OnChanged = func(float64) { s.held = true }
	s.Slider.OnChangeEnded = func(v float64) {
		s.held = false
		set(int(v))
	}
	s.Stop.OnTapped = func() {
		s.held = false
		s.SetPercent(0)
		stop()
	}
	s.ExtendBaseWidget(s)
	return s
}

// SetPercent moves the slider without calling back.
func (s *Speed) SetPercent(percent int) {
	if s.held || s.Slider.Value == float64(percent) {
		return
	}
	s.Slider.Value = float64(percent)
	s.Slider.Refresh()
}

// Enable says whether a speed can be set; stopping always can.
func (s *Speed) Enable(yes bool) {
	if yes == !s.Slider.Disabled() {
		return
	}
	if yes {
		s.Slider.Enable()
	} else {
		s.Slider.Disable()
	}
}

// AccessibilityLabel is the text of its button.
func (s *Speed) AccessibilityLabel() string { return s.Stop.Text }

// AccessibilityRole says that it holds others.
func (s *Speed) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleContainer }

// CreateRenderer draws it.
func (s *Speed) CreateRenderer() fyne.WidgetRenderer {
	room := canvas.NewRectangle(color.Transparent)
	room.SetMinSize(fyne.NewSize(120, 60))
	return widget.NewSimpleRenderer(container.NewVBox(s.Slider, container.NewStack(room, s.Stop)))
}
