package sim

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// client is one line. Everything but reading happens in serve's goroutine.
type client struct {
	sim  *Sim
	conn *websocket.Conn
	news chan struct{} // holds one token while there is something to push

	version    int // 0 before the handshake
	timer      *time.Timer
	out        bool // pinged out: nothing is accepted any more
	listed     bool // the client knows that the toy is there
	subscribed bool
	charge     int // the last battery level that was pushed
}

func (c *client) serve() {
	frames := make(chan []byte)
	gone := make(chan struct{})
	ended := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { defer close(ended); c.read(frames, gone) })
	defer wg.Wait()
	defer func() { close(gone); _ = c.conn.CloseNow() }()
	c.timer = time.NewTimer(time.Hour)
	defer c.timer.Stop()
	for {
		var err error
		select {
		case frame := <-frames:
			err = c.frame(frame)
		case <-c.timer.C:
			err = c.pingedOut()
		case <-c.news:
			err = c.push()
		case <-ended:
			return
		}
		if err != nil {
			return
		}
	}
}

func (c *client) read(frames chan<- []byte, gone <-chan struct{}) {
	for {
		kind, frame, err := c.conn.Read(context.Background())
		if err != nil || kind != websocket.MessageText {
			return
		}
		select {
		case frames <- frame:
		case <-gone:
			return
		}
	}
}

