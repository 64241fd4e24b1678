// Command cmd runs a simulated RTSP camera until it is told to end, and prints its address as a line
// of JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

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
	<-ctx.Done()
	return camera.Close()
}
