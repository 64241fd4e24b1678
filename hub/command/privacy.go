package command

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/privacy/receipt"
)

const (
	codeTime    = "command.time"
	codeReceipt = "receipt.file"

	maxReceipt = 1 << 20
)

func (r *room) privacy() *cobra.Command {
	rotate := r.withPassword("rotate", cobra.NoArgs, func(c *call, password string, _ []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		if err := c.hub.Rotate(ctx, password); err != nil {
			return err
		}
		return c.done("rotate.done", struct{}{})
	})
	rotate.Short = r.text.Text("command.privacy.rotate", nil)
	return r.group("privacy", r.inventory(), r.export(), r.forgetting(), r.receipts(), r.receipt(), r.retention(), r.consents(), r.pause(), rotate)
}

// scopeFlags are the flags that say what is meant.
type scopeFlags struct {
	wire.PrivacyScope
	since, until string
}

func (f *scopeFlags) on(r *room, c *cobra.Command) {
	f.onWhom(r, c)
	flags := c.Flags()
	flags.StringVar(&f.since, "since", "", r.text.Text("flag.since", nil))
	flags.StringVar(&f.until, "until", "", r.text.Text("flag.until", nil))
	flags.BoolVar(&f.Everything, "everything", false, r.text.Text("flag.everything", nil))
}

func (f *scopeFlags) onWhom(r *room, c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.Person, "person", "", r.text.Text("flag.of-person", nil))
	flags.StringVar(&f.Device, "device", "", r.text.Text("flag.of-device", nil))
	flags.StringVar(&f.Category, "category", "", r.text.Text("flag.of-category", nil))
}

// scope reads the times: a day, or RFC 3339.
func (f *scopeFlags) scope() (wire.PrivacyScope, error) {
	for _, one := range []struct {
		text string
		to   **time.Time
	}{{f.since, &f.Since}, {f.until, &f.Until}} {
		if one.text == "" {
			continue
		}
		t, err := time.ParseInLocation(time.DateOnly, one.text, time.Local)
		if err != nil {
			t, err = time.Parse(time.RFC3339, one.text)
		}
		if err != nil {
			return f.PrivacyScope, wire.Refuse(0, codeTime, "time", one.text)
		}
		t = t.UTC()
		*one.to = &t
	}
	return f.PrivacyScope, nil
}

func (r *room) inventory() *cobra.Command {
	var f scopeFlags
	where := ""
	c := r.command("inventory", cobra.NoArgs, func(c *call, _ []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		list, err := c.hub.PrivacyInventory(ctx, f.PrivacyScope, where)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(list)
		}
		people, err := c.hub.People(ctx)
		if err != nil {
			return err
		}
		things, err := c.hub.Accessories(ctx)
		if err != nil {
			return err
		}
		names := map[string]string{}
		for _, p := range people {
			names[p.ID] = p.Name
		}
		for _, a := range things {
			names[a.ID] = a.Name
		}
		return c.printInventory(list, names)
	})
	c.Short = r.text.Text("command.privacy.inventory", nil)
	f.onWhom(r, c)
	c.Flags().StringVar(&where, "room", "", r.text.Text("flag.in-room", nil))
	return c
}

func (c *call) printInventory(list []wire.PrivacyItem, names map[string]string) error {
	w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
	for _, i := range list {
		oldest, until := "", ""
		if i.Oldest != nil {
			oldest = i.Oldest.Local().Format(time.DateOnly)
		}
		if i.Until != nil {
			until = i.Until.Local().Format(time.DateOnly)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", c.text.Text("privacy.kind."+i.Kind, nil), names[i.Person], names[i.Device],
			c.text.Text("privacy.where."+i.Where, nil), i.Count, c.text.Size(i.Bytes), oldest, until)
	}
	return w.Flush()
}

func (r *room) forgetting() *cobra.Command {
	var f scopeFlags
	var yes, given, lost bool
	path := ""
	c := r.command("forget", cobra.NoArgs, func(c *call, _ []string) error {
		s, err := f.scope()
		if err != nil {
			return err
		}
		if !yes {
			return c.planned(s)
		}
		if lost {
			return c.wiped(s, path)
		}
		if err := c.mustRead(given, "--password-stdin"); err != nil {
			return err
		}
		password, err := c.secret("ask.password")
		if err != nil {
			return err
		}
		q := wire.ForgetRequest{PrivacyScope: s, Password: password}
		if s.Everything {
			q.Word = wire.ForgetWord
		}
		got, err := c.hub.Forget(c.ctx, q)
		if err != nil {
			return err
		}
		return c.handOver(got, path)
	})
	c.Short = r.text.Text("command.privacy.forget", nil)
	f.on(r, c)
	c.Flags().BoolVar(&yes, "yes", false, r.text.Text("flag.yes-forget", nil))
	c.Flags().BoolVar(&given, "password-stdin", false, r.text.Text("flag.password-stdin", nil))
	c.Flags().BoolVar(&lost, "lost-password", false, r.text.Text("flag.lost-password", nil))
	c.Flags().StringVar(&path, "receipt", "", r.text.Text("flag.receipt", nil))
	return c
}

