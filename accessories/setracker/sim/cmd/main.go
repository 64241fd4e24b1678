// Command cmd runs one simulated watch until it is told to end.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/ingle-home/ingle/accessories/setracker/sim"
)

func main() {
	id, hub := flag.String("id", "3456789012", "the watch's ID"), flag.String("hub", "", "host:port to dial")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	s, err := sim.Start(sim.Options{ID: *id, Hub: *hub})
	if err != nil {
		log.Fatal(err)
	}
	_ = json.NewEncoder(os.Stdout).Encode(map[string]string{"address": s.Address()})
	<-ctx.Done()
	_ = s.Close()
}