func (c *client) send(name string, body any) error {
	frame, err := one(name, body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return c.conn.Write(ctx, websocket.MessageText, frame)
}

// pingedOut stops the toy before it says why: the client may be frozen.
func (c *client) pingedOut() error {
	if c.version == 0 || c.sim.options.MaxPingTime <= 0 {
		return nil
	}
	c.out = true
	c.sim.change(func() { c.sim.loseLocked(c) })
	return c.send("Error", errorBody{ErrorMessage: "ping timeout", ErrorCode: errPing})
}

func (c *client) rearm() {
	if max := c.sim.options.MaxPingTime; max > 0 && !c.out {
		c.timer.Reset(max)
	}
}

func (c *client) frame(frame []byte) error {
	if c.sim.options.Heard != nil {
		c.sim.options.Heard(c.version, frame)
	}
	var list []fields
	if err := json.Unmarshal(frame, &list); err != nil || len(list) == 0 {
		return c.answerError(0, refuse(errMessage, "not an array of messages"))
	}
	for _, m := range list {
		for name, body := range m {
			if err := c.message(name, body); err != nil {
				return err
			}
		}
	}
	return nil
}

// message answers one message; its error ends the line.
func (c *client) message(name string, body json.RawMessage) error {
	var head only
	if json.Unmarshal(body, &head) != nil || head.Id == 0 {
		return c.answerError(0, refuse(errMessage, "a client's Id starts at 1"))
	}
	var err error
	switch {
	case c.out:
		err = refuse(errPing, "pinged out")
	case c.version == 0:
		err = c.handshake(name, body)
	case name == "RequestServerInfo":
		err = refuse(errHandshake, "the handshake is over")
	case c.version == 3:
		err = c.message3(name, head.Id, body)
	default:
		err = c.message4(name, head.Id, body)
	}
	return c.answerError(head.Id, err)
}

func (c *client) answerError(id uint32, err error) error {
	var r *refusal
	if errors.As(err, &r) {
		return c.send("Error", errorBody{Id: id, ErrorMessage: r.text, ErrorCode: r.code})
	}
	return err
}

func (c *client) handshake(name string, body json.RawMessage) error {
	var h helloBody
	if name != "RequestServerInfo" {
		return refuse(errHandshake, "the handshake comes first")
	}
	if err := strictly(body, &h); err != nil {
		return refuse(errHandshake, "malformed handshake")
	}
	version, err := h.version()
	if err != nil || !c.sim.speaks(version) {
		return refuse(errHandshake, "this version is not spoken here")
	}
	c.version = version
	c.rearm()
	_, c.listed = c.sim.look()
	ms := c.sim.options.MaxPingTime.Milliseconds()
	if version == 3 {
		return c.send("ServerInfo", info3{h.Id, "Sim", 3, ms})
	}
	return c.send("ServerInfo", info4{h.Id, "Sim", 4, 0, ms})
}

// both answers what is the same in both versions; done is false for other messages.
func (c *client) both(name string, id uint32, body json.RawMessage) (done bool, err error) {
	switch name {
	case "Ping", "StartScanning", "StopScanning", "RequestDeviceList":
	default:
		return false, nil
	}
	if err := strictly(body, &only{}); err != nil {
		return true, err
	}
	switch name {
	case "Ping":
		if c.sim.options.MaxPingTime <= 0 {
			return true, refuse(errPing, "no ping is wanted")
		}
		c.rearm()
	case "StartScanning":
		return true, c.scan(id)
	case "RequestDeviceList":
		return true, c.list(id)
	}
	return true, c.ok(id)
}

func (c *client) ok(id uint32) error { return c.send("Ok", only{id}) }

// scan says that it is finished before the toy is there, as every real server was seen to do.
func (c *client) scan(id uint32) error {
	if err := errors.Join(c.ok(id), c.send("ScanningFinished", only{})); err != nil {
		return err
	}
	c.sim.scan()
	return nil
}

// push tells the client what changed.
func (c *client) push() error {
	battery, listed := c.sim.look()
	if c.version == 0 || c.out {
		return nil
	}
	if listed != c.listed {
		c.listed = listed
		if err := c.announce(); err != nil {
			return err
		}
	}
	if c.subscribed && listed && battery != c.charge {
		c.charge = battery
		return c.reading(0, battery)
	}
	return nil
}

func (c *client) announce() error {
	switch {
	case c.version == 4:
		return c.list(0)
	case c.listed:
		return c.send("DeviceAdded", added3{device3: c.sim.rocket3()})
	default:
		return c.send("DeviceRemoved", removed3{})
	}
}

func (c *client) list(id uint32) error {
	_, c.listed = c.sim.look()
	if c.version == 3 {
		l := list3{Id: id, Devices: []device3{}}
		if c.listed {
			l.Devices = append(l.Devices, c.sim.rocket3())
		}
		return c.send("DeviceList", l)
	}
	l := list4{Id: id, Devices: map[string]device4{}}
	if c.listed {
		l.Devices["0"] = c.sim.rocket4()
	}
	return c.send("DeviceList", l)
}

func (c *client) reading(id uint32, battery int) error {
	if c.version == 3 {
		return c.send("SensorReading", sensorReadingBody{Id: id, SensorType: "Battery", Data: []int{battery}})
	}
	return c.send("InputReading", inputReadingBody{Id: id, FeatureIndex: 1, Reading: map[string]levelBody{"Battery": {battery}}})
}

func (c *client) toy(index uint32) error {
	if _, listed := c.sim.look(); index != 0 || !listed {
		return refuse(errDevice, "no such device")
	}
	return nil
}

func (c *client) message3(name string, id uint32, body json.RawMessage) error {
	if done, err := c.both(name, id, body); done {
		return err
	}
	switch name {
	case "ScalarCmd":
		return c.scalar(id, body)
	case "StopAllDevices":
		c.sim.move(c, 0)
		return c.ok(id)
	case "StopDeviceCmd":
		var b removed3
		if err := errors.Join(strictly(body, &b), c.toy(b.DeviceIndex)); err != nil {
			return err
		}
		c.sim.move(c, 0)
		return c.ok(id)
	case "SensorReadCmd", "SensorSubscribeCmd":
		var b sensorBody
		if err := errors.Join(strictly(body, &b), c.toy(b.DeviceIndex)); err != nil {
			return err
		}
		if b.SensorIndex != 0 || b.SensorType != "Battery" {
			return refuse(errDevice, "no such sensor")
		}
		return c.sense(id, name == "SensorSubscribeCmd")
	}
	return refuse(errMessage, "not a message of version 3")
}

func (c *client) sense(id uint32, subscribe bool) error {
	battery, _ := c.sim.look()
	if !subscribe {
		return c.reading(id, battery)
	}
	c.subscribed, c.charge = true, battery
	return c.ok(id)
}

// scalar rounds up, as real servers do.
func (c *client) scalar(id uint32, body json.RawMessage) error {
	var b scalarBody
	if err := errors.Join(strictly(body, &b), c.toy(b.DeviceIndex)); err != nil {
		return err
	}
	if len(b.Scalars) != 1 || b.Scalars[0].Index != 0 || b.Scalars[0].ActuatorType != "Vibrate" {
		return refuse(errDevice, "no such actuator")
	}
	level := b.Scalars[0].Scalar
	if !(level >= 0 && level <= 1) {
		return refuse(errDevice, "the level is out of range")
	}
	c.sim.move(c, int(math.Ceil(Steps*level)))
	return c.ok(id)
}

func (c *client) message4(name string, id uint32, body json.RawMessage) error {
	if done, err := c.both(name, id, body); done {
		return err
	}
	switch name {
	case "OutputCmd":
		return c.output(id, body)
	case "StopCmd":
		return c.stop(id, body)
	case "InputCmd":
		var b inputBody
		if err := errors.Join(strictly(body, &b), c.toy(b.DeviceIndex)); err != nil {
			return err
		}
		if b.FeatureIndex != 1 || b.Type != "Battery" || b.Command != "Read" && b.Command != "Subscribe" {
			return refuse(errDevice, "no such input")
		}
		return c.sense(id, b.Command == "Subscribe")
	}
	return refuse(errMessage, "not a message of version 4")
}

func (c *client) output(id uint32, body json.RawMessage) error {
	var b outputBody
	if err := errors.Join(strictly(body, &b), c.toy(b.DeviceIndex)); err != nil {
		return err
	}
	want, ok := b.Command["Vibrate"]
	if b.FeatureIndex != 0 || len(b.Command) != 1 || !ok {
		return refuse(errDevice, "no such output")
	}
	if want.Value != math.Trunc(want.Value) || want.Value < 0 || want.Value > Steps {
		return refuse(errDevice, "the value is out of range")
	}
	c.sim.move(c, int(want.Value))
	return c.ok(id)
}

func (c *client) stop(id uint32, body json.RawMessage) error {
	var b stopBody
	if err := strictly(body, &b); err != nil {
		return err
	}
	if b.DeviceIndex != nil {
		if err := c.toy(*b.DeviceIndex); err != nil {
			return err
		}
	}
	if b.Inputs == nil || *b.Inputs {
		c.subscribed = false
	}
	if b.Outputs == nil || *b.Outputs {
		c.sim.move(c, 0)
	}
	return c.ok(id)
}
