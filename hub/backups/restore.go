package backups

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/command"
	"github.com/ingle-home/ingle/hub/command/typed"
	"github.com/ingle-home/ingle/i18n"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/backup"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// restoring is one run of hub restore, which works without a hub and lets none run.
type restoring struct {
	text             *i18n.Texts
	dir              string
	out              io.Writer
	yes, stdin, json bool
	back             bool  // to what an earlier one replaced
	told             int64 // the tenth of the way that was told last
}

// RestoreCommand is hub restore. Without --yes it only says what is in the backup and
// what it would replace.
func RestoreCommand(text *i18n.Texts) *cobra.Command {
	r := &restoring{}
	c := &cobra.Command{
		Use: "restore FILE", Short: text.Text("command.restore", nil), Long: text.Text("command.restore.long", nil),
		Args: func(c *cobra.Command, args []string) error {
			if r.back {
				return cobra.NoArgs(c, args)
			}
			return cobra.ExactArgs(1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			r.out, r.text = c.OutOrStdout(), command.At(text, r.dir)
			if r.back {
				return r.undo()
			}
			if !r.stdin && !typed.Terminal(c.InOrStdin()) {
				return wire.Refuse(0, "command.secret", "flag", "--recovery-code-stdin")
			}
			secret, err := typed.Read(c.Context(), c.InOrStdin(), c.ErrOrStderr(), r.text.Text("restore.type", nil))
			if err != nil {
				return wire.Refuse(0, "command.stdin", "error", err.Error())
			}
			return r.run(c.Context(), args[0], secret)
		},
	}
	f := c.Flags()
	f.StringVar(&r.dir, "data", client.DefaultDir(), text.Text("flag.data", nil))
	f.BoolVar(&r.stdin, "recovery-code-stdin", false, text.Text("flag.recovery-code-stdin", nil))
	f.BoolVar(&r.json, "json", false, text.Text("flag.json", nil))
	f.BoolVar(&r.yes, "yes", false, text.Text("flag.yes", nil))
	f.BoolVar(&r.back, "undo", false, text.Text("flag.undo", nil))
	return c
}

func (r *restoring) run(ctx context.Context, path, secret string) (err error) {
	lock, err := storage.Acquire(r.dir)
	if err != nil {
		return r.problem(err, path)
	}
	defer lock.Release()
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return r.folder(path)
	}
	b, err := backup.Open(path, r.dir, secret)
	if err != nil {
		return r.problem(err, path)
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	found := b.Replaces()
	r.show(b, found)
	if !r.yes && found != nil {
		return wire.Refuse(0, "command.yes")
	}
	if err := b.Restore(ctx, r.progress); err != nil {
		return r.problem(err, path)
	}
	r.say("restore.done", nil)
	r.say("restore.forgot", nil)
	if found != nil {
		r.say("restore.kept", nil)
	}
	r.say("restore.then", nil)
	if r.json {
		return json.NewEncoder(r.out).Encode(answer{b.Contents, found})
	}
	return nil
}

// folder refuses a folder in place of a file, and says which is its newest backup.
func (r *restoring) folder(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return r.problem(err, path)
	}
	newest := ""
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) && (newest == "" || stampOf(e.Name()) > stampOf(newest)) {
			newest = e.Name()
		}
	}
	if newest == "" {
		return wire.Refuse(0, "restore.none", "path", path)
	}
	return wire.Refuse(0, "restore.folder", "path", path, "newest", command.Quoted(filepath.Join(path, newest)))
}

// stampOf is the date in a backup's name; one without counts as old.
func stampOf(name string) string {
	name = strings.TrimSuffix(name, suffix)
	at := name[strings.LastIndex(name, "-")+1:]
	if _, err := time.Parse(stamp, at); err != nil {
		return ""
	}
	return at
}

// answer is what --json prints once the backup is restored.
type answer struct {
	backup.Contents
	Replaced *backup.Replaced `json:"replaced,omitempty"`
}

// show says what is in the backup and what it replaces.
func (r *restoring) show(b *backup.Backup, old *backup.Replaced) {
	r.say("restore.is", i18n.Args{"date": date(b.Made), "machine": b.Machine, "version": b.Hub,
		"size": r.text.Size(b.Databases)})
	if b.Recordings > 0 {
		r.say("restore.media", i18n.Args{"size": r.text.Size(b.Media), "recordings": strconv.Itoa(b.Recordings)})
	}
	r.say("restore.returns", nil)
	if old == nil {
		r.say("restore.empty", i18n.Args{"dir": r.dir})
		return
	}
	key := "restore.replaces.other"
	if old.SameHome {
		key = "restore.replaces"
	}
	r.say(key, i18n.Args{"dir": r.dir, "date": date(old.Changed), "size": r.text.Size(old.Databases)})
	r.dropping()
}

// say prints a line for people.
func (r *restoring) say(key string, args i18n.Args) {
	if !r.json {
		fmt.Fprintln(r.out, r.text.Text(key, args))
	}
}

// progress tells every tenth of the way.
func (r *restoring) progress(done, of int64) {
	if of == 0 {
		return
	}
	if tenth := min(10, 10*done/of); tenth > r.told {
		r.told = tenth
		r.say("restore.progress", i18n.Args{"percent": strconv.FormatInt(10*tenth, 10)})
	}
}

// problem puts an error of a restore into words that have a next step.
func (r *restoring) problem(err error, path string) error {
	for _, known := range []struct {
		err  error
		code string
	}{
		{storage.ErrInUse, "serve.in-use"},
		{vault.ErrWrong, "restore.secret"},
		{backup.ErrNotBackup, "restore.other"},
		{backup.ErrDamaged, "restore.damaged"},
		{records.ErrDamaged, "restore.damaged"},
		{backup.ErrUnopened, "restore.unopened"},
		{backup.ErrNothing, "restore.nothing"},
		{fs.ErrNotExist, "restore.missing"},
		{storage.ErrFull, "hub.full"},
		{context.Canceled, "restore.ended"},
	} {
		if errors.Is(err, known.err) {
			return fmt.Errorf("%w: %w", wire.Refuse(0, known.code, "path", path, "dir", r.dir), err)
		}
	}
	return err
}
