package wire

import (
	"encoding/json"
	"time"
)

// MaxPoints is how many points a History has at most.
const MaxPoints = 2000

// History is what is kept of one trait of a thing between two times (UTC; From is in it, To is not), the
// oldest first.
type History struct {
	Accessory string    `json:"accessory"`
	Trait     string    `json:"trait"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Points    []Point   `json:"points"`
}

// Point is one reading, or the last of several that are joined. Low and High are the least and the greatest
// of joined numbers, in the unit of the trait.
type Point struct {
	At    time.Time       `json:"at"`
	Value json.RawMessage `json:"value"`
	Low   *float64        `json:"low,omitempty"`
	High  *float64        `json:"high,omitempty"`
	Count int             `json:"count" minimum:"1" doc:"how many readings it stands for"`
}

// Join makes a history of at most n points of one that has more: each point then stands for as long a time as
// every other.
func (h History) Join(n int) History {
	if len(h.Points) <= n || n < 1 {
		return h
	}
	joined := make([]Point, 0, n)
	step := max(1, (h.To.Sub(h.From)+time.Duration(n)-1)/time.Duration(n))
	in := time.Duration(-1)
	for _, p := range h.Points {
		slot := p.At.Sub(h.From) / step
		if slot != in || len(joined) == 0 {
			joined, in = append(joined, p), slot
			continue
		}
		last := &joined[len(joined)-1]
		*last = last.with(p)
	}
	h.Points = joined
	return h
}

func (p Point) with(next Point) Point {
	low, high := p.span()
	nextLow, nextHigh := next.span()
	next.Count += p.Count
	if low != nil && nextLow != nil {
		least, greatest := min(*low, *nextLow), max(*high, *nextHigh)
		next.Low, next.High = &least, &greatest
	}
	return next
}

// span is nil for what is no number.
func (p Point) span() (low, high *float64) {
	if p.Low != nil && p.High != nil {
		return p.Low, p.High
	}
	var n *float64
	if json.Unmarshal(p.Value, &n) != nil {
		return nil, nil
	}
	return n, n
}
