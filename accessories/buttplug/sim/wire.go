package sim

import (
	"bytes"
	"encoding/json"
	"errors"
)

// The simulator has its own types of the protocol: sharing the driver's would let both be wrong
// together.

type fields map[string]json.RawMessage // one message: {"Name": {…}}

// The error codes of the protocol.
const (
	errHandshake = 1
	errPing      = 2
	errMessage   = 3
	errDevice    = 4
)

// refusal is an Error message on its way to the client.
type refusal struct {
	code int
	text string
}

func (r *refusal) Error() string { return r.text }

func refuse(code int, text string) error { return &refusal{code, text} }

// strictly reads a body. Unknown fields are errors, as they are for the schema.
func strictly(body json.RawMessage, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return refuse(errMessage, "malformed message")
	}
	return nil
}

func one(name string, body any) ([]byte, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return json.Marshal([]fields{{name: raw}})
}

type only struct{ Id uint32 }

type helloBody struct {
	Id                   uint32
	ClientName           *string
	MessageVersion       *int
	ProtocolVersionMajor *int
	ProtocolVersionMinor *int
}

// version is what the first message asks for.
func (h helloBody) version() (int, error) {
	switch {
	case h.ClientName == nil:
		return 0, errors.New("no name")
	case h.ProtocolVersionMajor != nil && h.ProtocolVersionMinor != nil && h.MessageVersion == nil:
		return *h.ProtocolVersionMajor, nil
	case h.MessageVersion != nil && h.ProtocolVersionMajor == nil && h.ProtocolVersionMinor == nil:
		return *h.MessageVersion, nil
	}
	return 0, errors.New("no version")
}

type info3 struct {
	Id             uint32
	ServerName     string
	MessageVersion int
	MaxPingTime    int64
}

type info4 struct {
	Id                   uint32
	ServerName           string
	ProtocolVersionMajor int
	ProtocolVersionMinor int
	MaxPingTime          int64
}

type errorBody struct {
	Id           uint32
	ErrorMessage string
	ErrorCode    int
}

type scalarBody struct {
	Id          uint32
	DeviceIndex uint32
	Scalars     []struct {
		Index        int
		Scalar       float64
		ActuatorType string
	}
}

type stopBody struct {
	Id           uint32
	DeviceIndex  *uint32
	FeatureIndex *uint32
	Inputs       *bool
	Outputs      *bool
}

type outputBody struct {
	Id           uint32
	DeviceIndex  uint32
	FeatureIndex int
	Command      map[string]struct{ Value float64 }
}

type inputBody struct {
	Id           uint32
	DeviceIndex  uint32
	FeatureIndex int
	Type         string
	Command      string
}

type sensorBody struct {
	Id          uint32
	DeviceIndex uint32
	SensorIndex int
	SensorType  string
}

type sensorReadingBody struct {
	Id          uint32
	DeviceIndex uint32
	SensorIndex int
	SensorType  string
	Data        []int
}

type levelBody struct{ Value int }

type inputReadingBody struct {
	Id           uint32
	DeviceIndex  uint32
	FeatureIndex int
	Reading      map[string]levelBody
}
