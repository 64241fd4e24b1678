package server

import (
	"context"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/ingle-home/ingle/hub/api/frames"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Clips are the recordings of the home's cameras. A camera is named by its ID or name, a clip by its ID
// or a beginning of it.
type Clips interface {
	// MaySee says whether an app that is not the owner's may see a camera's clips: the household can name
	// the persons for whom they are.
	MaySee(camera string, app wire.App) bool
	List(ctx context.Context, camera string) ([]wire.Clip, error)
	Show(ctx context.Context, id string) (wire.Clip, error)
	// Film opens a clip's film: fragmented MP4. It is closed when the caller has it.
	Film(ctx context.Context, id string) (io.ReadSeekCloser, error)
	// Frames gives put JPEGs of a clip from a time on, as fast as they were taken, until its end.
	Frames(ctx context.Context, id string, from time.Duration, l wire.Look, put func(frames.Frame) error) error
	Still(ctx context.Context, id string) ([]byte, error)
	Keep(ctx context.Context, id string, kept bool) (wire.Clip, error)
	Delete(ctx context.Context, id string) error
	// Export takes the password again. It returns when the file is whole and durable.
	Export(ctx context.Context, id string, r wire.ClipExportRequest) (wire.ClipExport, error)
	Rule(ctx context.Context, camera string) (wire.ClipRule, error)
	SetRule(ctx context.Context, camera string, r wire.ClipRule) (wire.ClipRule, error)
	// Record makes a clip of what a camera sees now.
	Record(ctx context.Context, camera string) error
}

func (a *api) clips() {
	type which struct {
		Camera string `query:"camera" maxLength:"256" doc:"of this one only"`
	}
	add(a, route{"list-clips", "GET", "/clips", Guest, nil, 0, "The recordings that the caller may see, the newest first"},
		func(ctx context.Context, in *which) (*answer[[]wire.Clip], error) {
			if callerOf(ctx) < Owner {
				if p := a.absent(ctx, in.Camera); p != nil {
					return nil, p
				}
			}
			list, err := a.Hub.Clips().List(ctx, in.Camera)
			list = slices.DeleteFunc(list, func(c wire.Clip) bool { return !a.maySee(ctx, c.Camera) })
			return &answer[[]wire.Clip]{full(list)}, err
		})
	add(a, route{"show-clip", "GET", "/clips/{id}/about", Guest, nil, 0, "What is known about a recording"},
		func(ctx context.Context, in *named) (*answer[wire.Clip], error) {
			c, err := a.clip(ctx, in.ID)
			return &answer[wire.Clip]{c}, err
		})
	add(a, route{"delete-clip", "DELETE", "/clips/{id}", Owner, nil, http.StatusNoContent, "Delete a recording, also one that is kept"},
		func(ctx context.Context, in *named) (*none, error) {
			return &none{}, a.Hub.Clips().Delete(ctx, in.ID)
		})
	type keep struct {
		ID   string `path:"id" maxLength:"64"`
		Body wire.KeepRequest
	}
	add(a, route{"keep-clip", "POST", "/clips/{id}/keep", Owner, nil, 0, "Have a recording stay until somebody deletes it, or not any more"},
		func(ctx context.Context, in *keep) (*answer[wire.Clip], error) {
			c, err := a.Hub.Clips().Keep(ctx, in.ID, in.Body.Kept)
			return &answer[wire.Clip]{c}, err
		})
	type export struct {
		ID   string `path:"id" maxLength:"64"`
		Body wire.ClipExportRequest
	}
	add(a, route{"export-clip", "POST", "/clips/{id}/export", Owner, nil, 0, "Write a recording into a plain MP4 file; takes the password again"},
		func(ctx context.Context, in *export) (*answer[wire.ClipExport], error) {
			made, err := a.Hub.Clips().Export(ctx, in.ID, in.Body)
			return &answer[wire.ClipExport]{made}, err
		})
	a.films()
	a.clipRules()
}

// maySee says whether the caller may see a camera's recordings. No script may.
func (a *api) maySee(ctx context.Context, camera string) bool {
	script := ctx.Value(scriptKey{}) != nil
	return callerOf(ctx) >= Owner || !script && a.Hub.Clips().MaySee(camera, AppOf(ctx))
}

// clip is a recording that the caller may see; to others there is none.
func (a *api) clip(ctx context.Context, id string) (wire.Clip, error) {
	c, err := a.Hub.Clips().Show(ctx, id)
	if err == nil && !a.maySee(ctx, c.Camera) {
		return wire.Clip{}, wire.Refuse(http.StatusNotFound, "clips.unknown", "id", id)
	}
	return c, err
}

// films gives what the clips show.
func (a *api) films() {
	type film struct {
		CacheControl string `header:"Cache-Control"`
		Body         func(huma.Context)
	}
	r := route{"clip", "GET", "/clips/{id}", Guest, nil, 0, "The film of a recording, fragmented MP4; any range of its bytes"}
	add(a, r, func(ctx context.Context, in *named) (*film, error) {
		c, err := a.clip(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		f, err := a.Hub.Clips().Film(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		return &film{"no-store", func(to huma.Context) {
			defer f.Close() // it was only read
			req, w := humago.Unwrap(to)
			w.Header().Set("Content-Type", "video/mp4")
			http.ServeContent(w, req, "", time.Time{}, f)
		}}, nil
	})
	a.sends(r, "video/mp4")
	type picture struct {
		ContentType  string `header:"Content-Type"`
		CacheControl string `header:"Cache-Control"`
		Body         []byte
	}
	r = route{"clip-still", "GET", "/clips/{id}/still", Guest, nil, 0, "The picture that stands for a recording, as JPEG"}
	add(a, r, func(ctx context.Context, in *named) (*picture, error) {
		c, err := a.clip(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		jpeg, err := a.Hub.Clips().Still(ctx, c.ID)
		return &picture{"image/jpeg", "no-store", jpeg}, err
	})
	a.sends(r, "image/jpeg")
	a.played()
}

// played gives a recording to those who cannot decode its film.
func (a *api) played() {
	type ask struct {
		ID     string `path:"id" maxLength:"64"`
		From   int    `query:"from" minimum:"0" maximum:"86400000" doc:"milliseconds"`
		Width  int    `query:"width" minimum:"16" maximum:"1920" default:"640" doc:"pixels, at most"`
		Height int    `query:"height" minimum:"16" maximum:"1920" default:"360" doc:"pixels, at most"`
		Rate   int    `query:"rate" minimum:"1" maximum:"15" default:"10" doc:"pictures a second, about"`
	}
	r := route{"clip-frames", "GET", "/clips/{id}/frames", Guest, nil, 0, "A recording as JPEG pictures that follow one another as fast as they were taken"}
	add(a, r, func(ctx context.Context, in *ask) (*huma.StreamResponse, error) {
		c, err := a.clip(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return a.moving(r, func(ctx context.Context, put func(frames.Frame) error) error {
			return a.Hub.Clips().Frames(ctx, c.ID, time.Duration(in.From)*time.Millisecond, wire.Look{Width: in.Width, Height: in.Height, Rate: in.Rate}, put)
		}), nil
	})
	a.sends(r, "multipart/x-mixed-replace")
}

// sends describes an answer that is no JSON.
func (a *api) sends(r route, media string) {
	binary := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	a.huma.OpenAPI().Paths[prefix+r.path].Get.Responses["200"].Content = map[string]*huma.MediaType{media: {Schema: binary}}
}

func (a *api) clipRules() {
	add(a, route{"clip-rule", "GET", "/accessories/{id}/clips", Owner, nil, 0, "What is recorded of a camera"},
		func(ctx context.Context, in *named) (*answer[wire.ClipRule], error) {
			r, err := a.Hub.Clips().Rule(ctx, in.ID)
			return &answer[wire.ClipRule]{r}, err
		})
	type change struct {
		ID   string `path:"id" maxLength:"64"`
		Body wire.ClipRule
	}
	add(a, route{"set-clip-rule", "POST", "/accessories/{id}/clips", Owner, nil, 0, "Say what is recorded of a camera"},
		func(ctx context.Context, in *change) (*answer[wire.ClipRule], error) {
			r, err := a.Hub.Clips().SetRule(ctx, in.ID, in.Body)
			return &answer[wire.ClipRule]{r}, err
		})
	add(a, route{"record", "POST", "/accessories/{id}/record", Owner, nil, http.StatusNoContent, "Make a clip of what a camera sees now"},
		func(ctx context.Context, in *named) (*none, error) {
			return &none{}, a.Hub.Clips().Record(ctx, in.ID)
		})
}
