package buttplug

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// The feature types that we know. All others are ignored: the servers' list grows.
const (
	typeVibrate   = "Vibrate"
	typeRotate    = "Rotate"
	typeOscillate = "Oscillate"
	typeBattery   = "Battery"
)

const (
	maxToys  = 256
	maxSteps = 1 << 16
	maxGap   = 5 * time.Second // a longer gap would make a toy that cannot be steered
)

// toy is one device of a server, as either version lists it.
type toy struct {
	index   uint32
	name    string // what the server calls the model
	display string // what its owner calls it
	gap     time.Duration
	motors  []motor
	sensor  *sensor
}

// motor is one output that moves. In version 3 rotators with a direction have numbers of their own.
type motor struct {
	index   uint32
	kind    string
	steps   int
	rotator bool
}

// sensor is the battery.
type sensor struct {
	index     uint32
	subscribe bool // it can tell by itself
}

// steps is the resolution of the toy: that of its first motor.
func (t toy) steps() int { return t.motors[0].steps }

// is says whether a person means this toy by a name or an index.
func (t toy) is(wanted string) bool {
	return wanted == strconv.FormatUint(uint64(t.index), 10) ||
		strings.EqualFold(wanted, t.name) || t.display != "" && strings.EqualFold(wanted, t.display)
}

// stepOf gives the highest step that is not above a percentage: rounding up would pass a cap. Steps
// have the whole percentages of percentOf, so that 33 % is the first of three.
func stepOf(percent, steps int) int {
	percent = min(max(percent, 0), 100)
	k := percent * steps / 100
	if percent > 0 && k < steps && percentOf(k+1, steps) <= percent {
		k++
	}
	return k
}

// percentOf is the whole percentage nearest to a step.
func percentOf(step, steps int) int { return int(math.Round(100 * float64(step) / float64(steps))) }

// level3 is how version 3 writes a step: servers multiply by the number of steps and round up, and
// k/steps can come out a hair too high (7/25 of 25 gives 8).
func level3(step, steps int) float64 {
	if step <= 0 {
		return 0
	}
	return (float64(min(step, steps)) - 0.5) / float64(steps)
}

// device3 is one device of version 3.
type device3 struct {
	DeviceName             string
	DeviceIndex            uint32
	DeviceDisplayName      string
	DeviceMessageTimingGap uint32 // milliseconds
	DeviceMessages         struct {
		ScalarCmd, RotateCmd              []actuator3
		SensorReadCmd, SensorSubscribeCmd []sensor3
	}
}

type actuator3 struct {
	ActuatorType string
	StepCount    int
}

type sensor3 struct{ SensorType string }

type deviceList3 struct{ Devices []device3 }

func (d device3) toy() toy {
	t := toy{index: d.DeviceIndex, name: d.DeviceName, display: d.DeviceDisplayName, gap: gapOf(d.DeviceMessageTimingGap)}
	for i, a := range d.DeviceMessages.ScalarCmd {
		if moves(a.ActuatorType) && a.StepCount > 0 && a.StepCount <= maxSteps {
			t.motors = append(t.motors, motor{index: uint32(i), kind: a.ActuatorType, steps: a.StepCount})
		}
	}
	for i, a := range d.DeviceMessages.RotateCmd {
		if a.StepCount > 0 && a.StepCount <= maxSteps {
			t.motors = append(t.motors, motor{index: uint32(i), kind: typeRotate, steps: a.StepCount, rotator: true})
		}
	}
	for i, s := range d.DeviceMessages.SensorReadCmd {
		if s.SensorType == typeBattery {
			follow := d.DeviceMessages.SensorSubscribeCmd
			t.sensor = &sensor{index: uint32(i), subscribe: i < len(follow) && follow[i].SensorType == typeBattery}
			break
		}
	}
	return t
}

// device4 is one device of version 4.
type device4 struct {
	DeviceName             string
	DeviceIndex            uint32
	DeviceDisplayName      string
	DeviceMessageTimingGap uint32 // milliseconds
	DeviceFeatures         map[string]feature4
}

type feature4 struct {
	FeatureIndex uint32
	Output       map[string]json.RawMessage
	Input        map[string]json.RawMessage
}

