package words_test

import (
	"testing"

	"fyne.io/fyne/v2/lang"

	"github.com/ingle-home/ingle/app/widget/words"
	"github.com/ingle-home/ingle/i18n"
)

func TestFyneSpeaksTheLanguageOfTheApp(t *testing.T) {
	for _, system := range []string{"C", "de_DE.UTF-8", "fr_FR.UTF-8", "it_IT.UTF-8", "pt_BR.UTF-8", "ja_JP.UTF-8"} {
		t.Setenv("LC_ALL", system)
		t.Setenv("LANG", system)
		for _, language := range i18n.Languages() {
			texts := i18n.For(language)
			if err := words.Speak(texts); err != nil {
				t.Fatal(err)
			}
			for fynes, key := range map[string]string{"Quit": "app.edit.quit", "Cut": "app.edit.cut", "Select all": "app.edit.select-all", "Undo": "app.edit.undo"} {
				if got, want := lang.L(fynes), texts.Text(key, nil); got != want {
					t.Errorf("%s on a system in %s: %q is %q, not %q", language, system, fynes, got, want)
				}
			}
		}
	}
}
