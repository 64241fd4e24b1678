// Command cmd runs a simulated RTSP camera until it is told to end, and prints its address as a line
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
	"github.com/ingle-home/ingle/accessories/rtsp/sim"
)

func main() {
	var o sim.Options
	flag.StringVar(&o.Listen, "listen", "127.0.0.1:0", "`host:port` of the camera")
	flag.StringVar(&o.User, "user", "hub", "user name")
	flag.StringVar(&o.Password, "password", "porch-light", "password of the simulated camera")
	flag.IntVar(&o.Width, "width", 1280, "pixels")
	flag.IntVar(&o.Height, "height", 720, "pixels")
	flag.IntVar(&o.FPS, "fps", 15, "pictures a second")
	flag.BoolVar(&o.SHA256, "sha256", false, "digest with SHA-256 only")
	flag.IntVar(&o.GOP, "gop", 2, "seconds from key picture to key picture")
	flag.IntVar(&o.Slices, "slices", 1, "slices of a picture")
	flag.IntVar(&o.Between, "between", 0, "B-frames in a row")
	flag.IntVar(&o.Gaps, "gaps", 0, "one packet in so many is lost; 0 = none")
	flag.BoolVar(&o.H265, "h265", false, "H.265 in place of H.264")
	flag.BoolVar(&o.Small, "small", false, "a second view at /small")
	flag.IntVar(&o.Stamp, "stamp", 0, "one picture in so many tells when it was sent")
	flag.BoolVar(&o.TLS, "tls", false, "RTSPS")
	flag.BoolVar(&o.UDP, "udp", false, "UDP besides TCP")
	flag.DurationVar(&o.Lockout, "lockout", 0, "lock for so long after five wrong logins")
	flag.StringVar((*string)(&o.Sound), "sound", "", "PCMU, PCMA, Opus or AAC")
	flag.StringVar((*string)(&o.Back), "back", "", "PCMU or PCMA: the loudspeaker")
	flag.Parse()
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
	}{camera.Address()}); err != nil {
		return err
	}
	stage.Direct(ctx, os.Stdin, camera, os.Stderr, nil)
	return camera.Close()
}
