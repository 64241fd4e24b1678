package command

import (
	"context"
	"path/filepath"
	"strconv"

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
		return c.say("export.done", "path", made.Path, "size", Size(made.Size), "readings", strconv.Itoa(made.Readings))
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
