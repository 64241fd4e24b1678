package main

import (
	"context"
	"errors"
	"time"

	"github.com/ingle-home/ingle/hub/hap/haptest"
)

// waiting sums up how long a controller waited for a server. What the controller itself computes
// between the messages is left out: it is the same for both sides and would hide their difference.
type waiting struct {
	link *link
	sum  time.Duration
}

func (w *waiting) post(path string, body []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	request := haptest.Request("POST", path, body)
	begun := time.Now()
	m, err := w.link.exchange(request)
	w.sum += time.Since(begun)
	return append([]byte(nil), m.body...), err
}

// pair does a whole pair-setup with a side that nobody is paired with.
func (s *side) pair(ctx context.Context) (time.Duration, error) {
	l, err := dial(ctx, s.address)
	if err != nil {
		return 0, err
	}
	defer l.close()
	w := &waiting{link: l}
	setup := haptest.NewSetup(s.ready.Code, haptest.Options{})
	m2, err := w.post("/pair-setup", setup.M1(), nil)
	m3, err := then(err, setup.M3, m2)
	m4, err := w.post("/pair-setup", m3, err)
	m5, err := then(err, setup.M5, m4)
	m6, err := w.post("/pair-setup", m5, err)
	if err != nil {
		return 0, err
	}
	s.creds, err = setup.Done(m6)
	return w.sum, err
}

// then makes a message of an answer, unless something went wrong before.
func then(err error, message func([]byte) ([]byte, error), answer []byte) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return message(answer)
}

// enter opens a session: a new connection and a pair-verify.
func (s *side) enter(ctx context.Context) (*link, time.Duration, error) {
	begun := time.Now()
	l, err := dial(ctx, s.address)
	if err != nil {
		return nil, 0, err
	}
	w := &waiting{link: l, sum: time.Since(begun)}
	verify := haptest.NewVerify(s.creds)
	m2, err := w.post("/pair-verify", verify.M1(), nil)
	m3, err := then(err, verify.M3, m2)
	m4, err := w.post("/pair-verify", m3, err)
	secret, err := then(err, verify.Done, m4)
	if err == nil {
		err = l.secure(secret)
	}
	if err != nil {
		l.close()
		return nil, 0, err
	}
	return l, w.sum, nil
}

// leave takes our pairing away again: the last one, so that the next pair-setup can begin.
func (s *side) leave(ctx context.Context) error {
	l, _, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer l.close()
	remove := haptest.Pack(haptest.Field{Type: haptest.State, Value: []byte{1}},
		haptest.Field{Type: haptest.Method, Value: []byte{4}},
		haptest.Field{Type: haptest.Identifier, Value: []byte(s.creds.ID)})
	m, err := l.want(200, "POST", "/pairings", remove)
	if err == nil && haptest.Code(m.body, haptest.Error) >= 0 {
		err = errors.New("the pairing cannot be removed")
	}
	return err
}
