package buttplug

import (
	"encoding/json"
	"math"
	"testing"
)

func TestLevel3SurvivesRoundingUp(t *testing.T) {
	for steps := 1; steps <= 300; steps++ {
		for k := 0; k <= steps; k++ {
			raw, err := json.Marshal(level3(k, steps))
			if err != nil {
				t.Fatal(err)
			}
			var level float64
			if err := json.Unmarshal(raw, &level); err != nil {
				t.Fatal(err)
			}
			if got := int(math.Ceil(float64(steps) * level)); got != k || level < 0 || level > 1 {
				t.Fatalf("step %d of %d arrives as %d (%v)", k, steps, got, level)
			}
		}
	}
}

func TestStepsNeverPassThePercentage(t *testing.T) {
	for steps := 1; steps <= 300; steps++ {
		for p := -5; p <= 105; p++ {
			k := stepOf(p, steps)
			if k < 0 || k > steps || percentOf(k, steps) > max(p, 0) {
				t.Fatalf("%d %% of %d steps gives %d", p, steps, k)
			}
		}
		if stepOf(0, steps) != 0 || stepOf(100, steps) != steps {
			t.Fatalf("the ends of %d steps are wrong", steps)
		}
		for k := 0; k <= min(steps, 100); k++ {
			if steps <= 100 && stepOf(percentOf(k, steps), steps) != k {
				t.Fatalf("step %d of %d does not come back from its percentage", k, steps)
			}
		}
	}
}

func hearAll(t *testing.T, version int, frames ...string) *roster {
	t.Helper()
	r := newRoster()
	for _, f := range frames {
		list, err := decode([]byte(f))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			r.hear(m, version)
		}
	}
	return r
}

func TestAList4ReplacesTheList(t *testing.T) {
	one := `[{"DeviceList":{"Id":0,"Devices":{"3":{"DeviceName":"A","DeviceIndex":3,"DeviceMessageTimingGap":100,"DeviceFeatures":{` +
		`"2":{"FeatureIndex":2,"FeatureDescription":"","Output":{"Depth":{"Value":"?"},"Rotate":{"Value":[-20,20]}}},` +
		`"1":{"FeatureIndex":1,"FeatureDescription":"","Output":{"Led":{"Value":[0,255]}}},` +
		`"0":{"FeatureIndex":0,"FeatureDescription":"","Output":{"Oscillate":{"Value":[0,7]}},"Input":{"Battery":{"Value":[[0,100]],"Command":["Read"]}}}}}}}},` +
		`{"Surprise":{"Id":0,"Anything":[1]}}]`
	r := hearAll(t, 4, one)
	toys := r.moving()
	if len(toys) != 1 || len(toys[0].motors) != 2 || toys[0].steps() != 7 || toys[0].motors[1].steps != 20 ||
		toys[0].sensor == nil || toys[0].sensor.subscribe || toys[0].gap.Milliseconds() != 100 {
		t.Fatalf("heard %+v", toys)
	}
	gone := hearAll(t, 4, one, `[{"DeviceList":{"Id":0,"Devices":{}}}]`)
	if gone.has(toys[0]) || !r.has(toys[0]) {
		t.Fatal("a list does not replace the one before")
	}
	other := hearAll(t, 4, `[{"DeviceList":{"Id":0,"Devices":{"3":{"DeviceName":"B","DeviceIndex":3,"DeviceFeatures":{}}}}}]`)
	if other.has(toys[0]) {
		t.Fatal("another toy with the same index passes for the first")
	}
}

