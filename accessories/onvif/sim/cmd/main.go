// Command cmd runs a simulated ONVIF camera until it is told to end, and prints its addresses as a line
// of JSON. Each line of its input makes something happen: an event, and its arguments as in a URL's query
// ("password to=other"). Flag -h lists what it can be, "help" as a line what can happen.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/ingle-home/ingle/accessories/internal/stage"
	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/accessories/onvif/sim"
)

func main() {
	var o sim.Options
	var sound string
	flag.StringVar(&o.Listen, "listen", "127.0.0.1:0", "`host:port` of the camera")
	flag.StringVar(&o.User, "user", "hub", "name of the first administrator")
	flag.StringVar(&o.Password, "password", "porch-light", "password of the simulated camera")
	flag.StringVar(&o.Digest, "digest", "", "log in by HTTP digest: MD5 or SHA-256")
	flag.DurationVar(&o.Skew, "skew", 0, "by which the camera's clock is wrong")
	flag.StringVar(&o.WrongHost, "wrong-host", "", "host in the URLs that the camera gives")
	flag.DurationVar(&o.Lockout, "lockout", 0, "how long nobody gets in after five wrong logins")
	flag.BoolVar(&o.Doorbell, "doorbell", false, "has a doorbell")
	flag.BoolVar(&o.Speaker, "speaker", false, "has a loudspeaker")
	flag.StringVar(&sound, "sound", "", "AAC or PCMU")
	flag.BoolVar(&o.Multicast, "multicast", false, "answers WS-Discovery on the first network that carries it")
	flag.Parse()
	o.Sound = media.Codec(sound)
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(o sim.Options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	camera, err := sim.Start(o)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(struct {
		Address string `json:"address"`
		Probe   string `json:"probe"` // UDP, for WS-Discovery
	}{camera.Address(), camera.ProbeAddress()}); err != nil {
		return err
	}
	stage.Direct(ctx, os.Stdin, camera, os.Stderr, nil)
	return camera.Close()
}
