// Command cmd runs a simulated Breeze until it is told to end, and prints its address as a line of
// JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/ingle-home/ingle/accessories/_blueprint/sim"
)

func main() {
	var o sim.Options
	flag.StringVar(&o.Listen, "listen", "127.0.0.1:0", "`host:port` of the fan")
	flag.StringVar(&o.Password, "password", "evening-breeze", "password of the simulated fan")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(o sim.Options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	fan, err := sim.Start(o)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(struct {
		Address string `json:"address"`
	}{fan.Address()}); err != nil {
		return err
	}
	<-ctx.Done()
	return fan.Close()
}
