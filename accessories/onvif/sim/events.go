package sim

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	motionTopic = "tns1:RuleEngine/CellMotionDetector/Motion"
	bellTopic   = "tns1:RuleEngine/MyRuleDetector/Visitor"
	maxQueue    = 64
)

// pullPoint is one subscription. The sim's mu guards it.
type pullPoint struct {
	queue []string
	ends  time.Time
	wake  chan struct{} // there is news
}

func (p *pullPoint) put(message string) {
	if len(p.queue) < maxQueue {
		p.queue = append(p.queue, message)
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// message writes a NotificationMessage; value "" leaves the data empty. Callers hold mu.
func (s *Sim) message(topic, operation, name, value string) string {
	data := ""
	if value != "" {
		data = fmt.Sprintf(`<tt:SimpleItem Name="%s" Value="%s"/>`, name, value)
	}
	return fmt.Sprintf(`<wsnt:NotificationMessage><wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">%s</wsnt:Topic><wsnt:Message>`+
		`<tt:Message UtcTime="%s" PropertyOperation="%s"><tt:Source><tt:SimpleItem Name="VideoSourceConfigurationToken" Value="vsc"/></tt:Source><tt:Data>%s</tt:Data></tt:Message>`+
		`</wsnt:Message></wsnt:NotificationMessage>`, topic, s.clock().Format(time.RFC3339Nano), operation, data)
}

// tell gives a message to every pull point. Callers hold mu.
func (s *Sim) tell(message string) {
	for _, p := range s.subs {
		p.put(message)
	}
}

func (s *Sim) move(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moving, s.mute = on, false
	s.tell(s.message(motionTopic, "Changed", "IsMotion", strconv.FormatBool(on)))
}

// still ends motion with a message that has no value in it.
func (s *Sim) still() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moving = false
	s.tell(s.message(motionTopic, "Changed", "", ""))
}

// forget loses the end of motion, so that not even asking again tells it.
func (s *Sim) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mute = true
}

// press rings, once as it goes down and once as it comes up.
func (s *Sim) press() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell(s.message(bellTopic, "Changed", "State", "true"))
	s.tell(s.message(bellTopic, "Changed", "State", "true")) // the same word again is not a second press
	s.tell(s.message(bellTopic, "Changed", "State", "false"))
}

func (s *Sim) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, p := range s.subs {
		delete(s.subs, id)
		p.put("")
	}
}

func (s *Sim) getTopics(call) (string, *fault) {
	bell := ""
	if s.opts.Doorbell {
		bell = `<MyRuleDetector><Visitor wstop:topic="true"><tt:MessageDescription IsProperty="true"/></Visitor></MyRuleDetector>`
	}
	return `<tev:TopicNamespaceLocation>http://www.onvif.org/onvif/ver10/topics/topicns.xml</tev:TopicNamespaceLocation><wsnt:FixedTopicSet>true</wsnt:FixedTopicSet>` +
		`<wstop:TopicSet><tns1:RuleEngine><CellMotionDetector><Motion wstop:topic="true"><tt:MessageDescription IsProperty="true">` +
		`<tt:Source><tt:SimpleItemDescription Name="VideoSourceConfigurationToken" Type="tt:ReferenceToken"/></tt:Source>` +
		`<tt:Data><tt:SimpleItemDescription Name="IsMotion" Type="xs:boolean"/></tt:Data></tt:MessageDescription></Motion></CellMotionDetector>` +
		bell + `</tns1:RuleEngine></wstop:TopicSet>`, nil
}

// period reads PT10S, PT1M or PT0.5S.
func period(text string) time.Duration {
	d, err := time.ParseDuration(strings.ToLower(strings.TrimPrefix(text, "PT")))
	if err != nil || d <= 0 {
		return time.Minute
	}
	return min(d, 10*time.Minute)
}

func (s *Sim) terms(p *pullPoint) string {
	now := s.clock()
	return fmt.Sprintf(`<wsnt:CurrentTime>%s</wsnt:CurrentTime><wsnt:TerminationTime>%s</wsnt:TerminationTime>`,
		now.Format(time.RFC3339), now.Add(time.Until(p.ends)).Format(time.RFC3339))
}

