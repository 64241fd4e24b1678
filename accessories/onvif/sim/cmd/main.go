// Command cmd runs a simulated ONVIF camera until it is told to end, and prints its addresses as a line
// of JSON. Each line of its input makes something happen: an event, and its arguments as in a URL's query
// ("password to=other"). Flag -h lists what it can be, "help" as a line what can happen.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"

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
	lines := make(chan string)
	go read(ctx, os.Stdin, lines) // ends with the process: a read of a terminal cannot be broken off
	for {
		select {
		case <-ctx.Done():
			return camera.Close()
		case line := <-lines:
			if err := act(ctx, camera, line); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}
}

// act makes happen what a line says.
func act(ctx context.Context, camera *sim.Sim, line string) error {
	event, query, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch event {
	case "":
		return nil
	case "help":
		fmt.Fprintln(os.Stderr, strings.Join(camera.Events(), ", "))
		return nil
	}
	args, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	return camera.Do(ctx, event, args)
}

func read(ctx context.Context, r io.Reader, lines chan<- string) {
	for in := bufio.NewScanner(r); in.Scan(); {
		select {
		case lines <- in.Text():
		case <-ctx.Done():
			return
		}
	}
}
