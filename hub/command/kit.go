package command

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"rsc.io/qr"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/command/sheet"
	"github.com/ingle-home/ingle/hub/label/facts"
	"github.com/ingle-home/ingle/i18n"
)

// kitPage is the emergency kit: one page to print, which needs nothing else.
//
//go:embed kit.html
var kitPage string

// kit is the file of an emergency kit, which is there before the code that goes
// into it is made: a code that cannot be written down is of no use.
type kit struct {
	file *os.File // nil where nobody asked for one
	full bool
}

func openKit(path string) (*kit, error) {
	if path == "" {
		return &kit{}, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, wire.Refuse(0, "kit.exists", "path", path)
	} else if err != nil {
		return nil, wire.Refuse(0, "kit.file", "error", err.Error())
	}
	return &kit{file: f}, nil
}

func (k *kit) write(text *i18n.Texts, code string) error {
	if k.file == nil {
		return nil
	}
	page, err := kitOf(text, code, time.Now())
	if err == nil {
		_, err = k.file.WriteString(page)
	}
	if err == nil {
		err = k.file.Sync()
	}
	if err = errors.Join(err, k.file.Close()); err != nil {
		return wire.Refuse(0, "kit.file", "error", err.Error())
	}
	k.full = true
	return nil
}

// tell says where the kit is and what to do with it, to a person.
func (k *kit) tell(c *call) error {
	if k.file == nil || c.json {
		return nil
	}
	return c.say("kit.written", "path", k.file.Name())
}

// abandon removes a kit that got no code.
func (k *kit) abandon() {
	if k.file != nil && !k.full {
		_ = k.file.Close() // write may have closed it
		_ = os.Remove(k.file.Name())
	}
}

func kitOf(text *i18n.Texts, code string, now time.Time) (string, error) {
	page, err := template.New("kit").Parse(kitPage)
	if err != nil {
		return "", fmt.Errorf("kit: %w", err)
	}
	square, err := qr.Encode(code, qr.Q)
	if err != nil {
		return "", fmt.Errorf("kit: qr: %w", err)
	}
	const margin = 4 // light modules around a QR code, as ISO/IEC 18004 asks
	var path, out strings.Builder
	for y := range square.Size {
		for x := range square.Size {
			if square.Black(x, y) {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+margin, y+margin)
			}
		}
	}
	var steps []string
	for _, n := range []string{"1", "2", "3", "4", "5"} {
		steps = append(steps, text.Text("kit.step."+n, nil))
	}
	err = page.Execute(&out, struct {
		Lang, Title, About, Code, Date, Keep string
		Steps                                []string
		Side                                 int
		Path                                 string
	}{
		text.Lang(), text.Text("kit.title", nil), text.Text("kit.about", nil), code, now.Format(time.DateOnly), text.Text("kit.keep", nil),
		steps, square.Size + 2*margin, path.String(),
	})
	if err != nil {
		return "", fmt.Errorf("kit: %w", err)
	}
	return out.String(), nil
}

// label shows how safe things are, and makes the page of it to print.
func (r *room) label() *cobra.Command {
	file := ""
	label := r.command("label [NAME]", cobra.MaximumNArgs(1), func(c *call, args []string) (err error) {
		ctx, cancel := c.brief()
		defer cancel()
		var list []wire.Label
		if len(args) == 0 {
			list, err = c.hub.Labels(ctx)
		} else {
			list = make([]wire.Label, 1)
			list[0], err = c.hub.Label(ctx, args[0])
		}
		switch {
		case err != nil:
			return err
		case file != "":
			return c.printLabels(file, list)
		case c.json && len(args) > 0:
			return c.printJSON(list[0])
		case c.json:
			return c.printJSON(list)
		}
		for _, l := range list {
			if err := sheet.Text(c.out, c.text, l); err != nil {
				return err
			}
		}
		return nil
	})
	label.Flags().StringVar(&file, "html", "", r.text.Text("flag.html", nil))
	label.AddCommand(r.labelCheck(), r.labelOffline(), r.labelFacts())
	return label
}

// printLabels makes the page. It names what is in the home, so nobody else may read it.
func (c *call) printLabels(path string, list []wire.Label) error {
	var b strings.Builder
	err := sheet.Page(&b, c.text, list, time.Now())
	if err == nil {
		err = os.WriteFile(path, []byte(b.String()), 0o600)
	}
	if err != nil {
		return wire.Refuse(0, "kit.file", "error", err.Error())
	}
	return c.say("label.printed", "path", path)
}

// looking is how long a look at the doors of a thing may take.
const looking = 2 * time.Minute

func (r *room) labelCheck() *cobra.Command {
	var yes, withdraw bool
	check := r.command("check NAME", cobra.ExactArgs(1), func(c *call, args []string) error {
		ctx, cancel := context.WithTimeout(c.ctx, looking)
		defer cancel()
		l, err := c.hub.CheckLabel(ctx, args[0], wire.LabelCheck{Consent: yes, Withdraw: withdraw})
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(l)
		}
		return sheet.Text(c.out, c.text, l)
	})
	check.Short = r.text.Text("command.label.check", nil)
	check.Long = check.Short + ".\n\n" + r.text.Text("label.consent.ask", nil)
	check.Flags().BoolVar(&yes, "yes", false, r.text.Text("flag.agree", nil))
	check.Flags().BoolVar(&withdraw, "withdraw", false, r.text.Text("flag.withdraw", nil))
	check.MarkFlagsMutuallyExclusive("yes", "withdraw")
	return check
}

func (r *room) labelOffline() *cobra.Command {
	offline := r.command("offline NAME start|finish|cancel", cobra.ExactArgs(2), func(c *call, args []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		l, err := c.hub.TestOffline(ctx, args[0], wire.LabelOffline{Step: args[1]})
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(l)
		}
		if l.Offline != nil {
			return c.say("label.offline.runs", "name", l.Name)
		}
		return sheet.Text(c.out, c.text, l)
	})
	offline.Short = r.text.Text("command.label.offline", nil)
	return offline
}

// labelFacts judges a signed list without a hub.
func (r *room) labelFacts() *cobra.Command {
	verify := r.command("verify FILE", cobra.ExactArgs(1), func(c *call, args []string) error {
		raw, err := os.ReadFile(args[0])
		if err != nil {
			return wire.Refuse(0, "kit.file", "error", err.Error())
		}
		f, err := facts.Parse(raw, facts.ReleaseKey())
		if err != nil {
			return wire.Refuse(0, "label.facts.bad", "path", args[0])
		}
		if c.json {
			return c.printJSON(f)
		}
		return c.say("label.facts.good", "made", string(f.Made), "expires", string(f.Expires), "makers", fmt.Sprint(len(f.Makers)))
	})
	verify.Short = r.text.Text("command.label.facts.verify", nil)
	group := r.group("facts", verify)
	group.Short = r.text.Text("command.label.facts", nil)
	return group
}
