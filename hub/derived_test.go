package main

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// TestAnAppThatIsOpenSeesWhatTheHouseDerives: "Mia at Home" comes with her watch and goes with it, also
// for an app that has its snapshot already.
func TestAnAppThatIsOpenSeesWhatTheHouseDerives(t *testing.T) {
	port, _ := door(t)
	_, c := running(t, shortDir(t), "--watch-port", port)
	ctx := t.Context()
	must[wire.SetupAnswer](t)(c.Setup(ctx, "quiet otters paint seven lanterns"))
	var mu sync.Mutex
	var seen wire.Snapshot
	follow, end := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Events(follow, func(e wire.Event) error {
			mu.Lock()
			defer mu.Unlock()
			if e.Snapshot != nil {
				seen = e.Snapshot.Clone()
			} else {
				seen.Apply(*e.Change)
			}
			return nil
		}) // it ends with follow
	}()
	defer func() { end(); <-ended }()
	sees := func(name string) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return slices.ContainsFunc(seen.Accessories, func(a wire.Accessory) bool { return a.Name == name })
		}
	}
	soon(t, "the app has its snapshot", sees("Privacy"))
	mia := must[wire.Person](t)(c.AddPerson(ctx, wire.Person{Name: "Mia"}))
	must[wire.Zone](t)(c.AddZone(ctx, wire.Zone{Name: "Home", Lat: 52.1, Lon: 5.2, Radius: 100}))
	band := must[wire.Accessory](t)(c.Add(ctx, wire.AddRequest{Driver: "setracker", Name: "Band", Address: "3456789012", Person: mia.ID}))
	soon(t, "Mia at Home comes", sees("Mia at Home"))
	if err := c.Remove(ctx, band.ID); err != nil {
		t.Fatal(err)
	}
	soon(t, "Mia at Home goes", func() bool { return !sees("Mia at Home")() })
}
