package command

import (
	"io"
	"os"
	"strconv"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/hap/setup"
	"github.com/ingle-home/ingle/hub/product"
	"github.com/ingle-home/ingle/i18n"
)

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