// planned shows what would be done, and that nothing was.
func (c *call) planned(s wire.PrivacyScope) error {
	ctx, cancel := c.brief()
	defer cancel()
	p, err := c.hub.PlanForgetting(ctx, s)
	if err != nil {
		return err
	}
	if c.json {
		return c.printJSON(p)
	}
	w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
	for _, step := range p.Steps {
		why := ""
		if step.Why != "" {
			why = c.text.Text(step.Why, nil)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", c.text.Text("privacy.holder."+step.Holder, nil), c.text.Text("privacy.expect."+step.Expect, nil), step.Count, c.text.Size(step.Bytes), why)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return c.say("privacy.planned")
}

// wiped forgets everything without the password.
func (c *call) wiped(s wire.PrivacyScope, path string) error {
	if s != (wire.PrivacyScope{Everything: true}) { // it would take more than was said
		return wire.Refuse(0, wire.CodeScope)
	}
	got, err := c.hub.Wipe(c.ctx, wire.WipeRequest{Word: wire.ForgetWord})
	if err != nil {
		return err
	}
	return c.handOver(got, path)
}

// handOver gives the receipt to whoever asked: into a file, with a page to read beside it.
func (c *call) handOver(got wire.PrivacyReceipt, path string) error {
	if path != "" {
		v, err := receipt.Verify([]byte(got.File))
		if err != nil {
			return wire.Refuse(0, err.Error())
		}
		page, err := receipt.Page(v, []byte(got.File), c.text)
		if err != nil {
			return err
		}
		beside := strings.TrimSuffix(path, filepath.Ext(path)) + ".html"
		for name, text := range map[string]string{path: got.File, beside: page} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				return wire.Refuse(0, codeReceipt, "path", name, "error", err.Error())
			}
		}
	}
	if c.json {
		return c.printJSON(got)
	}
	key := "privacy.forgotten"
	if !got.Done {
		key = "privacy.forgotten-waits"
	}
	return c.say(key, "id", got.ID)
}

func (r *room) receipts() *cobra.Command {
	c := r.command("receipts", cobra.NoArgs, func(c *call, _ []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		list, err := c.hub.Receipts(ctx)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(list)
		}
		w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
		for _, one := range list {
			state := "receipt.state.done"
			if !one.Done {
				state = "receipt.state.waiting"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", one.ID, one.Made.Local().Format("2006-01-02 15:04"), c.text.Text("privacy.scope."+one.Scope, nil), c.text.Text(state, nil))
		}
		return w.Flush()
	})
	c.Short = r.text.Text("command.privacy.receipts", nil)
	return c
}

func (r *room) receipt() *cobra.Command {
	verify := r.command("verify FILE", cobra.ExactArgs(1), func(c *call, args []string) error {
		f, err := os.Open(args[0])
		if err != nil {
			return wire.Refuse(0, codeReceipt, "path", args[0], "error", err.Error())
		}
		defer f.Close()
		raw, err := io.ReadAll(io.LimitReader(f, maxReceipt))
		if err != nil {
			return wire.Refuse(0, codeReceipt, "path", args[0], "error", err.Error())
		}
		v, err := receipt.Verify(raw)
		if err != nil {
			return wire.Refuse(0, err.Error())
		}
		if c.json {
			return c.printJSON(v)
		}
		return c.say("receipt.genuine", "id", v.ID, "made", v.Made.Local().Format("2006-01-02 15:04"), "pin", v.Pin)
	})
	verify.Short = r.text.Text("command.privacy.receipt.verify", nil)
	group := r.group("receipt", verify)
	group.Short = r.text.Text("command.privacy.receipt", nil)
	return group
}

func (r *room) retention() *cobra.Command {
	var rule wire.RetentionRule
	c := r.command("retention", cobra.NoArgs, func(c *call, _ []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		if rule.Category != "" {
			if err := c.hub.SetRetention(ctx, rule); err != nil {
				return err
			}
		}
		list, err := c.hub.Retention(ctx)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(list)
		}
		w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
		for _, one := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\n", c.text.Text("privacy.category."+one.Category, nil), one.Person, c.text.Count("privacy.days", one.Days))
		}
		return w.Flush()
	})
	c.Short = r.text.Text("command.privacy.retention", nil)
	c.Flags().StringVar(&rule.Category, "category", "", r.text.Text("flag.of-category", nil))
	c.Flags().StringVar(&rule.Person, "person", "", r.text.Text("flag.of-person", nil))
	c.Flags().IntVar(&rule.Days, "days", 7, r.text.Text("flag.days-kept", nil))
	return c
}

func (r *room) consents() *cobra.Command {
	var n wire.Consent
	back := false
	c := r.command("consents", cobra.NoArgs, func(c *call, _ []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		if n.Person != "" {
			n.Given = !back
			if err := c.hub.NoteConsent(ctx, n); err != nil {
				return err
			}
		}
		list, err := c.hub.Consents(ctx)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(list)
		}
		w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
		for _, one := range list {
			given := c.text.Text("privacy.consent."+strconv.FormatBool(one.Given), nil)
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", one.At.Local().Format("2006-01-02 15:04"), one.Person, one.What, one.Version, given)
		}
		return w.Flush()
	})
	c.Short = r.text.Text("command.privacy.consents", nil)
	c.Flags().StringVar(&n.Person, "person", "", r.text.Text("flag.of-person", nil))
	c.Flags().StringVar(&n.What, "what", "", r.text.Text("flag.consent-what", nil))
	c.Flags().StringVar(&n.Version, "version", "", r.text.Text("flag.consent-version", nil))
	c.Flags().BoolVar(&back, "withdraw", false, r.text.Text("flag.consent-withdraw", nil))
	return c
}

func (r *room) pause() *cobra.Command {
	off := false
	c := r.command("pause PERSON", cobra.ExactArgs(1), func(c *call, args []string) error {
		ctx, cancel := c.brief()
		defer cancel()
		if err := c.hub.PausePerson(ctx, wire.PausePerson{Person: args[0], Paused: !off}); err != nil {
			return err
		}
		return c.done("privacy.paused."+strconv.FormatBool(!off), struct{}{})
	})
	c.Short = r.text.Text("command.privacy.pause", nil)
	c.Flags().BoolVar(&off, "off", false, r.text.Text("flag.pause-off", nil))
	return c
}
