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
		return c.say("export.done", "path", made.Path, "size", size(made.Size), "readings", strconv.Itoa(made.Readings))
	})
	export.Long = r.text.Text("command.export", nil) + ".\n\n" + r.text.Text("export.clear", nil)
	export.Flags().StringVar(&person, "person", "", r.text.Text("flag.only-person", nil))
	return export
}

// exported makes the export and says meanwhile how far it is.
func (c *call) exported(q wire.ExportRequest) (wire.Export, error) {
	ctx, cancel := context.WithCancel(c.ctx)
	var telling sync.WaitGroup
	defer telling.Wait()
	defer cancel() // before the wait
	if !c.json {
		telling.Go(func() { c.tellExport(ctx) })
	}
	return c.hub.Export(ctx, q)
}

func (c *call) tellExport(ctx context.Context) {
	tick := time.NewTicker(tellTime)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s, err := c.hub.Exporting(ctx)
		if err == nil && s.Of > 0 {
			_ = c.say("backup.progress", "percent", strconv.FormatInt(min(100, 100*s.Done/s.Of), 10)) // nobody reads it then
		}
	}
}
