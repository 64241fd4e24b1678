package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/command/spoken"
	"github.com/ingle-home/ingle/hub/hap/setup"
	"github.com/ingle-home/ingle/hub/product"
	"github.com/ingle-home/ingle/i18n"
)

// The exit codes that scripts rely on.
const (
	exitFailed = 1
	exitUsage  = 2
	exitClosed = 3 // locked or unclaimed
)

// Run runs a program of these commands and more as the words after its name say, and gives its exit
// code: 0 well, 1 failed, 2 wrong usage, 3 locked or unclaimed. What went wrong is one line on the
// program's standard error.
func Run(ctx context.Context, text *i18n.Texts, program *cobra.Command) int {
	usage := true // until a command has begun, errors are about how it was called
	program.SilenceErrors, program.SilenceUsage = true, true
	program.CompletionOptions.DisableDefaultCmd = true
	program.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		usage = c.ValidateRequiredFlags() != nil // cobra would find it out only after this
		if dir := c.Flag("data"); dir != nil {
			text = At(text, dir.Value.String())
		}
		return nil
	}
	program.AddCommand(All(text)...)
	spoken.Translate(text, program)
	called, err := program.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	line, code := verdict(text, err, usage, called)
	fmt.Fprintln(program.ErrOrStderr(), line)
	return code
}

func verdict(text *i18n.Texts, err error, usage bool, called *cobra.Command) (line string, code int) {
	var p *wire.Problem
	switch {
	case errors.As(err, &p):
		line, code = text.Advice(p.Code, p.Args), exitFailed
		switch {
		case p.Code == wire.CodeLocked || p.Code == wire.CodeUnclaimed:
			code = exitClosed
		case misused(p):
			code = exitUsage
		}
		return line, code
	case usage:
		return spoken.Misuse(text, err, called), exitUsage
	}
	return text.Text("command.failed", i18n.Args{"error": err.Error()}), exitFailed
}

// Name is what a person types to call the program again that was called as arg0.
func Name(arg0 string) string {
	if strings.Contains(arg0, "/go-build") { // gone when go run ends
		return "go run ./hub"
	}
	return Quoted(arg0)
}

// At gives texts whose hints repeat the folder of the hub, unless it is the usual one.
func At(text *i18n.Texts, dir string) *i18n.Texts {
	if dir == "" || dir == client.DefaultDir() {
		return text.With(i18n.Args{"data": ""})
	}
	return text.With(i18n.Args{"data": " --data " + Quoted(dir)})
}

// Quoted writes a word as a shell reads it.
func Quoted(word string) string {
	if regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`).MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// screen is where a person reads, which may be a terminal.
type screen struct {
	out  io.Writer
	text *i18n.Texts
	able setup.Terminal
	live bool // somebody looks at it now
}

func (c *call) screen() screen { return screenOf(c.out, c.text) }

func screenOf(out io.Writer, text *i18n.Texts) screen {
	s := screen{out: out, text: text, able: setup.TerminalOf(os.Getenv)}
	if f, ok := out.(*os.File); ok {
		_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
		s.live = err == nil
	}
	s.able.Colour = s.able.Colour && s.live // a file has no colours
	return s
}

// HomeKit tells how to pair with the servers. In a terminal the bridges that nobody is paired with show
// their QR codes: each brings all its things at once.
func HomeKit(out io.Writer, text *i18n.Texts, list []wire.HomeKit) error {
	s := screenOf(out, text)
	more := false
	for _, h := range list {
		if silent(h) {
			continue // whoever wants it asks for it
		}
		if err := s.line(h); err != nil {
			return err
		}
		if h.Kind != "bridge" {
			more = more || !h.Paired
			continue
		}
		if err := s.draw(h, false); err != nil {
			return err
		}
	}
	if more && s.live {
		return s.say("homekit.more", nil)
	}
	return nil
}

// line says in a line how to pair with a server.
func (s screen) line(h wire.HomeKit) error {
	key := "homekit.line"
	if h.Paired {
		key = "homekit.paired"
	}
	return s.say(key, i18n.Args{"name": h.Name, "code": h.SetupCode, "uri": h.SetupURI})
}

func (s screen) say(key string, args i18n.Args) error {
	_, err := io.WriteString(s.out, s.text.Text(key, args)+"\n")
	return err
}

// silent says of a private server that it does not answer.
func silent(h wire.HomeKit) bool { return h.Kind == private && h.ArmedUntil == nil }

// draw shows a server's QR code, if there is somebody to scan it and it would help, or if told.
func (s screen) draw(h wire.HomeKit, force bool) error {
	if h.SetupURI == "" || !force && (!s.live || h.Paired || silent(h)) {
		return nil
	}
	lines, err := s.able.QR(h.SetupURI)
	if err == nil {
		_, err = io.WriteString(s.out, lines)
	}
	return err
}

// sayTraffic says what left the home, and until when the hub is kept safe.
func (c *call) sayTraffic(s wire.Status) error {
	if s.Updates != "" {
		if err := c.say("status.updates", "date", s.Updates); err != nil {
			return err
		}
	}
	if s.Traffic == nil {
		return nil
	}
	t := s.Traffic
	err := c.say("status.traffic", "outside", c.text.Size(t.Outside), "home", c.text.Size(t.Home), "time", t.Since.Local().Format("15:04"))
	if err == nil && t.Refused > 0 {
		err = c.say("status.refused", "n", strconv.FormatInt(t.Refused, 10))
	}
	return err
}

// version says what this program is; no hub needs to run.
func (r *room) version() *cobra.Command {
	return r.command("version", cobra.NoArgs, func(c *call, _ []string) error {
		if c.json {
			return c.printJSON(wire.Status{Product: product.Name, Version: product.Version, Updates: product.Updates})
		}
		if _, err := io.WriteString(c.out, product.Name+" "+product.Version+"\n"); err != nil {
			return err
		}
		return c.say("status.updates", "date", product.Updates)
	})
}
