package server

import (
	"context"

	"github.com/ingle-home/ingle/hub/api/wire"
)

func (a *api) place() {
	type move struct {
		ID   string `path:"id" maxLength:"64"`
		Body wire.Placement
	}
	add(a, route{"place-accessory", "POST", "/accessories/{id}/homekit", Owner, nil, 0, "Say which HomeKit server shows a thing"},
		func(ctx context.Context, in *move) (*answer[wire.Accessory], error) {
			moved, err := a.Hub.Place(ctx, in.ID, in.Body)
			return &answer[wire.Accessory]{moved}, err
		})
}
