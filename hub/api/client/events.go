package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
)

const (
	minWait = 200 * time.Millisecond
	maxWait = 5 * time.Second
	silence = 40 * time.Second // the hub sends at least every 15 s
	maxLine = 4 << 20
)

// Events calls f for the hub's state and for every change, in order, until ctx ends (nil) or the hub
// refuses (*wire.Problem: it is locked, unclaimed, or the caller may not). A lost line is dialled
// again, after a wait with jitter, and goes on where it stopped; where that cannot be, a new snapshot
// comes. An error of f ends it too. A hub that was never reached is an error at once.
func (c *Client) Events(ctx context.Context, f func(wire.Event) error) error {
	return c.Follow(ctx, f, nil)
}

// Follow is Events that also says when the line is lost; the next event says that it is back.
func (c *Client) Follow(ctx context.Context, f func(wire.Event) error, lost func(error)) error {
	var last int64
	wait := minWait
	for {
		before := last
		err := c.listen(ctx, &last, f)
		if ctx.Err() != nil {
			return nil
		}
		var stop *ended
		if errors.As(err, &stop) {
			return stop.err
		}
		if last == 0 || refused(err) {
			return err
		}
		if lost != nil {
			lost(err)
		}
		if last != before {
			wait = minWait
		}
		if !pause(ctx, wait/2+rand.N(wait)) {
			return nil
		}
		wait = min(2*wait, maxWait)
	}
}

// ended carries an error of the receiver through.
type ended struct{ err error }

func (e *ended) Error() string { return e.err.Error() }

// refused says whether the hub itself said no; then asking again is no use.
func refused(err error) bool {
	var p *wire.Problem
	return errors.As(err, &p) && p.Status >= 400 && p.Status < 500
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// listen reads one connection until it ends; the error is never nil.
func (c *Client) listen(ctx context.Context, last *int64, f func(wire.Event) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", c.root()+"/events", nil)
	if err != nil {
		return fmt.Errorf("client: events: %w", err)
	}
	if *last != 0 {
		req.Header.Set("Last-Event-ID", strconv.FormatInt(*last, 10))
	}
	watchdog := time.AfterFunc(silence, cancel)
	defer watchdog.Stop()
	resp, err := c.open(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return parse(resp.Body, func() { watchdog.Reset(silence) }, func(e wire.Event) error {
		if err := f(e); err != nil {
			return &ended{err}
		}
		*last = e.ID
		return nil
	})
}

// parse reads server-sent events (WHATWG HTML, section 9.2) until the line ends.
func parse(r io.Reader, alive func(), f func(wire.Event) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	var id, event, body string
	for lines.Scan() {
		alive()
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "id":
			id = value
		case "event":
			event = value
		case "data":
			if len(body)+len(value) > maxLine {
				return bufio.ErrTooLong
			}
			body += value
		case "":
			if lines.Text() != "" || body == "" {
				continue // a heartbeat
			}
			e, err := read(id, event, body)
			if err != nil {
				return err
			}
			if err := f(e); err != nil {
				return err
			}
			event, body = "", ""
		}
	}
	if err := lines.Err(); err != nil {
		return unanswered(err)
	}
	return unanswered(io.ErrUnexpectedEOF)
}

func read(id, event, body string) (wire.Event, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return wire.Event{}, fmt.Errorf("client: an event without an ID: %q", id)
	}
	e := wire.Event{ID: n}
	switch event {
	case "snapshot":
		e.Snapshot = &wire.Snapshot{}
		err = json.Unmarshal([]byte(body), e.Snapshot)
	case "change":
		e.Change = &wire.Change{}
		err = json.Unmarshal([]byte(body), e.Change)
	}
	if err != nil {
		return wire.Event{}, fmt.Errorf("client: event: %w", err)
	}
	return e, nil
}
