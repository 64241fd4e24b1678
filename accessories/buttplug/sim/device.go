package sim

// Rocket as both versions list it.

type device3 struct {
	DeviceName             string
	DeviceIndex            uint32
	DeviceMessageTimingGap int64
	DeviceMessages         messages3
}

type added3 struct {
	Id uint32
	device3
}

type removed3 struct {
	Id          uint32
	DeviceIndex uint32
}

type messages3 struct {
	ScalarCmd          []actuator3
	SensorReadCmd      []sensor3
	SensorSubscribeCmd []sensor3
	StopDeviceCmd      struct{}
}

type actuator3 struct {
	FeatureDescriptor string
	ActuatorType      string
	StepCount         int
}

type sensor3 struct {
	SensorType        string
	FeatureDescriptor string
	SensorRange       [][2]int
}

type list3 struct {
	Id      uint32
	Devices []device3
}

type device4 struct {
	DeviceName             string
	DeviceIndex            uint32
	DeviceMessageTimingGap int64
	DeviceFeatures         map[string]feature4
}

type feature4 struct {
	FeatureIndex       int
	FeatureDescription string
	Output             map[string]output4 `json:",omitempty"`
	Input              map[string]input4  `json:",omitempty"`
}

type output4 struct{ Value [2]int }

type input4 struct {
	Value   [][2]int
	Command []string
}

type list4 struct {
	Id      uint32
	Devices map[string]device4
}

const name = "Rocket"

func (s *Sim) rocket3() device3 {
	battery := []sensor3{{SensorType: "Battery", FeatureDescriptor: "battery", SensorRange: [][2]int{{0, 100}}}}
	return device3{
		DeviceName: name, DeviceMessageTimingGap: s.options.MessageGap.Milliseconds(),
		DeviceMessages: messages3{
			ScalarCmd:     []actuator3{{FeatureDescriptor: "motor", ActuatorType: "Vibrate", StepCount: Steps}},
			SensorReadCmd: battery, SensorSubscribeCmd: battery,
		},
	}
}

func (s *Sim) rocket4() device4 {
	motor := feature4{FeatureIndex: 0, FeatureDescription: "motor", Output: map[string]output4{"Vibrate": {[2]int{0, Steps}}}}
	battery := feature4{FeatureIndex: 1, FeatureDescription: "battery", Input: map[string]input4{
		"Battery": {Value: [][2]int{{0, 100}}, Command: []string{"Read", "Subscribe"}},
	}}
	return device4{
		DeviceName: name, DeviceMessageTimingGap: s.options.MessageGap.Milliseconds(),
		DeviceFeatures: map[string]feature4{"0": motor, "1": battery},
	}
}
