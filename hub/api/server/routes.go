package server

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ingle-home/ingle/hub/api/server/fresh"
	"github.com/ingle-home/ingle/hub/api/wire"
)

type named struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *api) door() {
	always := []wire.State{wire.Open, wire.Locked, wire.Unclaimed}
	add(a, route{"status", "GET", "/status", Public, always, 0, "The hub's state; the rest for the owner only"},
		func(ctx context.Context, _ *none) (*answer[wire.Status], error) {
			s := a.Hub.Status(ctx)
			return &answer[wire.Status]{statusFor(callerOf(ctx), s)}, nil
		})
	add(a, route{"setup", "POST", "/setup", Owner, []wire.State{wire.Unclaimed}, 0, "Claim a hub; the recovery code is shown once"},
		func(ctx context.Context, in *answer[wire.SetupRequest]) (*answer[wire.SetupAnswer], error) {
			s, err := a.Hub.Setup(ctx, in.Body)
			return &answer[wire.SetupAnswer]{s}, err
		})
	add(a, route{"unlock", "POST", "/unlock", Owner, []wire.State{wire.Locked, wire.Open}, http.StatusNoContent, "Open the store; of an open one, prove the password for what takes it again within five minutes"},
		func(ctx context.Context, in *answer[wire.UnlockRequest]) (*none, error) {
			round := a.Shared.proofs.now()
			err := a.Hub.Unlock(ctx, in.Body)
			if err == nil {
				a.Shared.proofs.note(AppOf(ctx).ID, round)
			}
			return &none{}, err
		})
}

func (a *api) rooms() {
	add(a, route{"list-accessories", "GET", "/accessories", Guest, nil, 0, "All accessories that the caller may see"},
		func(ctx context.Context, _ *none) (*answer[[]wire.Accessory], error) {
			list, err := a.Hub.Accessories(ctx)
			return &answer[[]wire.Accessory]{accessoriesFor(callerOf(ctx), list)}, err
		})
	add(a, route{"add-accessory", "POST", "/accessories", Owner, nil, http.StatusCreated, "Bring a thing into the home"},
		func(ctx context.Context, in *answer[wire.AddRequest]) (*answer[wire.Accessory], error) {
			made, err := a.Hub.Add(ctx, in.Body)
			return &answer[wire.Accessory]{made}, err
		})
	add(a, route{"remove-accessory", "DELETE", "/accessories/{id}", Owner, nil, http.StatusNoContent, "Take a thing out of the home"},
		func(ctx context.Context, in *named) (*none, error) {
			return &none{}, a.Hub.Remove(ctx, in.ID)
		})
	a.aboutThings()
	type change struct {
		ID      string `path:"id" maxLength:"64"`
		IfMatch string `header:"If-Match" maxLength:"256" doc:"the ETag of what people decided about it (about): then it is changed only if nobody else has"`
		Body    wire.ChangeRequest
	}
	add(a, route{"change-accessory", "POST", "/accessories/{id}", Owner, nil, 0, "Give a thing another name, room, address or login, or try it again"},
		func(ctx context.Context, in *change) (*answer[wire.Accessory], error) {
			changed, err := changing(ctx, a, in.ID, in.IfMatch, func() (wire.Accessory, error) { return a.Hub.Change(ctx, in.ID, in.Body) })
			return &answer[wire.Accessory]{changed}, err
		})
	type order struct {
		ID   string `path:"id" maxLength:"64"`
		Body wire.Do
	}
	add(a, route{"do", "POST", "/accessories/{id}/do", Member, nil, http.StatusNoContent, "Have a thing obey; answers when it has"},
		func(ctx context.Context, in *order) (*none, error) {
			return &none{}, a.Hub.Do(ctx, in.ID, in.Body)
		})
	a.place()
}

// aboutThings tells what people decided about a thing, with the tag that a change may name.
func (a *api) aboutThings() {
	type tagged struct {
		ETag string `header:"ETag"`
		Body wire.About
	}
	add(a, route{"show-accessory", "GET", "/accessories/{id}/about", Guest, nil, 0, "What people decided about a thing; its ETag guards a change of it"},
		func(ctx context.Context, in *named) (*tagged, error) {
			now, err := a.about(ctx, in.ID)
			return &tagged{tagOf(now), now}, err
		})
}

// tagOf is the entity tag of what people decided about a thing.
func tagOf(a wire.About) string {
	raw, err := json.Marshal(a)
	if err != nil {
		return "" // it is made of texts and switches: it cannot fail
	}
	return fresh.Tag(raw)
}

