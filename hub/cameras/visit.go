package cameras

import (
	"context"
	"sync"
	"time"
)

// visits are the calls to the camera beside its streams: for a still picture, and to speak. They end when
// the camera goes dark, as the streams do.
type visits struct {
	mu   sync.Mutex
	open map[*visit]struct{}
}

type visit struct {
	ctx  context.Context
	end  context.CancelFunc
	over chan struct{}
}

// partTime is how long is waited for a call that must end.
const partTime = time.Second

// visit begins a call, unless nobody may have a picture; done must be called when it is over. Its context
// ends when the camera goes dark.
func (c *Camera) visit(ctx context.Context) (call context.Context, done func(), err error) {
	v := &visit{over: make(chan struct{})}
	c.visits.mu.Lock()
	defer c.visits.mu.Unlock()
	if err := c.Barred(); err != nil { // under the lock, so that part misses none that begins meanwhile
		return nil, nil, err
	}
	v.ctx, v.end = context.WithCancel(ctx)
	if c.visits.open == nil {
		c.visits.open = map[*visit]struct{}{}
	}
	c.visits.open[v] = struct{}{}
	return v.ctx, func() { c.visits.leave(v) }, nil
}

func (all *visits) leave(v *visit) {
	all.mu.Lock()
	defer all.mu.Unlock()
	v.end()
	delete(all.open, v)
	close(v.over)
}

// part ends every call, and waits up to a second for that. It says whether all have ended.
func (all *visits) part() bool {
	all.mu.Lock()
	var list []*visit
	for v := range all.open {
		v.end()
		list = append(list, v)
	}
	all.mu.Unlock()
	late := time.NewTimer(partTime)
	defer late.Stop()
	for _, v := range list {
		select {
		case <-v.over:
		case <-late.C:
			return false
		}
	}
	return true
}
