package server

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/ingle-home/ingle/hub/api/frames"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Cameras are what cameras do beside what all things do.
type Cameras interface {
	// Still is a JPEG of width by height pixels; 0 is any size. The last one there was, if need be.
	Still(ctx context.Context, id string, width, height int) (wire.Still, error)
	// Frames gives put JPEGs of what a camera sees, until ctx ends, put fails or there are none.
	Frames(ctx context.Context, id string, l wire.Look, put func(frames.Frame) error) error
	// SetCamera changes what the household decided about a camera.
	SetCamera(ctx context.Context, id string, r wire.CameraRequest) (wire.Accessory, error)
	// Secure gives a thing passwords of its own in place of its factory's.
	Secure(ctx context.Context, id string) error
}

// Finder looks for things that could be added.
type Finder interface {
	Find(ctx context.Context, duration time.Duration) ([]wire.Found, error)
}

func (a *api) cameras() {
	a.still()
	a.live()
	type change struct {
		ID      string `path:"id" maxLength:"64"`
		IfMatch string `header:"If-Match" maxLength:"256" doc:"the ETag of what people decided about it (about): then it is changed only if nobody else has"`
		Body    wire.CameraRequest
	}
	add(a, route{"set-camera", "POST", "/accessories/{id}/camera", Owner, nil, 0, "Say whether a camera may be heard, and whether motion is looked for in its pictures"},
		func(ctx context.Context, in *change) (*answer[wire.Accessory], error) {
			changed, err := changing(ctx, a, in.ID, in.IfMatch, func() (wire.Accessory, error) { return a.Hub.SetCamera(ctx, in.ID, in.Body) })
			return &answer[wire.Accessory]{changed}, err
		})
	add(a, route{"secure", "POST", "/accessories/{id}/secure", Owner, nil, http.StatusNoContent, "Give a thing passwords of its own in place of its factory's"},
		func(ctx context.Context, in *named) (*none, error) {
			return &none{}, a.Hub.Secure(ctx, in.ID)
		})
	type search struct {
		Seconds int `query:"seconds" minimum:"1" maximum:"20" default:"4"`
	}
	add(a, route{"find", "GET", "/find", Owner, nil, 0, "Look for things on the network; answers when the time is over"},
		func(ctx context.Context, in *search) (*answer[[]wire.Found], error) {
			list, err := a.Hub.Find(ctx, time.Duration(in.Seconds)*time.Second)
			return &answer[[]wire.Found]{full(list)}, err
		})
}

func (a *api) still() {
	type ask struct {
		ID     string `path:"id" maxLength:"64"`
		Width  int    `query:"width" minimum:"0" maximum:"4096" doc:"pixels, 0 is any"`
		Height int    `query:"height" minimum:"0" maximum:"4096" doc:"pixels, 0 is any"`
	}
	type picture struct {
		ContentType  string `header:"Content-Type"`
		CacheControl string `header:"Cache-Control"`
		LastModified string `header:"Last-Modified"`
		Age          string `header:"Age" doc:"seconds since the picture was taken; over 10, it is not what is to be seen now"`
		Body         []byte
	}
	r := route{"still", "GET", "/accessories/{id}/still", Member, nil, 0, "The newest picture of a camera as JPEG, with its age"}
	add(a, r, func(ctx context.Context, in *ask) (*picture, error) {
		s, err := a.Hub.Still(ctx, in.ID, in.Width, in.Height)
		age := max(0, int(time.Since(s.At)/time.Second))
		return &picture{"image/jpeg", "no-store", s.At.UTC().Format(http.TimeFormat), strconv.Itoa(age), s.JPEG}, err
	})
	a.sends(r, "image/jpeg")
}

