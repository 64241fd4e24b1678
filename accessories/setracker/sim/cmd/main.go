// Command cmd runs one simulated watch until it is told to end. Each line of its input makes
// something happen: an event, and its arguments as in a URL's query ("place lat=52.1&lon=5.2").
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/ingle-home/ingle/accessories/internal/stage"
	"github.com/ingle-home/ingle/accessories/setracker/sim"
)

func main() {
	o := options()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	s, err := sim.Start(o)
	if err != nil {
		log.Fatal(err)
	}
	out := json.NewEncoder(os.Stdout)
	_ = out.Encode(map[string]string{"address": s.Address()})
	stage.Direct(ctx, os.Stdin, s, os.Stderr, func() { _ = out.Encode(s.State()) })
	_ = s.Close()
}

func options() (o sim.Options) {
	flag.StringVar(&o.ID, "id", "3456789012", "the watch's `ID` of 10 or 15 digits")
	flag.StringVar(&o.Maker, "maker", "3G", "its dialect: 3G, SG, CS or ZJ")
	flag.StringVar(&o.Index, "index", "", "four hex digits that its frames carry (ZJ)")
	flag.StringVar(&o.Hub, "hub", "", "`host:port` to dial")
	flag.StringVar(&o.Network, "network", "", "a Wi-Fi `name` in its positions")
	flag.DurationVar(&o.Beat, "beat", 0, "between two LK (a minute)")
	flag.DurationVar(&o.Repeat, "repeat", 0, "until an unanswered alarm is sent again (a second)")
	flag.IntVar(&o.Split, "split", 0, "`bytes` of one write")
	flag.IntVar(&o.Longer, "longer", 0, "added to each declared length")
	flag.IntVar(&o.Deaf, "deaf", 0, "answers to alarms that are lost")
	flag.BoolVar(&o.Mute, "mute", false, "echo no command")
	flag.Parse()
	return o
}