func TestVersion3ComesAndGoes(t *testing.T) {
	added := `[{"DeviceAdded":{"Id":0,"DeviceIndex":1,"DeviceName":"A","DeviceDisplayName":"Night light","DeviceMessages":{` +
		`"ScalarCmd":[{"ActuatorType":"Constrict","StepCount":3},{"ActuatorType":"Vibrate","StepCount":20}],` +
		`"RotateCmd":[{"ActuatorType":"Rotate","StepCount":10}],"LinearCmd":[{"StepCount":5}],"SensorReadCmd":[{"SensorType":"RSSI"},{"SensorType":"Battery"}],"StopDeviceCmd":{}}}}]`
	r := hearAll(t, 3, added)
	toys := r.moving()
	if len(toys) != 1 || len(toys[0].motors) != 2 || toys[0].motors[0].index != 1 || !toys[0].motors[1].rotator ||
		toys[0].sensor.index != 1 || !toys[0].is("night LIGHT") || !toys[0].is("1") || toys[0].is("") {
		t.Fatalf("heard %+v", toys)
	}
	frame, err := encode(toys[0].drive(3, 50)...)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"ScalarCmd":{"Id":0,"DeviceIndex":1,"Scalars":[{"Index":1,"Scalar":0.475,"ActuatorType":"Vibrate"}]}},` +
		`{"RotateCmd":{"Id":0,"DeviceIndex":1,"Rotations":[{"Index":0,"Speed":0.45,"Clockwise":true}]}}]`
	if string(frame) != want {
		t.Fatalf("it writes %s", frame)
	}
	if hearAll(t, 3, added, `[{"DeviceRemoved":{"Id":0,"DeviceIndex":1}}]`).has(toys[0]) {
		t.Fatal("a removed toy is still there")
	}
}

func TestTwoToysAreNothingToGuess(t *testing.T) {
	a, b := toy{index: 0, name: "A", motors: []motor{{steps: 1}}}, toy{index: 1, name: "A", motors: []motor{{steps: 1}}}
	for _, wish := range []string{"", "a"} {
		if _, _, err := choose([]toy{a, b}, wish); err == nil {
			t.Fatalf("%q picks one of two", wish)
		}
	}
	if got, ok, err := choose([]toy{a, b}, "1"); !ok || err != nil || got.index != 1 {
		t.Fatalf("index 1 gives %+v, %v", got, err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		``, `[]`, `{}`, `[{}]`, `[null]`, `[{"Ok":null}]`, `[{"Ok":{"Id":-1}}]`, `[{"Ok":{"Id":4294967295}},{"Ping":{"Id":1}}]`,
		`[{"ServerInfo":{"Id":1,"MessageVersion":3,"MaxPingTime":0,"ServerName":"x"}}]`,
		`[{"DeviceList":{"Id":1,"Devices":[{"DeviceName":"A","DeviceIndex":0,"DeviceMessages":{"ScalarCmd":[{"StepCount":-1,"ActuatorType":"Vibrate"}]}}]}}]`,
		`[{"DeviceList":{"Id":1,"Devices":{"0":{"DeviceName":"A","DeviceIndex":0,"DeviceFeatures":{"0":{"Output":{"Vibrate":{"Value":[0,99999999999]}}}}}}}}]`,
		`[{"DeviceAdded":{"Id":0,"DeviceIndex":1,"DeviceName":"A","DeviceMessages":{"RotateCmd":[{"StepCount":2}]}}}]`,
		`[{"SensorReading":{"Id":0,"DeviceIndex":0,"SensorType":"Battery","Data":[1e300]}}]`,
		`[{"InputReading":{"Id":0,"DeviceIndex":0,"Reading":{"Battery":{"Value":-5}}}}]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		list, err := decode(frame)
		if err != nil {
			return
		}
		for _, version := range []int{3, 4} {
			r := newRoster()
			for _, m := range list {
				r.hear(m, version)
				_, _ = as[serverInfo](m)
				_, _ = as[errorReply](m)
			}
			for _, toy := range r.moving() {
				judge(t, version, toy)
			}
		}
	})
}

// judge drives whatever toy was heard of: what goes out stays within what it can do.
func judge(t *testing.T, version int, toy toy) {
	if toy.steps() < 1 || toy.steps() > maxSteps || toy.gap < 0 || toy.gap > maxGap {
		t.Fatalf("a toy of %d steps with a gap of %v", toy.steps(), toy.gap)
	}
	for _, percent := range []int{-1, 1, 50, 100, 1000} {
		for _, r := range toy.drive(version, percent) {
			switch c := r.(type) {
			case *scalarCmd:
				for _, s := range c.Scalars {
					if !(s.Scalar >= 0 && s.Scalar <= 1) {
						t.Fatalf("level %v", s.Scalar)
					}
				}
			case *outputCmd:
				for _, v := range c.Command {
					if v.Value < 0 || v.Value > maxSteps {
						t.Fatalf("value %d", v.Value)
					}
				}
			}
		}
	}
}
