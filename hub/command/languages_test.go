package command_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/command"
	"github.com/ingle-home/ingle/i18n"
)

// TestEveryCommandExplainsItselfInEveryLanguage runs --help of each command as somebody does whose system is set
// to the language.
func TestEveryCommandExplainsItselfInEveryLanguage(t *testing.T) {
	english := i18n.For("en")
	key := regexp.MustCompile(`(?m)(^| )(command|flag|usage)\.[a-z-]+`)
	for locale, lang := range map[string]string{
		"en_GB.UTF-8": "en", "de_DE.UTF-8": "de", "fr_FR.UTF-8": "fr", "es_MX.UTF-8": "es", "it_IT.UTF-8": "it",
		"nl_NL.UTF-8": "nl", "pl_PL.UTF-8": "pl", "pt_BR.UTF-8": "pt_BR", "pt_PT.UTF-8": "pt_BR",
	} {
		t.Setenv("LC_ALL", locale)
		text := i18n.For(i18n.Locale())
		if text.Lang() != lang {
			t.Fatalf("%s speaks %s", locale, text.Lang())
		}
		for _, c := range command.All(text) {
			helps(t, text, english, key, c.Name())
			for _, below := range c.Commands() {
				helps(t, text, english, key, c.Name()+" "+below.Name())
			}
		}
		helps(t, text, english, key, "")
	}
}

func helps(t *testing.T, text, english *i18n.Texts, key *regexp.Regexp, line string) {
	t.Helper()
	var out, complaints bytes.Buffer
	program := &cobra.Command{Use: "hub", Short: text.Text("command.hub", nil)}
	program.SetOut(&out)
	program.SetErr(&complaints)
	program.SetArgs(append(strings.Fields(line), "--help"))
	if code := command.Run(t.Context(), text, program); code != 0 {
		t.Errorf("%s in %s: %d, %s", line, text.Lang(), code, complaints.String())
	}
	said := out.String()
	if !strings.Contains(said, text.Text("usage.line", nil)) || !strings.Contains(said, text.Text("flag.help", nil)) {
		t.Errorf("%s in %s says\n%s", line, text.Lang(), said)
	}
	if found := key.FindString(said); found != "" {
		t.Errorf("%s in %s shows the key%s", line, text.Lang(), found)
	}
	if text.Lang() == "en" {
		return
	}
	for _, left := range []string{"usage.line", "usage.commands", "usage.flags", "usage.shared-flags", "flag.help", "flag.json", "flag.data"} {
		if english := english.Text(left, nil); strings.Contains(said, english) && !strings.Contains(text.Text(left, nil), english) {
			t.Errorf("%s in %s says %q in English", line, text.Lang(), english)
		}
	}
}