type output4 struct{ Value []int }

type input4 struct{ Command []string }

type deviceList4 struct{ Devices map[string]device4 }

func (d device4) toy() toy {
	t := toy{index: d.DeviceIndex, name: d.DeviceName, display: d.DeviceDisplayName, gap: gapOf(d.DeviceMessageTimingGap)}
	for _, f := range ordered(d.DeviceFeatures) {
		if m, ok := f.motor(); ok {
			t.motors = append(t.motors, m)
		}
		if s, ok := f.battery(); ok && t.sensor == nil {
			t.sensor = &s
		}
	}
	return t
}

// motor gives the one output of a feature that moves. The lower end of its range is negative where
// it can turn both ways; we turn it one way.
func (f feature4) motor() (motor, bool) {
	for _, kind := range []string{typeVibrate, typeRotate, typeOscillate} {
		var out output4
		raw, ok := f.Output[kind]
		if !ok || json.Unmarshal(raw, &out) != nil || len(out.Value) != 2 {
			continue
		}
		if low, high := out.Value[0], out.Value[1]; low <= 1 && high > 0 && high <= maxSteps {
			return motor{index: f.FeatureIndex, kind: kind, steps: high}, true
		}
	}
	return motor{}, false
}

func (f feature4) battery() (sensor, bool) {
	var in input4
	raw, ok := f.Input[typeBattery]
	if !ok || json.Unmarshal(raw, &in) != nil {
		return sensor{}, false
	}
	s := sensor{index: f.FeatureIndex}
	reads := false
	for _, c := range in.Command {
		reads = reads || c == "Read"
		s.subscribe = s.subscribe || c == "Subscribe"
	}
	return s, reads
}

// moves says whether a type of output is a motor whose speed can be set.
func moves(kind string) bool {
	return kind == typeVibrate || kind == typeRotate || kind == typeOscillate
}

func gapOf(ms uint32) time.Duration { return min(time.Duration(ms)*time.Millisecond, maxGap) }

// drive makes the requests that turn every motor of a toy at a percentage.
func (t toy) drive(version, percent int) []request {
	if version >= 4 {
		var out []request
		for _, m := range t.motors {
			value := map[string]outputValue{m.kind: {Value: stepOf(percent, m.steps)}}
			out = append(out, &outputCmd{DeviceIndex: t.index, FeatureIndex: m.index, Command: value})
		}
		return out
	}
	scalars, rotations := &scalarCmd{DeviceIndex: t.index}, &rotateCmd{DeviceIndex: t.index}
	for _, m := range t.motors {
		level := level3(stepOf(percent, m.steps), m.steps)
		if m.rotator {
			rotations.Rotations = append(rotations.Rotations, rotation{Index: m.index, Speed: level, Clockwise: true})
		} else {
			scalars.Scalars = append(scalars.Scalars, scalar{Index: m.index, Scalar: level, ActuatorType: m.kind})
		}
	}
	var out []request
	if len(scalars.Scalars) > 0 {
		out = append(out, scalars)
	}
	if len(rotations.Rotations) > 0 {
		out = append(out, rotations)
	}
	return out
}

// stop makes the request that brings all of a toy to rest.
func (t toy) stop(version int) request {
	if version >= 4 {
		return &stopCmd{DeviceIndex: t.index, Outputs: true}
	}
	return &stopDeviceCmd{DeviceIndex: t.index}
}

// readBattery makes the requests that ask for the battery now and, where the toy can, from now on.
func (t toy) readBattery(version int) request {
	if version >= 4 {
		return &inputCmd{DeviceIndex: t.index, FeatureIndex: t.sensor.index, Type: typeBattery, Command: "Read"}
	}
	return &sensorCmd{DeviceIndex: t.index, SensorIndex: t.sensor.index, SensorType: typeBattery}
}

func (t toy) followBattery(version int) request {
	if version >= 4 {
		return &inputCmd{DeviceIndex: t.index, FeatureIndex: t.sensor.index, Type: typeBattery, Command: "Subscribe"}
	}
	return &sensorCmd{DeviceIndex: t.index, SensorIndex: t.sensor.index, SensorType: typeBattery, subscribe: true}
}
