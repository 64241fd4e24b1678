package command

import (
	"net/http"

	"github.com/spf13/cobra"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// codeWhere says that there is no such HomeKit server to move a thing to.
const codeWhere = "homekit.where"

// placement is where a thing is shown, by the word for it.
func placement(word string) (wire.Placement, error) {
	switch word {
	case "bridge":
		return wire.Placement{}, nil
	case "alone":
		return wire.Placement{Alone: true}, nil
	case private:
		return wire.Placement{Private: true}, nil
	}
	return wire.Placement{}, wire.Refuse(http.StatusUnprocessableEntity, codeWhere, "where", word)
}

func (r *room) move() *cobra.Command {
	c := r.command("move NAME bridge|alone|private", cobra.ExactArgs(2), func(c *call, args []string) error {
		where, err := placement(args[1])
		if err != nil {
			return err
		}
		ctx, cancel := c.brief()
		defer cancel()
		moved, err := c.hub.Place(ctx, args[0], where)
		if err != nil {
			return err
		}
		if c.json {
			return c.printJSON(moved)
		}
		return c.say("homekit.moved."+args[1], "name", moved.Name)
	})
	c.Short = r.text.Text("command.homekit.move", nil)
	return c
}
