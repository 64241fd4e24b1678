package server

import (
	"context"
	"net/http"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// longest is how far apart the ends of a history may be.
const longest = 366 * 24 * time.Hour

func (a *api) past() {
	type ask struct {
		ID     string    `path:"id" maxLength:"64"`
		Trait  string    `query:"trait" required:"true" maxLength:"64"`
		From   time.Time `query:"from" required:"true" doc:"the first moment (RFC 3339)"`
		To     time.Time `query:"to" required:"true" doc:"the moment after the last"`
		Points int       `query:"points" minimum:"1" maximum:"2000" default:"2000" doc:"at most so many; neighbours are joined"`
	}
	add(a, route{"history", "GET", "/accessories/{id}/history", Member, nil, 0, "What is kept of one trait of a thing between two times; of where people are for guardians only"},
		func(ctx context.Context, in *ask) (*answer[wire.History], error) {
			t, known := trait.Lookup(in.Trait)
			switch span := in.To.Sub(in.From); {
			case !known:
				return nil, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeTrait, "trait", in.Trait)
			case t.Class() > callerOf(ctx).cleared():
				return nil, wire.Refuse(http.StatusForbidden, wire.CodeForbidden)
			case span <= 0 || span > longest || !sane(in.From) || !sane(in.To):
				return nil, wire.Refuse(http.StatusUnprocessableEntity, wire.CodeInvalid)
			}
			h, err := a.Hub.History(ctx, in.ID, in.Trait, in.From.UTC(), in.To.UTC(), in.Points)
			if err != nil {
				return nil, err
			}
			h.Points = full(h.Points)
			return &answer[wire.History]{h}, nil
		})
}

// sane says whether the store can tell the moment in nanoseconds.
func sane(t time.Time) bool { return t.Year() >= 1970 && t.Year() < 2200 }
