package link

import (
	"context"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// clean drops what this app still has of somebody who was forgotten, and tells the hub when it is gone: until
// then the receipt says that it waits. Each new state of the home is a reason to ask: the hub sends one after
// it forgot, and the first one comes when the line does.
func (l *Link) clean(ctx context.Context) {
	for {
		select {
		case <-l.anew:
		case <-ctx.Done():
			return
		}
		due, err := l.Cleanup(ctx)
		if err != nil || len(due.IDs) == 0 {
			continue // an older hub, or nothing to do
		}
		if l.Drop == nil || !l.Drop(ctx, l.now()) {
			continue // it is asked for again with the next state
		}
		_ = l.Cleaned(ctx, wire.Cleanup{IDs: due.IDs}) // what the hub does not hear, it asks for again
	}
}

// renew has somebody ask what is to be dropped.
func (l *Link) renew() {
	select {
	case l.anew <- struct{}{}:
	default:
	}
}
