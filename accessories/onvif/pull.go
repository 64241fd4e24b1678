package onvif

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
)

const (
	pullPort   = nsEvents + "/PullPointSubscription/"
	manager    = "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/"
	maxHead    = 4096 // bytes of a camera's own reference parameters
	maxNews    = 32   // messages of one pull
	partTime   = time.Second
	pollMargin = 5 * time.Second
)

// subscription is a pull point (ONVIF Core Specification, Real-time Pull-Point Notification Interface).
type subscription struct {
	s       *session
	at      string // URL
	head    string // the reference parameters, which go back to the camera with every call
	renewAt time.Time
}

func (s *session) subscribe(ctx context.Context) (*subscription, error) {
	n, err := s.call(ctx, ask{
		at: s.parts.events, ns: nsEvents, action: "CreatePullPointSubscription",
		wsa:  nsEvents + "/EventPortType/CreatePullPointSubscriptionRequest",
		body: "<InitialTerminationTime>" + seconds(s.pace.term) + "</InitialTerminationTime>",
	})
	if err != nil {
		return nil, err
	}
	reference := n.get("SubscriptionReference")
	sub := &subscription{s: s, at: s.line.home(reference.str("Address"), "http", "https")}
	if sub.at == "" {
		return nil, fmt.Errorf("onvif: events: %w: a subscription without an address", device.ErrUnsupported)
	}
	var b strings.Builder
	if p := reference.get("ReferenceParameters"); p != nil {
		for _, k := range p.kids {
			k.write(&b, fmt.Sprintf(` xmlns:a="%s" a:IsReferenceParameter="true"`, nsAddress))
		}
	}
	if sub.head = b.String(); len(sub.head) > maxHead {
		return nil, fmt.Errorf("onvif: events: %w: reference parameters of %d bytes", device.ErrUnsupported, len(sub.head))
	}
	sub.lasts(n)
	return sub, nil
}

// lasts plans the next renewal for the middle of the time that the camera grants.
func (p *subscription) lasts(n *node) {
	granted := p.s.pace.term
	from, err := time.Parse(time.RFC3339, n.str("CurrentTime"))
	to, bad := time.Parse(time.RFC3339, n.str("TerminationTime"))
	if err == nil && bad == nil && to.After(from) {
		granted = min(granted, to.Sub(from))
	}
	p.renewAt = time.Now().Add(granted / 2)
}

// pull waits for events.
func (p *subscription) pull(ctx context.Context) ([]*node, error) {
	wait := min(p.s.pace.poll, time.Until(p.renewAt)) // or it ends meanwhile, where the camera grants little
	n, err := p.call(ctx, ask{
		ns: nsEvents, action: "PullMessages", wsa: pullPort + "PullMessagesRequest", max: p.s.pace.poll + pollMargin,
		body: fmt.Sprintf("<Timeout>%s</Timeout><MessageLimit>%d</MessageLimit>", seconds(wait), maxNews),
	})
	return n.all("NotificationMessage"), err
}

// sync has the camera say again how things stand.
func (p *subscription) sync(ctx context.Context) error {
	_, err := p.call(ctx, ask{ns: nsEvents, action: "SetSynchronizationPoint", wsa: pullPort + "SetSynchronizationPointRequest"})
	return err
}

func (p *subscription) renew(ctx context.Context) error {
	n, err := p.call(ctx, ask{
		ns: nsNotify, action: "Renew", wsa: manager + "RenewRequest",
		body: "<TerminationTime>" + seconds(p.s.pace.term) + "</TerminationTime>",
	})
	if err == nil {
		p.lasts(n)
	}
	return err
}

// leave ends the subscription: cameras have few of them. Nobody waits long for it.
func (p *subscription) leave(ctx context.Context) {
	_, _ = p.call(context.WithoutCancel(ctx), ask{ns: nsNotify, action: "Unsubscribe", wsa: manager + "UnsubscribeRequest", max: partTime})
}

func (p *subscription) call(ctx context.Context, a ask) (*node, error) {
	a.at, a.head = p.at, p.head
	return p.s.call(ctx, a)
}

// seconds writes a duration as XML Schema does, at least a second.
func seconds(d time.Duration) string { return fmt.Sprintf("PT%dS", max(1, int(d.Seconds()))) }