func (a *api) live() {
	type ask struct {
		ID     string `path:"id" maxLength:"64"`
		Width  int    `query:"width" minimum:"16" maximum:"1920" default:"640" doc:"pixels, at most"`
		Height int    `query:"height" minimum:"16" maximum:"1920" default:"360" doc:"pixels, at most"`
		Rate   int    `query:"rate" minimum:"1" maximum:"15" default:"10" doc:"pictures a second, about"`
	}
	r := route{"frames", "GET", "/accessories/{id}/frames", Member, nil, 0, "What a camera sees, as JPEG pictures that follow one another, until the reader goes"}
	add(a, r, func(_ context.Context, in *ask) (*huma.StreamResponse, error) {
		return a.moving(r, func(ctx context.Context, put func(frames.Frame) error) error {
			return a.Hub.Frames(ctx, in.ID, wire.Look{Width: in.Width, Height: in.Height, Rate: in.Rate}, put)
		}), nil
	})
	a.sends(r, "multipart/x-mixed-replace")
}

// moving answers with pictures as they come. As long as there was none a refusal can be told.
func (a *api) moving(r route, show func(ctx context.Context, put func(frames.Frame) error) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(c huma.Context) {
		_, w := humago.Unwrap(c)
		to := frames.NewWriter(w)
		look := lookOf(c.Context())
		err := show(c.Context(), func(f frames.Frame) error {
			look.begin() // only once there is something to be seen
			return to.Put(f)
		})
		var p *wire.Problem
		switch {
		case err == nil && to.Begun(), c.Context().Err() != nil:
		case to.Begun():
			a.Log.Warn("moving pictures ended", "route", r.id, "err", err)
		case err == nil:
			write(w, wire.Refuse(http.StatusNotFound, wire.CodeNoPicture))
		case errors.As(a.told(r.id, err), &p):
			write(w, p)
		}
	}}
}

// Labels say how safe things are. A thing is named by its ID or name; wire.HubLabel is the hub itself.
type Labels interface {
	Labels(ctx context.Context) ([]wire.Label, error)
	Label(ctx context.Context, id string) (wire.Label, error)
	// Check looks at a thing's doors, which takes some twenty seconds, once a day.
	Check(ctx context.Context, id string, c wire.LabelCheck) (wire.Label, error)
	Offline(ctx context.Context, id string, o wire.LabelOffline) (wire.Label, error)
}

func (a *api) labels() {
	add(a, route{"list-labels", "GET", "/labels", Member, nil, 0, "How safe the hub and all things are that the caller may see"},
		func(ctx context.Context, _ *none) (*answer[[]wire.Label], error) {
			list, err := a.Hub.Labels().Labels(ctx)
			if err != nil {
				return nil, err
			}
			things, err := a.Hub.Accessories(ctx)
			shown := shownOf(callerOf(ctx), things)
			return &answer[[]wire.Label]{slices.DeleteFunc(full(list), func(l wire.Label) bool { return l.Device != wire.HubLabel && !shown[l.Device] })}, err
		})
	add(a, route{"show-label", "GET", "/accessories/{id}/label", Member, nil, 0, "How safe a thing is, line by line, and how that is known; the ID hub is the hub"},
		func(ctx context.Context, in *named) (*answer[wire.Label], error) {
			l, err := a.Hub.Labels().Label(ctx, in.ID)
			return &answer[wire.Label]{l}, err
		})
	type check struct {
		ID   string `path:"id" maxLength:"64"`
		Body wire.LabelCheck
	}
	add(a, route{"check-label", "POST", "/accessories/{id}/label/check", Owner, nil, 0, "Look at a thing's doors: once a day, with at most 20 packets, without a login"},
		func(ctx context.Context, in *check) (*answer[wire.Label], error) {
			l, err := a.Hub.Labels().Check(ctx, in.ID, in.Body)
			return &answer[wire.Label]{l}, err
		})
	type test struct {
		ID   string `path:"id" maxLength:"64"`
		Body wire.LabelOffline
	}
	add(a, route{"test-offline", "POST", "/accessories/{id}/label/offline", Owner, nil, 0, "Begin or end the test whether a thing works without the internet"},
		func(ctx context.Context, in *test) (*answer[wire.Label], error) {
			l, err := a.Hub.Labels().Offline(ctx, in.ID, in.Body)
			return &answer[wire.Label]{l}, err
		})
}
