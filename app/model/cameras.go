package model

import (
	"strconv"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// Clip is a recording as the app shows it.
type Clip struct {
	ID, Title, Detail string
	Span              [2]float32 // where on the timeline
	Kept, Still       bool
	Whole             bool // it can be saved
	Sound             bool
	At                time.Time // of the first picture, where the household is
	Lasts             time.Duration
}

// Reel is the recordings of a camera along their time, the newest first.
type Reel struct {
	Clips    []Clip
	From, To string
}

// ReelOf gives the recordings of one camera. now is the end of the timeline.
func ReelOf(clips []wire.Clip, t *i18n.Texts, place *time.Location, now time.Time) Reel {
	if len(clips) == 0 {
		return Reel{}
	}
	first := clips[0].At
	for _, c := range clips {
		if c.At.Before(first) {
			first = c.At
		}
	}
	first = first.In(place).Truncate(time.Hour)
	span := max(time.Hour, now.Sub(first))
	at := func(x time.Time) float32 { return float32(min(1, max(0, x.Sub(first).Seconds()/span.Seconds()))) }
	r := Reel{From: When(first, place, t), To: When(first.Add(span), place, t)}
	for _, c := range clips {
		one := Clip{ID: c.ID, Kept: c.Kept, Sound: c.Sound, At: c.At.In(place), Lasts: c.Lasts(), Still: c.Still, Whole: c.State == "whole" || c.State == "cut",
			Title: When(c.At, place, t), Span: [2]float32{at(c.At), at(c.At.Add(c.Lasts()))}}
		one.Detail = t.Text("clips.why."+c.Why, nil) + " · " + t.Text("app.clip.seconds", i18n.Args{"n": strconv.Itoa(int(c.Lasts().Round(time.Second) / time.Second))}) + " · " + t.Size(c.Size)
		if c.State != "whole" && t.Has("clips.state."+c.State) {
			one.Detail += " · " + t.Text("clips.state."+c.State, nil)
		}
		if c.Kept {
			one.Detail += " · " + t.Text("clips.is-kept", nil)
		}
		r.Clips = append(r.Clips, one)
	}
	return r
}
