// Package spoken has cobra explain commands, and how they were called wrongly, in the words of the catalog:
// of itself it speaks English only.
package spoken

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/i18n"
)

// Translate has a program and its commands explain themselves in the language of texts.
func Translate(text *i18n.Texts, program *cobra.Command) {
	program.InitDefaultHelpCmd()
	program.SetUsageFunc(func(c *cobra.Command) error {
		_, err := io.WriteString(c.OutOrStdout(), usage(text, c))
		return err
	})
	var each func(*cobra.Command)
	each = func(c *cobra.Command) {
		c.InitDefaultHelpFlag()
		c.Flags().Lookup("help").Usage = text.Text("flag.help", nil)
		for _, sub := range c.Commands() {
			each(sub)
		}
	}
	each(program)
	if help, _, err := program.Find([]string{"help"}); err == nil {
		help.Short = text.Text("command.help", nil)
	}
}

// usage explains how a command is called: its line, the commands below it, and its flags.
func usage(text *i18n.Texts, c *cobra.Command) string {
	var b strings.Builder
	title := func(key string) { fmt.Fprintf(&b, "\n%s\n", text.Text("usage."+key, nil)) }
	b.WriteString(text.Text("usage.line", nil) + "\n")
	if c.Runnable() && !c.HasParent() || c.Runnable() && !c.HasAvailableSubCommands() || strings.Contains(c.Use, " ") {
		fmt.Fprintf(&b, "  %s\n", c.UseLine())
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s [command]\n", c.CommandPath())
		title("commands")
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() || sub.Name() == "help" {
				fmt.Fprintf(&b, "  %-*s %s\n", sub.NamePadding(), sub.Name(), sub.Short)
			}
		}
	}
	flags := func(s string) {
		b.WriteString(strings.ReplaceAll(strings.TrimRight(s, " \n"), "(default ", "("+text.Text("usage.default", nil)+" ") + "\n")
	}
	if c.HasAvailableLocalFlags() {
		title("flags")
		flags(c.LocalFlags().FlagUsages())
	}
	if c.HasAvailableInheritedFlags() {
		title("shared-flags")
		flags(c.InheritedFlags().FlagUsages())
	}
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n%s\n", text.Text("usage.more", i18n.Args{"command": c.CommandPath()}))
	}
	return b.String()
}

// Misuse says how a command is called that was called otherwise. What cobra says of the number of
// arguments names none of them, so the command's own line takes its place.
func Misuse(text *i18n.Texts, err error, called *cobra.Command) string {
	said, _, _ := strings.Cut(err.Error(), "\n") // its guesses follow
	args := i18n.Args{"command": called.CommandPath(), "line": strings.TrimSuffix(called.UseLine(), " [flags]")}
	for _, known := range []struct{ form, key string }{ // the groups of a form are places of the text
		{`^(accepts|requires) .*arg`, "args"},
		{`^unknown command "(?P<word>.*)" for`, "unknown"},
		{`^unknown flag: (?P<flag>.*)`, "flag"},
		{`^unknown shorthand flag: .* in (?P<flag>.*)`, "flag"},
		{`^flag needs an argument: (?:'.' in )?(?P<flag>.*)`, "flag-empty"},
		{`^invalid argument "(?P<value>.*)" for "(?:-., )?(?P<flag>--[^"]*)" flag`, "flag-value"},
		{`^required flag\(s\) (?P<flags>.*) not set`, "needs"},
	} {
		form := regexp.MustCompile(known.form)
		found := form.FindStringSubmatch(said)
		if found == nil {
			continue
		}
		for i, name := range form.SubexpNames() {
			args[name] = found[i]
		}
		args["flags"] = regexp.MustCompile(`"([^"]*)"`).ReplaceAllString(args["flags"], "--$1")
		if known.key == "unknown" && !called.HasAvailableSubCommands() { // it is a word too many
			known.key = "args"
		}
		return text.Text("command."+known.key, args)
	}
	return text.Text("command.usage", i18n.Args{"error": said, "command": called.CommandPath()})
}
