// Command cmd serves a hub in memory on a socket, to look at the app without a house:
//
//	go run ./hub/api/apitest/cmd SOCKET open|locked|unclaimed
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: cmd SOCKET open|locked|unclaimed")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	home := apitest.New(wire.State(os.Args[2]))
	if err := server.ServeUnix(ctx, os.Args[1], home.API(), nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
