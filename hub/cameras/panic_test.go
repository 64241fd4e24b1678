package cameras_test

import (
	"context"
	"errors"
	"testing"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/cameras"
)

// clumsy is a session whose driver was written badly.
type clumsy struct{ device.Session }

func (clumsy) Offer() device.Offer { return device.Offer{} }
func (clumsy) Views() []media.View {
	return []media.View{{ID: "main", Codec: media.H264, Width: 640, Height: 360}}
}
func (clumsy) Watch(context.Context, string, bool, func(*media.Unit)) error { panic("watch") }
func (clumsy) Snap(context.Context) ([]byte, error)                         { panic("snap") }
func (clumsy) Talk(context.Context, func(context.Context) ([]byte, error)) error {
	panic("talk")
}

// TestADriverThatFallsOver is told to people, and takes nobody else with it: pictures run outside the
// keeper, which catches the rest.
func TestADriverThatFallsOver(t *testing.T) {
	t.Parallel()
	p := &porch{t: t}
	p.camera = cameras.New(cameras.Options{ID: "a-porch", Report: p.report, Faults: p})
	t.Cleanup(func() { _ = p.camera.Close() })
	p.camera.Opened(clumsy{})
	until(t, "the session", func() bool { return len(p.camera.Views()) == 1 })
	n := p.watch(640, 360)
	until(t, "it is told", func() bool { return p.wrong("accessory-panic") })
	if err := p.camera.Talk(t.Context(), hum); !errors.Is(err, device.ErrUnreachable) {
		t.Errorf("talk: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.camera.Still(ctx, 64, 64); err == nil || n() != 0 {
		t.Errorf("a still: %v, %d pictures", err, n())
	}
}
