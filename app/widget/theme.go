// Package widget holds the parts that screens are made of. They show what they are given and call
// back when they are touched; they know nothing of the home.
package widget

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// ColorTile is the background of a tile.
const ColorTile fyne.ThemeColorName = "tile"

// Mood is how light the app is.
type Mood string

// The moods. The empty one follows the system.
const (
	MoodSystem   Mood = ""
	MoodLight    Mood = "light"
	MoodDark     Mood = "dark"
	MoodContrast Mood = "contrast"
)

// Look is the app's theme: quiet colours, one accent, soft corners.
type Look struct {
	fyne.Theme
	mood Mood
}

// NewLook gives the theme that follows the system.
func NewLook() Look { return LookIn(MoodSystem) }

// LookIn gives the theme in a mood.
func LookIn(m Mood) Look { return Look{theme.DefaultTheme(), m} }

// Color gives a colour for a light or a dark screen.
func (l Look) Color(name fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	switch l.mood {
	case MoodContrast:
		if c, ok := stark(name); ok {
			return c
		}
		v = theme.VariantDark
	case MoodLight:
		v = theme.VariantLight
	case MoodDark:
		v = theme.VariantDark
	}
	pair, ok := palette(name)
	if !ok {
		return l.Theme.Color(name, v)
	}
	if v == theme.VariantLight {
		return pair[0]
	}
	return pair[1]
}

// stark gives the colours for eyes that need all the contrast there is: black, white and yellow.
func stark(name fyne.ThemeColorName) (color.NRGBA, bool) {
	switch name {
	case theme.ColorNameBackground, ColorTile, theme.ColorNameForegroundOnPrimary, theme.ColorNameForegroundOnError,
		theme.ColorNameForegroundOnWarning, theme.ColorNameForegroundOnSuccess:
		return rgb(0x000000), true
	case theme.ColorNameMenuBackground, theme.ColorNameOverlayBackground:
		return rgb(0x1c1c1c), true
	case theme.ColorNameForeground, theme.ColorNamePlaceHolder, theme.ColorNameDisabled, theme.ColorNameInputBorder:
		return rgb(0xffffff), true
	case theme.ColorNamePrimary, theme.ColorNameHyperlink, theme.ColorNameWarning:
		return rgb(0xffe14d), true
	case theme.ColorNameSuccess:
		return rgb(0x7dff9b), true
	case theme.ColorNameError:
		return rgb(0xff9d94), true
	case theme.ColorNameButton, theme.ColorNameInputBackground:
		return rgb(0x2b2b2b), true
	}
	return color.NRGBA{}, false
}

// palette gives the light and the dark colour of a name.
func palette(name fyne.ThemeColorName) ([2]color.NRGBA, bool) {
	switch name {
	case theme.ColorNameBackground:
		return [2]color.NRGBA{rgb(0xf3f1ec), rgb(0x16181c)}, true
	case ColorTile:
		return [2]color.NRGBA{rgb(0xffffff), rgb(0x22262c)}, true
	case theme.ColorNameForeground:
		return [2]color.NRGBA{rgb(0x23262b), rgb(0xeceae5)}, true
	case theme.ColorNamePlaceHolder, theme.ColorNameDisabled:
		return [2]color.NRGBA{rgb(0x5f6368), rgb(0xb4b8be)}, true
	case theme.ColorNamePrimary, theme.ColorNameHyperlink:
		return [2]color.NRGBA{rgb(0x1f6f62), rgb(0x6cc4b0)}, true
	case theme.ColorNameForegroundOnPrimary:
		return [2]color.NRGBA{rgb(0xffffff), rgb(0x10231f)}, true
	case theme.ColorNameSuccess:
		return [2]color.NRGBA{rgb(0x2a7a43), rgb(0x7fce95)}, true
	case theme.ColorNameWarning:
		return [2]color.NRGBA{rgb(0x8f5a00), rgb(0xf0b95c)}, true
	case theme.ColorNameError:
		return [2]color.NRGBA{rgb(0xb3261e), rgb(0xf0796e)}, true
	case theme.ColorNameMenuBackground, theme.ColorNameOverlayBackground:
		return [2]color.NRGBA{rgb(0xfbfaf7), rgb(0x1c2025)}, true
	case theme.ColorNameForegroundOnError:
		return [2]color.NRGBA{rgb(0xffffff), rgb(0x3a0b08)}, true
	case theme.ColorNameButton:
		return [2]color.NRGBA{rgb(0xe9e6df), rgb(0x30353d)}, true
	case theme.ColorNameInputBackground:
		return [2]color.NRGBA{rgb(0xebe8e1), rgb(0x3d444e)}, true
	case theme.ColorNameInputBorder:
		return [2]color.NRGBA{rgb(0xa9a59b), rgb(0x6b727c)}, true
	}
	return [2]color.NRGBA{}, false
}

func rgb(hex uint32) color.NRGBA {
	return color.NRGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 255}
}

// Size gives softer corners and more air than Fyne's own theme.
func (l Look) Size(name fyne.ThemeSizeName) float32 {
	switch name {
	case theme.SizeNameInputRadius, theme.SizeNameButtonRadius, theme.SizeNameSelectionRadius:
		return 10
	case theme.SizeNameHeadingText:
		return 26
	case theme.SizeNameSubHeadingText:
		return 17
	}
	return l.Theme.Size(name)
}
