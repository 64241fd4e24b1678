package command

import (
	"context"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// tellTime is the time between two lines about how far long work is.
const tellTime = 2 * time.Second

func (r *room) backup() *cobra.Command {
	media := false
	backup := r.command("backup PATH", cobra.ExactArgs(1), func(c *call, args []string) error {
		path, err := filepath.Abs(args[0])
		if err != nil {
			return wire.Refuse(0, "backup.path", "path", args[0])
		}
		far := func(ctx context.Context) (done, of int64, err error) {
			s, err := c.hub.Backups(ctx)
			return s.Done, s.Of, err
		}
		made, err := watched(c, far, func(ctx context.Context) (wire.Backup, error) {
			return c.hub.Backup(ctx, wire.BackupRequest{Path: path, Media: media})
		})
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(made)
		}
		return c.say("backup.done", "path", made.Path, "size", c.text.Size(made.Size))
	})
	backup.Flags().BoolVar(&media, "media", false, r.text.Text("flag.media", nil))
	backup.AddCommand(r.backupSchedule())
	return backup
}

// progress asks how much of how much is done.
type progress func(context.Context) (done, of int64, err error)

// watched runs do and says meanwhile how far it is.
func watched[T any](c *call, far progress, do func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithCancel(c.ctx)
	var telling sync.WaitGroup
	defer telling.Wait()
	defer cancel() // before the wait
	if !c.json {
		telling.Go(func() { c.tellProgress(ctx, far) })
	}
	return do(ctx)
}

func (c *call) tellProgress(ctx context.Context, far progress) {
	tick := time.NewTicker(tellTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if done, of, err := far(ctx); err == nil && of > 0 {
			_ = c.say("backup.progress", "percent", strconv.FormatInt(min(100, 100*done/of), 10)) // nobody reads it then
		}
	}
}

func (r *room) backupSchedule() *cobra.Command {
	var q wire.BackupSchedule
	schedule := r.command("schedule [FOLDER|off]", cobra.MaximumNArgs(1), func(c *call, args []string) (err error) {
		ctx, cancel := c.brief()
		defer cancel()
		var s wire.BackupStatus
		switch {
		case len(args) == 0:
			s, err = c.hub.Backups(ctx)
		case args[0] == wire.BackupOff:
			s, err = c.hub.ScheduleBackups(ctx, wire.BackupSchedule{Every: wire.BackupOff})
		case q.Every != wire.BackupDay && q.Every != wire.BackupWeek:
			err = wire.Refuse(0, codeEvery, "every", q.Every)
		default:
			if q.Folder, err = filepath.Abs(args[0]); err == nil {
				s, err = c.hub.ScheduleBackups(ctx, q)
			}
		}
		if err != nil {
			return err
		}
		return c.sayBackups(s)
	})
	schedule.Short = r.text.Text("command.backup.schedule", nil)
	f := schedule.Flags()
	f.StringVar(&q.Every, "every", wire.BackupDay, r.text.Text("flag.every", nil))
	f.IntVar(&q.Keep, "keep", 7, r.text.Text("flag.keep", nil))
	f.BoolVar(&q.Media, "media", false, r.text.Text("flag.media", nil))
	return schedule
}

func (c *call) sayBackups(s wire.BackupStatus) error {
	if c.json {
		return c.printJSON(s)
	}
	err := c.say("backup.every."+s.Schedule.Every, "folder", s.Schedule.Folder, "keep", strconv.Itoa(s.Schedule.Keep))
	if err == nil && s.Last != nil {
		err = c.say("backup.last", "path", s.Last.Path, "date", s.Last.Made.Local().Format("2006-01-02 15:04"), "size", c.text.Size(s.Last.Size))
	}
	return err
}

func (r *room) export() *cobra.Command {
	person := ""
	export := r.withPassword("export PATH", cobra.ExactArgs(1), func(c *call, password string, args []string) error {
		path, err := filepath.Abs(args[0])
		if err != nil {
			return wire.Refuse(0, "backup.path", "path", args[0])
		}
		if !c.json {
			if err := c.say("export.clear"); err != nil {
				return err
			}
		}
		made, err := c.exported(wire.ExportRequest{Password: password, Path: path, Person: person, Language: c.text.Lang()})
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(made)
		}
		return c.say("export.done", "path", made.Path, "size", c.text.Size(made.Size), "readings", strconv.Itoa(made.Readings), "clips", strconv.Itoa(made.Clips))
	})
	export.Long = r.text.Text("command.export", nil) + ".\n\n" + r.text.Text("export.clear", nil)
	export.Flags().StringVar(&person, "person", "", r.text.Text("flag.only-person", nil))
	return export
}

// exported makes the export and says meanwhile how far it is.
func (c *call) exported(q wire.ExportRequest) (wire.Export, error) {
	far := func(ctx context.Context) (done, of int64, err error) {
		s, err := c.hub.Exporting(ctx)
		return s.Done, s.Of, err
	}
	return watched(c, far, func(ctx context.Context) (wire.Export, error) { return c.hub.Export(ctx, q) })
}
