package onvif

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/ingle-home/ingle/accessories/trait"
)

const (
	maxSources = 64                     // of motion and bells that one camera may tell apart
	onePress   = 3 * time.Second        // words of a bell that follow each other faster are of one press
	leastRing  = 500 * time.Millisecond // from ring to ring of one camera: each is stored, recorded and told
	doubtEvery = 20                     // looks at the clock within the time after which motion is over
)

// heeds is what a camera's events tell.
type heeds struct{ motion, doorbell bool }

// readTopics asks which events the camera has. One that does not say has motion.
func (s *session) readTopics(ctx context.Context) heeds {
	if s.parts.events == "" {
		return heeds{}
	}
	n, err := s.call(ctx, ask{at: s.parts.events, ns: nsEvents, action: "GetEventProperties", wsa: nsEvents + "/EventPortType/GetEventPropertiesRequest"})
	if err != nil {
		return heeds{motion: true, doorbell: s.config.Fields[fieldDoorbell] != ""}
	}
	var h heeds
	h.walk(n.get("TopicSet"), "", s.config.Fields[fieldDoorbell])
	return h
}

// walk goes through a topic set (WS-Topics 1.3): a tree of elements, each topic marked as one.
func (h *heeds) walk(n *node, path, bell string) {
	if n == nil {
		return
	}
	for _, k := range n.kids {
		at := path + "/" + k.name
		if len(k.kids) == 0 || k.attr("topic") == "true" {
			h.motion = h.motion || isMotion(at)
			h.doorbell = h.doorbell || isDoorbell(at, bell)
		}
		h.walk(k, at, bell)
	}
}

// isMotion knows the topics in which cameras tell motion (ONVIF Imaging and Analytics Service
// Specifications).
func isMotion(topic string) bool {
	for _, known := range []string{
		"/RuleEngine/CellMotionDetector/Motion", "/RuleEngine/MotionRegionDetector/Motion", "/VideoSource/MotionAlarm",
		"/VideoAnalytics/MotionDetection", // Axis
	} {
		if topic == known {
			return true
		}
	}
	return false
}

// isDoorbell knows the topics in which vendors tell a doorbell: ONVIF has none. own are words of a
// topic that the household names.
func isDoorbell(topic, own string) bool {
	topic = strings.ToLower(topic)
	if own = strings.ToLower(strings.TrimSpace(own)); own != "" && strings.Contains(topic, own) {
		return true
	}
	switch topic[strings.LastIndexByte(topic, '/')+1:] {
	case "visitor", "doorbell", "doorbellpress", "doorbellpressed", "doorbellring", "callbutton", "callbuttonpressed", "ringbutton":
		return true
	}
	return false
}

// topicOf writes a topic as a path without prefixes: tns1:RuleEngine/x:Bell is /RuleEngine/Bell.
func topicOf(text string) string {
	var b strings.Builder
	for _, part := range strings.Split(printable(text, 256), "/") {
		b.WriteString("/" + part[strings.IndexByte(part, ':')+1:])
	}
	return b.String()
}

// ears understand events. They turn what each source of motion says into one answer, end motion that
// nobody ended, and make one ring of each press.
type ears struct {
	bell   string
	stuck  time.Duration
	now    func() time.Time
	report func(trait.Reading) error
	log    func(string, ...any)

	mu     sync.Mutex
	moving map[string]time.Time // source to the last word that something moves
	said   bool                 // that something moves
	known  bool                 // whether it was said at all
	asked  bool                 // the camera is to be asked whether motion goes on
	bells  map[string]press
	rang   time.Time // when a ring was last reported
}

// press is the last word of a bell.
type press struct {
	down bool
	utc  string
	at   time.Time
}

func newEars(bell string, stuck time.Duration, now func() time.Time, report func(trait.Reading) error, log func(string, ...any)) *ears {
	return &ears{
		bell: bell, stuck: stuck, now: now, report: report, log: log,
		moving: map[string]time.Time{}, bells: map[string]press{},
	}
}

// take understands one NotificationMessage.
func (e *ears) take(n *node) {
	topic, message := topicOf(n.str("Topic")), n.get("Message", "Message")
	source := topic
	for _, item := range message.get("Source").all("SimpleItem") {
		source += "|" + printable(item.attr("Value"), 64)
	}
	// "No more" comes as false, as a message without an item, or as a property that is gone.
	on := truth(message.get("Data")) && message.attr("PropertyOperation") != "Deleted"
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case isMotion(topic):
		e.motion(source, on)
	case isDoorbell(topic, e.bell):
		e.ring(source, press{on, message.attr("UtcTime"), time.Now()}, message.attr("PropertyOperation") == "Initialized")
	}
}

// truth reads the first item of an event's data.
func truth(data *node) bool {
	items := data.all("SimpleItem")
	if len(items) == 0 {
		return false
	}
	switch strings.ToLower(items[0].attr("Value")) {
	case "true", "1", "on", "active":
		return true
	}
	return false
}

// motion is called with mu held.
func (e *ears) motion(source string, on bool) {
	if on && (len(e.moving) < maxSources || !e.moving[source].IsZero()) {
		e.moving[source] = time.Now()
		e.asked = false
	} else {
		delete(e.moving, source)
	}
	e.say()
}

// say reports motion when it is news.
func (e *ears) say() {
	if on := len(e.moving) > 0; on != e.said || !e.known {
		e.said, e.known = on, true
		if err := e.report(trait.Motion.Of(on, e.now())); err != nil {
			e.log("onvif: motion was not taken", "err", err)
		}
	}
}

// ring is called with mu held. How a bell stands when one begins to listen is no press.
func (e *ears) ring(source string, p press, initial bool) {
	last, seen := e.bells[source]
	if !seen && len(e.bells) >= maxSources {
		return
	}
	again := p.utc != "" && p.utc == last.utc || last.down && p.at.Sub(last.at) < onePress
	switch {
	case initial:
		p.at = time.Time{}
	case p.down && again:
		p.at = last.at
	}
	e.bells[source] = p
	if !p.down || initial || again || time.Since(e.rang) < leastRing {
		return
	}
	e.rang = time.Now()
	if err := e.report(trait.Doorbell.Of(true, e.now())); err != nil {
		e.log("onvif: a ring was not taken", "err", err)
	}
}

// doubts says, once, that motion is old enough to ask the camera about it.
func (e *ears) doubts() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	ask := e.asked
	e.asked = false
	return ask
}

// doubt ends motion of which no word came for too long, until ctx ends. Half of the time before, it
// has the camera asked.
func (e *ears) doubt(ctx context.Context) {
	tick := time.NewTicker(max(e.stuck/doubtEvery, time.Millisecond))
	defer tick.Stop()
	old := map[string]time.Time{} // for which word the camera was asked
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		e.mu.Lock()
		for source, at := range e.moving {
			switch age := time.Since(at); {
			case age > e.stuck:
				delete(e.moving, source)
				delete(old, source)
			case age > e.stuck/2 && old[source] != at:
				old[source], e.asked = at, true
			}
		}
		if e.said {
			e.say()
		}
		e.mu.Unlock()
	}
}
