package archive

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	recorder "github.com/ingle-home/ingle/hub/record"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/blobs"
)

// kindClip is the kind of a clip's segment.
const kindClip = "clip"

// Clips keeps the recordings of cameras as sealed segments, each under the media key of its camera.
type Clips struct{ Store *blobs.Store }

// ClipLimits are what the store of clips goes by: the oldest clips give way when less than free bytes of
// the disk would be left. How old they may become is not its business.
func ClipLimits(free int64) blobs.Limits {
	return blobs.Limits{Free: free, Kinds: []blobs.Limit{{Kind: kindClip}, {Kind: blobs.Found}}}
}

// Begin starts a clip, durably with its note.
func (c Clips) Begin(ctx context.Context, camera string, at time.Time, note []byte) (recorder.Film, error) {
	w, err := c.Store.CreateNoted(ctx, subjectOfAccessory(camera), kindClip, at, note)
	if err != nil {
		return nil, fmt.Errorf("archive: clip: %w", err)
	}
	return film{w}, nil
}

type film struct{ *blobs.Writer }

// Close ends the clip. On a full disk it is left as a crash would leave it.
func (f film) Close(note []byte) error {
	f.Note(note)
	err := f.Writer.Close()
	if errors.Is(err, storage.ErrFull) {
		f.Abandon()
	}
	return clipProblem(err)
}

// List gives the clips of a camera, or all for "", oldest first.
func (c Clips) List(camera string) []recorder.Stored {
	subject := ""
	if camera != "" {
		subject = subjectOfAccessory(camera)
	}
	var list []recorder.Stored
	for _, g := range c.Store.List(subject) {
		if g.Kind == kindClip || g.Kind == blobs.Found {
			list = append(list, storedClip(g))
		}
	}
	return list
}

func storedClip(g blobs.Segment) recorder.Stored {
	states := [...]recorder.State{blobs.Recording: recorder.Running, blobs.Complete: recorder.Whole, blobs.Truncated: recorder.Cut, blobs.Damaged: recorder.Damaged}
	return recorder.Stored{
		ID: g.ID, Camera: strings.TrimPrefix(g.Subject, subjectOfAccessory("")), At: g.At, End: g.End, Size: g.Size, Space: g.Stored(),
		Kept: g.Kept, State: states[g.State], Note: g.Note,
	}
}

// Open opens a clip's bytes.
func (c Clips) Open(ctx context.Context, id string) (recorder.Bytes, error) {
	r, err := c.Store.Open(ctx, id)
	if err != nil {
		return nil, clipProblem(err)
	}
	return clipBytes{r}, nil
}

type clipBytes struct{ *blobs.Reader }

// ReadAt is the reader's, in the words of clips.
func (b clipBytes) ReadAt(p []byte, at int64) (int, error) {
	n, err := b.Reader.ReadAt(p, at)
	return n, clipProblem(err)
}

// Keep protects a clip from whatever makes room.
func (c Clips) Keep(ctx context.Context, id string, kept bool) error {
	return clipProblem(c.Store.Keep(ctx, id, kept))
}

// Delete removes clips.
func (c Clips) Delete(ctx context.Context, ids ...string) error {
	return clipProblem(c.Store.Delete(ctx, ids...))
}

// Forget destroys the media key of a camera, and with it all of its clips.
func (c Clips) Forget(ctx context.Context, camera string) error {
	return clipProblem(c.Store.Forget(ctx, subjectOfAccessory(camera)))
}

// clipProblem puts an error of the store into the words of clips.
func clipProblem(err error) error {
	switch {
	case errors.Is(err, blobs.ErrNotFound):
		return fmt.Errorf("%w: %w", recorder.ErrNotFound, err)
	case errors.Is(err, blobs.ErrDamaged):
		return fmt.Errorf("%w: %w", recorder.ErrDamaged, err)
	}
	return err
}