func (a *api) place() {
	type move struct {
		ID      string `path:"id" maxLength:"64"`
		IfMatch string `header:"If-Match" maxLength:"256" doc:"the ETag of what people decided about it (about): then it is changed only if nobody else has"`
		Body    wire.Placement
	}
	add(a, route{"place-accessory", "POST", "/accessories/{id}/homekit", Owner, nil, 0, "Say which HomeKit server shows a thing"},
		func(ctx context.Context, in *move) (*answer[wire.Accessory], error) {
			moved, err := changing(ctx, a, in.ID, in.IfMatch, func() (wire.Accessory, error) { return a.Hub.Place(ctx, in.ID, in.Body) })
			return &answer[wire.Accessory]{moved}, err
		})
}

func (a *api) family() {
	add(a, route{"list-people", "GET", "/people", Member, nil, 0, "Who lives here"},
		func(ctx context.Context, _ *none) (*answer[[]wire.Person], error) {
			list, err := a.Hub.People(ctx)
			return &answer[[]wire.Person]{full(list)}, err
		})
	add(a, route{"add-person", "POST", "/people", Owner, nil, http.StatusCreated, "Add a person"},
		func(ctx context.Context, in *answer[wire.Person]) (*answer[wire.Person], error) {
			made, err := a.Hub.AddPerson(ctx, in.Body)
			return &answer[wire.Person]{made}, err
		})
	add(a, route{"list-zones", "GET", "/zones", Guardian, nil, 0, "The places that matter, with their coordinates"},
		func(ctx context.Context, _ *none) (*answer[[]wire.Zone], error) {
			list, err := a.Hub.Zones(ctx)
			return &answer[[]wire.Zone]{full(list)}, err
		})
	add(a, route{"add-zone", "POST", "/zones", Owner, nil, http.StatusCreated, "Add a place"},
		func(ctx context.Context, in *answer[wire.Zone]) (*answer[wire.Zone], error) {
			made, err := a.Hub.AddZone(ctx, in.Body)
			return &answer[wire.Zone]{made}, err
		})
	add(a, route{"list-troubles", "GET", "/troubles", Member, nil, 0, "What is wrong, the most severe first"},
		func(ctx context.Context, _ *none) (*answer[[]wire.Trouble], error) {
			list, err := a.Hub.Troubles(ctx)
			if err != nil {
				return nil, err
			}
			things, err := a.Hub.Accessories(ctx)
			caller := callerOf(ctx)
			return &answer[[]wire.Trouble]{troublesFor(caller, shownOf(caller, things), list)}, err
		})
}

func (a *api) homekit() {
	add(a, route{"list-homekit", "GET", "/homekit", Owner, nil, 0, "The HomeKit servers, with their setup codes"},
		func(ctx context.Context, _ *none) (*answer[[]wire.HomeKit], error) {
			list, err := a.Hub.HomeKit(ctx)
			return &answer[[]wire.HomeKit]{full(list)}, err
		})
	add(a, route{"new-code", "POST", "/homekit/{id}/code", Owner, nil, 0, "Draw a new setup code; the old one pairs nobody any more"},
		func(ctx context.Context, in *named) (*answer[wire.HomeKit], error) {
			s, err := a.Hub.NewCode(ctx, in.ID)
			return &answer[wire.HomeKit]{s}, err
		})
	add(a, route{"unpair", "DELETE", "/homekit/{id}/pairings", Owner, nil, http.StatusNoContent, "Forget all controllers of a server"},
		func(ctx context.Context, in *named) (*none, error) {
			return &none{}, a.Hub.Unpair(ctx, in.ID)
		})
	type order struct {
		ID   string `path:"id" maxLength:"64"`
		Body wire.ArmRequest
	}
	add(a, route{"arm", "POST", "/homekit/{id}/arm", Owner, nil, 0, "Have a private server answer for a while"},
		func(ctx context.Context, in *order) (*answer[wire.HomeKit], error) {
			s, err := a.Hub.Arm(ctx, in.ID, time.Duration(in.Body.Seconds)*time.Second)
			return &answer[wire.HomeKit]{s}, err
		})
	add(a, route{"disarm", "POST", "/homekit/{id}/disarm", Owner, nil, http.StatusNoContent, "Have a private server fall silent"},
		func(ctx context.Context, in *named) (*none, error) {
			return &none{}, a.Hub.Disarm(ctx, in.ID)
		})
}

// full keeps an empty list from becoming null.
func full[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func schemaOf[T any](doc *huma.OpenAPI) *huma.Schema {
	return doc.Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
}
