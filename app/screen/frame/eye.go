package frame

import (
	"time"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	parts "github.com/ingle-home/ingle/app/widget"
)

// live is how old a picture may be that is shown as what is to be seen now; the hub may have kept it for
// five seconds.
const live = 15 * time.Second

// Eye is what a camera sees, or why there is nothing to see.
type Eye struct {
	*parts.Picture
	d    *Desk
	now  model.Camera
	last link.Picture
}

// NewEye makes one that waits for a picture of the camera called name.
func NewEye(d *Desk, name string) *Eye {
	return &Eye{Picture: parts.NewPicture(name, d.Text("tile.camera.wait")), d: d}
}

// Show takes what the camera's state is now.
func (e *Eye) Show(c model.Camera) {
	e.now = c
	e.look()
}

// Take shows the newest picture. A camera that has none now keeps its last one, which grows old.
func (e *Eye) Take(p link.Picture) {
	if p.Image != nil {
		e.last = p
	}
	e.look()
}

// Wanted says whether there may be a picture: the hub may have a last one of a camera that is away.
func (e *Eye) Wanted() bool { return !e.now.Private }

// Filled says whether what is to be seen is shown.
func (e *Eye) Filled() bool { return !e.now.Reachable || e.now.Private || e.Image() != nil }

// look shows what there is: nothing of a camera that is off, and a picture that is not live only with its
// age.
func (e *Eye) look() {
	words, old := "", e.d.Now().Sub(e.last.At)
	if !e.now.Reachable || e.now.Private {
		words = e.now.Note
	}
	waiting := words
	if waiting == "" {
		waiting = e.d.Text("tile.camera.wait")
	}
	switch {
	case e.now.Private:
		e.last = link.Picture{}
		e.say(words)
	case e.last.Image == nil:
		e.say(waiting)
	case e.now.Reachable && old < live:
		e.Set(e.last.Image)
	default:
		e.Faded(e.last.Image, model.Age(old, e.d.Texts), words)
	}
}

func (e *Eye) say(words string) {
	if e.Image() != nil || e.Words() != words {
		e.Say(words)
	}
}
