// Command cmd runs the simulated Buttplug server alone: it prints its address as one JSON line and
// ends on SIGTERM or an interrupt.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/ingle-home/ingle/accessories/buttplug/sim"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	ping := flag.Duration("max-ping-time", 0, "silence after which the toy stops; 0 wants no pings")
	gap := flag.Duration("message-gap", 0, "time that clients keep between two commands")
	only := flag.Int("version", 0, "the only protocol version to speak, 3 or 4; 0 is both")
	flag.Parse()
	o := sim.Options{Listen: *listen, MaxPingTime: *ping, MessageGap: *gap}
	if *only != 0 {
		o.Versions = []int{*only}
	}
	s, err := sim.Start(o)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]string{"address": s.Address()}); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	<-ctx.Done()
	return s.Close()
}
