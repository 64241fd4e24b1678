package setracker_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/device"
	"github.com/ingle-home/ingle/accessories/setracker"
	"github.com/ingle-home/ingle/accessories/setracker/sim"
	"github.com/ingle-home/ingle/accessories/trait"
)

type loopback struct{ ln net.Listener }

func (loopback) Dial(context.Context, string, string) (net.Conn, error) {
	return nil, device.ErrRefused
}

func (l loopback) Listen(context.Context, string) (net.Listener, error) { return l.ln, nil }

func TestAlarmIsRepeatedUntilStoredAndFindWaitsForTheEcho(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := setracker.New().Open(ctx, device.Config{Address: "3456789012", Net: loopback{ln},
		Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	got, ended, tries := make(chan bool, 9), make(chan error, 1), 0
	go func() {
		ended <- s.Run(ctx, func(r trait.Reading) error {
			if _, ok := trait.SOS.In(r); ok {
				if tries++; tries == 1 {
					return errors.New("the disk is full")
				}
				got <- true
			}
			return nil
		})
	}()
	w, _ := sim.Start(sim.Options{Hub: ln.Addr().String(), Repeat: 20 * time.Millisecond})
	defer w.Close()
	_ = w.Do(ctx, "sos", nil)
	select {
	case <-got:
	case <-ctx.Done():
		t.Fatal("no SOS")
	}
	if err := s.Do(ctx, trait.Find.Set(true)); err != nil || w.State().(sim.State).Rang != 1 {
		t.Fatal(err, w.State())
	}
	cancel()
	if err := <-ended; err != nil || len(got) != 0 {
		t.Fatal(err, len(got))
	}
}

func TestAWatchFindsItsNextSession(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := setracker.New()
	run := func(id string, report func(trait.Reading) error) (end func()) {
		s, err := d.Open(t.Context(), device.Config{Address: id, Net: loopback{ln},
			Log: slog.New(slog.DiscardHandler), Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx, report) }()
		return func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	defer run("9876543210", func(trait.Reading) error { return nil })() // it keeps the door open
	w, _ := sim.Start(sim.Options{Hub: ln.Addr().String(), Repeat: 20 * time.Millisecond})
	defer w.Close()
	for range 3 {
		heard := make(chan bool, 1)
		end := run(w.Address(), func(trait.Reading) error {
			select {
			case heard <- true:
			default:
			}
			return nil
		})
		select {
		case <-heard:
		case <-time.After(20 * time.Second):
			t.Fatal("the watch is not heard")
		}
		end()
	}
}