func (s *Sim) subscribe(c call) (string, *fault) {
	s.last++
	s.state.Subscribed++
	id := strconv.Itoa(s.last)
	p := &pullPoint{ends: time.Now().Add(period(c.body.str("InitialTerminationTime"))), wake: make(chan struct{}, 1)}
	s.subs[id] = p
	at, reference := s.here(eventsPath+"/"+id), ""
	if s.opts.ByHeader {
		at = s.here(eventsPath)
		reference = `<wsa:ReferenceParameters><x:Id xmlns:x="http://sim.example/id">` + id + `</x:Id></wsa:ReferenceParameters>`
	}
	return `<tev:SubscriptionReference><wsa:Address>` + at + `</wsa:Address>` + reference + `</tev:SubscriptionReference>` + s.terms(p), nil
}

// pullPoint finds the subscription of a call. Callers hold mu.
func (s *Sim) pullPoint(c call) (*pullPoint, string, *fault) {
	id := c.path[strings.LastIndexByte(c.path, '/')+1:]
	if s.opts.ByHeader {
		id = c.head.str("Id")
	}
	p := s.subs[id]
	if p == nil || p.ends.Before(time.Now()) {
		delete(s.subs, id)
		return nil, "", &fault{"Sender", "InvalidArgVal", "ResourceUnknown", "no such subscription"}
	}
	return p, id, nil
}

// pull waits for news.
func (s *Sim) pull(ctx context.Context, c call) (string, *fault) {
	wait := time.NewTimer(period(c.body.str("Timeout")))
	defer wait.Stop()
	for {
		s.mu.Lock()
		p, _, no := s.pullPoint(c)
		if no != nil {
			s.mu.Unlock()
			return "", no
		}
		text := fmt.Sprintf(`<tev:CurrentTime>%s</tev:CurrentTime><tev:TerminationTime>%s</tev:TerminationTime>`,
			s.clock().Format(time.RFC3339), s.clock().Add(time.Until(p.ends)).Format(time.RFC3339))
		if len(p.queue) > 0 || s.opts.Hasty {
			text += strings.Join(p.queue, "")
			p.queue = nil
			s.mu.Unlock()
			return text, nil
		}
		s.mu.Unlock()
		select {
		case <-p.wake:
		case <-wait.C:
			return text, nil
		case <-ctx.Done():
			return "", &fault{"Receiver", "Action", "", "gone"}
		case <-s.over.Done():
			return "", &fault{"Receiver", "Action", "", "gone"}
		}
	}
}

// sync is two operations of one name: of a profile it makes a key picture, of a subscription it has
// every state told again.
func (s *Sim) sync(c call) (string, *fault) {
	if c.path == mediaPath {
		if _, no := s.profile(c.body.str("ProfileToken")); no != nil {
			return "", no
		}
		s.state.Keys++
		s.streams.RefreshKey()
		return "", nil
	}
	p, _, no := s.pullPoint(c)
	if no != nil {
		return "", no
	}
	s.state.Synced++
	if s.mute {
		return "", nil
	}
	p.put(s.message(motionTopic, "Initialized", "IsMotion", strconv.FormatBool(s.moving)))
	if s.opts.Doorbell {
		p.put(s.message(bellTopic, "Initialized", "State", "true")) // how it stands is not a press
	}
	return "", nil
}

func (s *Sim) renew(c call) (string, *fault) {
	p, _, no := s.pullPoint(c)
	if no != nil {
		return "", no
	}
	if s.opts.NoRenew {
		return "", &fault{"Receiver", "ActionNotSupported", "", "the camera has no such action"}
	}
	s.state.Renewed++
	p.ends = time.Now().Add(period(c.body.str("TerminationTime")))
	return s.terms(p), nil
}

func (s *Sim) unsubscribe(c call) (string, *fault) {
	_, id, no := s.pullPoint(c)
	if no == nil {
		delete(s.subs, id)
	}
	return "", no
}
