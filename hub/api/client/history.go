package client

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// History gives what is kept of one trait of a thing between two times, the oldest first. Where that is more
// than points, neighbours are joined; 0 points are as many as there may be, wire.MaxPoints.
func (c *Client) History(ctx context.Context, id, trait string, from, to time.Time, points int) (wire.History, error) {
	q := url.Values{"trait": {trait}, "from": {from.UTC().Format(time.RFC3339Nano)}, "to": {to.UTC().Format(time.RFC3339Nano)}}
	if points > 0 {
		q.Set("points", strconv.Itoa(points))
	}
	return ask[wire.History](ctx, c, "GET", "/accessories/"+url.PathEscape(id)+"/history?"+q.Encode(), nil)
}
