package spoken_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/command/spoken"
	"github.com/ingle-home/ingle/i18n"
)

// tree is a program with a command that has another below it.
func tree(text *i18n.Texts) (program, below *cobra.Command) {
	run := func(*cobra.Command, []string) error { return nil }
	program = &cobra.Command{Use: "hub", Short: "-"}
	parent := &cobra.Command{Use: "backup PATH", Short: "-", RunE: run}
	parent.PersistentFlags().String("data", "/home", "-")
	below = &cobra.Command{Use: "schedule [FOLDER]", Short: "-", RunE: run}
	parent.AddCommand(below)
	program.AddCommand(parent)
	spoken.Translate(text, program)
	return program, below
}

func TestHelpIsInTheLanguageOfThePerson(t *testing.T) {
	for _, words := range []string{"--help", "backup --help", "backup schedule --help", "help"} {
		var out bytes.Buffer
		program, _ := tree(i18n.For("de"))
		program.SetOut(&out)
		program.SetArgs(strings.Fields(words))
		if err := program.Execute(); err != nil {
			t.Fatal(words, err)
		}
		said := out.String()
		for _, english := range []string{"Usage", "Available", "Global", "default", "help for", "information"} {
			if strings.Contains(said, english) {
				t.Errorf("%s: %q in\n%s", words, english, said)
			}
		}
		for _, german := range []string{"Aufruf:", "Diesen Befehl erklären"} {
			if !strings.Contains(said, german) {
				t.Errorf("%s: no %q in\n%s", words, german, said)
			}
		}
	}
}

func TestACommandThatIsCalledWronglyShowsItsLine(t *testing.T) {
	text := i18n.For("en")
	program, below := tree(text)
	parent := below.Parent()
	for _, c := range []struct {
		err    string
		called *cobra.Command
		want   string
	}{
		{"accepts 1 arg(s), received 0", parent, "like this: hub backup PATH. See: hub backup --help"},
		{"accepts at most 1 arg(s), received 2", below, "like this: hub backup schedule [FOLDER]. See"},
		{`unknown command "now" for "hub backup schedule"`, below, "like this: hub backup schedule [FOLDER]. See"},
		{"unknown command \"lock\" for \"hub\"\n\nDid you mean this?\n\tunlock\n", program, "no command “lock”. See: hub --help"},
		{"unknown flag: --nonsense", program, "no “--nonsense” here. See: hub --help"},
		{"unknown shorthand flag: 'x' in -x", program, "no “-x” here. See"},
		{"flag needs an argument: --api", program, "--api needs a value. See"},
		{`invalid argument "many" for "--port" flag: strconv.ParseInt: parsing "many": invalid syntax`, program, "--port cannot be “many”. See"},
		{`required flag(s) "lat", "lon" not set`, program, "Still needed: --lat, --lon. See"},
		{"something new", program, "something new. See: hub --help"},
	} {
		if got := spoken.Misuse(text, errors.New(c.err), c.called); !strings.Contains(got, c.want) {
			t.Errorf("%q: %q, want %q", c.err, got, c.want)
		}
	}
}
