package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/brutella/hap/characteristic"
	"github.com/brutella/hap/service"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/apple"
)

// home is what the bridge shows.
type home struct {
	accessories []*hap.Accessory
	on          []*hap.Characteristic // of each lightbulb
	slow        atomic.Int64          // milliseconds that the first lightbulb takes to tell its brightness
}

// newHome makes a bridge, which may have further services, and n accessories: lightbulb, lightbulb,
// temperature sensor, and again.
func newHome(n int, further ...*hap.Service) *home {
	h := &home{}
	bridge := accessory(1, "Ingle Bench", append([]*hap.Service{protocol()}, further...)...)
	h.accessories = append(h.accessories, bridge)
	for i := range n {
		aid := uint64(i + 2)
		if i%3 == 2 {
			h.accessories = append(h.accessories, accessory(aid, fmt.Sprintf("Sensor %d", aid), thermometer()))
			continue
		}
		bulb, on, brightness := lightbulb()
		if len(h.on) == 0 {
			brightness.OnRead = h.readSlowly(brightness)
		}
		h.on = append(h.on, on)
		h.accessories = append(h.accessories, accessory(aid, fmt.Sprintf("Lamp %d", aid), bulb))
	}
	return h
}

// accessory numbers its services and characteristics one after the other, from 1.
func accessory(aid uint64, name string, services ...*hap.Service) *hap.Accessory {
	about := service.NewAccessoryInformation()
	information := apple.Service(about.S)
	for typ, text := range map[string]string{
		about.Manufacturer.Type: "Ingle", about.Model.Type: "Bench", about.Name.Type: name,
		about.SerialNumber.Type: fmt.Sprintf("bench-%d", aid), about.FirmwareRevision.Type: "1.0",
	} {
		must(information.Characteristic(typ).Set(hap.String(text)))
	}
	a := &hap.Accessory{AID: aid, Services: append([]*hap.Service{information}, services...)}
	iid := uint64(0)
	for _, s := range a.Services {
		iid++
		s.IID = iid
		for _, c := range s.Characteristics {
			iid++
			c.IID = iid
		}
	}
	return a
}

func protocol() *hap.Service {
	s := service.NewProtocolInformation()
	out := apple.Service(s.S)
	must(out.Characteristic(s.Version.Type).Set(hap.String("1.1.0")))
	return out
}

func lightbulb() (s *hap.Service, on, brightness *hap.Characteristic) {
	s = apple.Service(service.NewLightbulb().S)
	on = s.Characteristic(characteristic.TypeOn)
	brightness = apple.Characteristic(characteristic.NewBrightness().C)
	s.Characteristics = append(s.Characteristics, brightness)
	must(on.Set(hap.Bool(false)))
	must(brightness.Set(hap.Int(100)))
	return s, on, brightness
}

func thermometer() *hap.Service {
	s := apple.Service(service.NewTemperatureSensor().S)
	must(s.Characteristic(characteristic.TypeCurrentTemperature).Set(hap.Float(21.5)))
	return s
}

// must is for values that are written above and fit their characteristics.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// readSlowly answers for a device that takes h.slow to say what it was last set to.
func (h *home) readSlowly(c *hap.Characteristic) func(context.Context, *hap.Peer) (hap.Value, error) {
	return func(ctx context.Context, _ *hap.Peer) (hap.Value, error) {
		if err := pause(ctx, time.Duration(h.slow.Load())*time.Millisecond); err != nil {
			return hap.Value{}, err
		}
		v, status := c.Value()
		if status != hap.StatusOK {
			return hap.Value{}, status
		}
		return v, nil
	}
}

// emit makes n changes as a device would report them: each turns a lamp over, the first one always
// or, with all, one after the other.
func (h *home) emit(ctx context.Context, n int, all bool, gap time.Duration) error {
	for i := range n {
		on := h.on[0]
		if all {
			on = h.on[i%len(h.on)]
		}
		v, _ := on.Value()
		if err := on.Set(hap.Bool(!v.Bool())); err != nil {
			return err
		}
		if err := pause(ctx, gap); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
