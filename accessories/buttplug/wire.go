package buttplug

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Every frame is a JSON array of one-key objects: [{"Ping":{"Id":7}}]. Raw JSON goes no further than
// this file and toys.go: the rest of the package sees typed messages.

const (
	maxFrame    = 1 << 20 // bytes; the device list of a full server has a few kilobytes
	maxMessages = 256     // in one frame
)

// The error codes of the protocol that matter here.
const (
	codePing = 2
)

var errFrame = errors.New("not a Buttplug frame")

// message is one message from the server. ID 0 is an event, any other answers a request.
type message struct {
	name string
	id   uint32
	body json.RawMessage
}

// decode cuts a frame into messages. It does not look into bodies beyond the Id.
func decode(frame []byte) ([]message, error) {
	if len(frame) > maxFrame {
		return nil, fmt.Errorf("%w: %d bytes", errFrame, len(frame))
	}
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(frame, &list); err != nil {
		return nil, fmt.Errorf("%w: %w", errFrame, err)
	}
	if len(list) == 0 || len(list) > maxMessages {
		return nil, fmt.Errorf("%w: %d messages", errFrame, len(list))
	}
	out := make([]message, 0, len(list))
	for _, one := range list {
		if len(one) != 1 {
			return nil, fmt.Errorf("%w: a message with %d names", errFrame, len(one))
		}
		for name, body := range one {
			m := message{name: name, body: body}
			head, err := as[header](m)
			if err != nil {
				return nil, err
			}
			m.id = head.ID
			out = append(out, m)
		}
	}
	return out, nil
}

// as reads the body of a message.
func as[T any](m message) (T, error) {
	var v T
	if err := json.Unmarshal(m.body, &v); err != nil {
		return v, fmt.Errorf("%w: %s: %w", errFrame, m.name, err)
	}
	return v, nil
}

// request is a message to the server.
type request interface {
	name() string
	number(id uint32)
}

// encode puts requests into one frame.
func encode(list ...request) ([]byte, error) {
	frame := make([]map[string]request, len(list))
	for i, r := range list {
		frame[i] = map[string]request{r.name(): r}
	}
	return json.Marshal(frame)
}

type header struct {
	ID uint32 `json:"Id"`
}

func (h *header) number(id uint32) { h.ID = id }

// Requests of both versions.
type (
	ping              struct{ header }
	startScanning     struct{ header }
	stopScanning      struct{ header }
	requestDeviceList struct{ header }
)

func (*ping) name() string              { return "Ping" }
func (*startScanning) name() string     { return "StartScanning" }
func (*stopScanning) name() string      { return "StopScanning" }
func (*requestDeviceList) name() string { return "RequestDeviceList" }

// Requests of version 3.
type (
	hello3 struct {
		header
		ClientName     string
		MessageVersion int
	}
	scalarCmd struct {
		header
		DeviceIndex uint32
		Scalars     []scalar
	}
	scalar struct {
		Index        uint32
		Scalar       float64
		ActuatorType string
	}
	rotateCmd struct {
		header
		DeviceIndex uint32
		Rotations   []rotation
	}
	rotation struct {
		Index     uint32
		Speed     float64
		Clockwise bool
	}
	stopDeviceCmd struct {
		header
		DeviceIndex uint32
	}
	sensorCmd struct {
		header
		DeviceIndex uint32
		SensorIndex uint32
		SensorType  string
		subscribe   bool
	}
)

func (*hello3) name() string        { return "RequestServerInfo" }
func (*scalarCmd) name() string     { return "ScalarCmd" }
func (*rotateCmd) name() string     { return "RotateCmd" }
func (*stopDeviceCmd) name() string { return "StopDeviceCmd" }
func (s *sensorCmd) name() string {
	if s.subscribe {
		return "SensorSubscribeCmd"
	}
	return "SensorReadCmd"
}

// Requests of version 4.
type (
	hello4 struct {
		header
		ClientName           string
		ProtocolVersionMajor int
		ProtocolVersionMinor int
	}
	outputCmd struct {
		header
		DeviceIndex  uint32
		FeatureIndex uint32
		Command      map[string]outputValue
	}
	outputValue struct{ Value int }
	inputCmd    struct {
		header
		DeviceIndex  uint32
		FeatureIndex uint32
		Type         string
		Command      string
	}
	// stopCmd leaves Inputs alone: they default to true, which would end the battery's subscription.
	stopCmd struct {
		header
		DeviceIndex uint32
		Inputs      bool
		Outputs     bool
	}
)

func (*hello4) name() string    { return "RequestServerInfo" }
func (*outputCmd) name() string { return "OutputCmd" }
func (*inputCmd) name() string  { return "InputCmd" }
func (*stopCmd) name() string   { return "StopCmd" }

// Answers. Their fields are those of both versions; MaxPingTime is in milliseconds.
type (
	serverInfo struct {
		MessageVersion       int
		ProtocolVersionMajor int
		MaxPingTime          uint32
	}
	errorReply struct {
		ErrorMessage string
		ErrorCode    int
	}
	sensorReading struct {
		DeviceIndex uint32
		SensorType  string
		Data        []float64
	}
	inputReading struct {
		DeviceIndex uint32
		Reading     struct{ Battery *struct{ Value float64 } }
	}
)

// version says which version of the protocol the server agreed to; 0 when it did not say.
func (s serverInfo) version() int { return max(s.ProtocolVersionMajor, s.MessageVersion) }

// battery gives the percentage that a reading carries, and the toy that it is about.
func battery(m message) (percent int, toy uint32, ok bool) {
	switch m.name {
	case "InputReading":
		r, err := as[inputReading](m)
		if err != nil || r.Reading.Battery == nil {
			return 0, 0, false
		}
		return wholePercent(r.Reading.Battery.Value), r.DeviceIndex, true
	case "SensorReading":
		r, err := as[sensorReading](m)
		if err != nil || r.SensorType != typeBattery || len(r.Data) == 0 {
			return 0, 0, false
		}
		return wholePercent(r.Data[0]), r.DeviceIndex, true
	}
	return 0, 0, false
}

func wholePercent(v float64) int { return int(min(max(v, 0), 100)) }
