// Command benchbridge is Ingle's HomeKit server with a made home, for measuring and for tests from
// outside: a bridge with lightbulbs and temperature sensors, and a control endpoint that makes their
// devices speak. Everything that a controller meets is the product's own code.
//
//	benchbridge -port N -accessories 149 -ctl 127.0.0.1:PORT [-store DIR] [-stream]
//
// When the port accepts, it prints one line of JSON on stdout: port, setup_code and device_id. Its
// log goes to stderr. Without -store its identity, code and pairings live as long as the process;
// with it they are kept in a sealed store as the hub's are, committed before a controller hears of
// them. One thing differs from a hub: the key of that store, its recovery code, lies in a file beside
// it, so that the program starts alone. Never keep anything that matters in such a folder.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/datastream"
)

// options are how the program was called.
type options struct {
	port        int
	accessories int
	control     string
	store       string
	loopback    bool
	stream      bool
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, log io.Writer) int {
	var o options
	flags := flag.NewFlagSet("benchbridge", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.IntVar(&o.port, "port", 0, "TCP port of the HomeKit server; 0 is the one of last time, or any")
	flags.IntVar(&o.accessories, "accessories", 149, "how many, besides the bridge")
	flags.StringVar(&o.control, "ctl", "", "loopback address of the control endpoint, HOST:PORT; empty for none")
	flags.StringVar(&o.store, "store", "", "folder to keep identity and pairings in; empty for memory only")
	flags.BoolVar(&o.loopback, "loopback", false, "listen and announce on this machine only")
	flags.BoolVar(&o.stream, "stream", false, "give the bridge a data stream without protocols, for tests of the transport")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(log, "benchbridge: what is %q? See -help.\n", flags.Arg(0))
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := serve(ctx, o, out, slog.New(slog.NewTextHandler(log, nil))); err != nil {
		fmt.Fprintln(log, "benchbridge:", err)
		return 1
	}
	return 0
}

// serve runs the bridge until ctx ends. Everything is published before anything listens, and the port
// accepts before anything is announced.
func serve(ctx context.Context, o options, out io.Writer, log *slog.Logger) error {
	memory, closeMemory, err := openMemory(o.store)
	if err != nil {
		return err
	}
	defer func() {
		if err := closeMemory(); err != nil {
			log.Error("the store did not close well", "err", err)
		}
	}()
	server, err := hap.New(ctx, hap.Options{Name: "Ingle Bench", Model: "Ingle bench bridge", Memory: memory, Log: log})
	if err != nil {
		return err
	}
	h, streams := newHome(o.accessories), (*datastream.Transport)(nil)
	if o.stream {
		streams = datastream.New(datastream.Options{Log: log})
		h = newHome(o.accessories, streams.Service())
	}
	if err := server.Publish(ctx, h.accessories...); err != nil {
		return err
	}
	control, err := listenControl(ctx, o.control)
	if err != nil {
		return err
	}
	host := ""
	if o.loopback {
		host = "127.0.0.1"
	}
	ln, err := server.Listen(ctx, net.JoinHostPort(host, strconv.Itoa(o.port)))
	if err != nil {
		if control != nil {
			_ = control.Close() // nobody was told of it
		}
		return err
	}
	work, ctx := errgroup.WithContext(ctx)
	port := ln.Addr().(*net.TCPAddr).Port
	work.Go(func() error { return server.Serve(ctx, ln) })
	work.Go(func() error { return announceAs(ctx, server, port, o.loopback, log) })
	if control != nil {
		log.Info("control", "address", control.Addr().String()) // for those who asked for any port
		work.Go(func() error { return h.serveControl(ctx, control) })
	}
	if streams != nil {
		work.Go(func() error { return streams.Run(ctx) })
	}
	work.Go(func() error { return ready(out, server, port) })
	return work.Wait()
}

// ready tells whoever started the program how to reach and pair the bridge.
func ready(out io.Writer, server *hap.Server, port int) error {
	return json.NewEncoder(out).Encode(struct {
		Port      int    `json:"port"`
		SetupCode string `json:"setup_code"`
		DeviceID  string `json:"device_id"`
	}{port, server.Setup().Code, server.DeviceID()})
}
