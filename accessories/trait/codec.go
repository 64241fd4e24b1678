package trait

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// ErrValue says that a value is not of the trait's type.
var ErrValue = errors.New("trait: value does not fit")

type codec struct {
	decode func([]byte) (any, error)
	parse  func(string) (any, error)
}

func codecOf[T any]() codec {
	decode := func(raw []byte) (any, error) {
		var v *T
		if err := json.Unmarshal(raw, &v); err != nil || v == nil {
			return nil, ErrValue
		}
		return *v, nil
	}
	parse := func(s string) (any, error) { return decode([]byte(s)) }
	if _, isBool := any(*new(T)).(bool); isBool {
		parse = parseSwitch
	}
	return codec{decode: decode, parse: parse}
}

// parseSwitch reads what people write for yes and no.
func parseSwitch(s string) (any, error) {
	switch s {
	case "on", "yes":
		return true, nil
	case "off", "no":
		return false, nil
	}
	v, err := strconv.ParseBool(s)
	if err != nil {
		return nil, ErrValue
	}
	return v, nil
}

// Parse makes a command from what a person typed: "50", "on", "true". Errors wrap ErrValue.
func (a Any) Parse(s string) (Command, error) {
	v, err := a.def.codec.parse(s)
	if err != nil {
		return Command{}, fmt.Errorf("%w: %s cannot be %q", err, a.ID(), s)
	}
	return Command{Trait: a, value: v}, nil
}

// Command makes a command from its JSON value. Errors wrap ErrValue.
func (a Any) Command(raw json.RawMessage) (Command, error) {
	v, err := a.def.codec.decode(raw)
	if err != nil {
		return Command{}, fmt.Errorf("%w: %s", err, a.ID())
	}
	return Command{Trait: a, value: v}, nil
}

// Reading makes a reading from its JSON value. Errors wrap ErrValue.
func (a Any) Reading(raw json.RawMessage, at time.Time) (Reading, error) {
	v, err := a.def.codec.decode(raw)
	if err != nil {
		return Reading{}, fmt.Errorf("%w: %s", err, a.ID())
	}
	return Reading{Trait: a, At: at.UTC(), value: v}, nil
}

// JSON is the reading's value as it goes over the wire.
func (r Reading) JSON() json.RawMessage { return encode(r.value) }

// JSON is the command's value as it goes over the wire.
func (c Command) JSON() json.RawMessage { return encode(c.value) }

// encode cannot fail: the types of values are declared in this package and are all plain.
func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return raw
}
