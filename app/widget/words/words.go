// Package words has Fyne's own menus speak the language of the app: what a right click on a field
// offers, and how the app is left. Fyne knows the language of the system only, and fewer languages.
package words

import (
	"encoding/json"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"

	"github.com/ingle-home/ingle/i18n"
)

// Speak has what Fyne says from now on be in the language of the texts. It takes the place of Fyne's words
// for the language of the system, which is the one that Fyne asks for.
func Speak(t *i18n.Texts) error {
	said := map[string]string{}
	for fynes, key := range map[string]string{
		"Copy": "copy", "Cut": "cut", "Paste": "paste", "Quit": "quit", "Redo": "redo", "Select all": "select-all", "Undo": "undo",
	} {
		said[fynes] = t.Text("app.edit."+key, nil)
	}
	raw, err := json.Marshal(said)
	if err != nil {
		return err
	}
	for _, locale := range []fyne.Locale{"en", lang.SystemLocale()} { // English where the system names no language
		if err := lang.AddTranslationsForLocale(raw, locale); err != nil {
			return err
		}
	}
	return nil
}
