package datastream

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/ingle-home/ingle/hub/hap/datastream/opack"
)

// Status is how a request was answered. It is an error, so that a Protocol can return it; StatusOK is
// never returned as an error.
type Status int64

// The statuses of the data stream (HomeKit Accessory Protocol, data stream message format).
const (
	StatusOK              Status = 0
	StatusOutOfMemory     Status = 1
	StatusTimeout         Status = 2
	StatusHeader          Status = 3 // the header cannot be read
	StatusPayload         Status = 4 // the message cannot be read
	StatusMissingProtocol Status = 5 // nobody speaks it here
	StatusProtocol        Status = 6 // as the protocol says; the message tells more
)

// Error says the status as a number with its meaning.
func (s Status) Error() string {
	text := "unknown"
	if names := [...]string{"success", "out of memory", "timeout", "header error", "payload error", "missing protocol",
		"protocol specific error"}; s >= 0 && int(s) < len(names) {
		text = names[s]
	}
	return "datastream: status " + strconv.FormatInt(int64(s), 10) + " " + text
}

// The protocol of the transport itself.
const (
	control    = "control"
	topicHello = "hello"
)

// kind is what a message is. Its name in the header has the topic.
type kind string

const (
	event    kind = "event"
	request  kind = "request"
	response kind = "response"
)

// message is the payload of a frame: the length of the header, the header and the body, both
// dictionaries.
type message struct {
	kind            kind
	protocol, topic string
	id              int64  // requests and responses
	status          Status // responses
	body            opack.Value
}

// hello reports whether m is the request that begins a stream.
func (m message) hello() bool {
	return m.kind == request && m.protocol == control && m.topic == topicHello
}

var (
	errHeader = errors.New("datastream: not a header")
	errBody   = errors.New("datastream: the message is no dictionary")
)

// parseMessage reads a payload. After errBody, the rest of the message is good.
func parseMessage(payload []byte) (message, error) {
	if len(payload) == 0 || len(payload)-1 < int(payload[0]) {
		return message{}, errHeader
	}
	behind := 1 + int(payload[0])
	header, err := opack.Parse(payload[1:behind])
	if err != nil {
		return message{}, fmt.Errorf("%w: %w", errHeader, err)
	}
	m, err := parseHeader(header)
	if err != nil {
		return message{}, err
	}
	body, err := opack.Parse(payload[behind:])
	if _, ok := body.Pairs(); err != nil || !ok {
		return m, errors.Join(errBody, err)
	}
	m.body = body
	return m, nil
}

func parseHeader(header opack.Value) (message, error) {
	var m message
	for _, k := range []kind{event, request, response} {
		topic := header.Get(string(k))
		if topic.Null() {
			continue
		}
		text, ok := topic.Text()
		if !ok || m.kind != "" {
			return m, errHeader
		}
		m.kind, m.topic = k, text
	}
	protocol, named := header.Get("protocol").Text()
	id, numbered := header.Get("id").Int()
	status, told := header.Get("status").Int()
	if !named || m.kind == "" || m.kind != event && !numbered || m.kind == response && !told {
		return m, errHeader
	}
	m.protocol, m.id, m.status = protocol, id, Status(status)
	return m, nil
}

// append writes the payload behind b. A body of null is an empty one.
func (m message) append(b []byte) ([]byte, error) {
	pairs := []opack.Pair{{Key: "protocol", Value: opack.String(m.protocol)}, {Key: string(m.kind), Value: opack.String(m.topic)}}
	if m.kind != event {
		pairs = append(pairs, opack.Pair{Key: "id", Value: opack.Int64(m.id)})
	}
	if m.kind == response {
		pairs = append(pairs, opack.Pair{Key: "status", Value: opack.Int64(int64(m.status))})
	}
	header := opack.Dictionary(pairs...).Append(nil)
	if len(header) > math.MaxUint8 {
		return b, errHeader
	}
	body := m.body
	if body.Null() {
		body = opack.Dictionary()
	} else if _, ok := body.Pairs(); !ok {
		return b, errBody
	}
	return body.Append(append(append(b, byte(len(header))), header...)), nil
}
