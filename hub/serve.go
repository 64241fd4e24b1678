// Command hub is Ingle's daemon and its commands. Serve and demo run a hub; every other command
// talks to the running one over the socket in its data folder, with the API that the app uses.
//
// This package wires the parts together and fixes the order in which they start and stop; what they
// do stands in the packages below.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ingle-home/ingle/hub/announce/beacon"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/entrance"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/backups"
	"github.com/ingle-home/ingle/hub/command"
	"github.com/ingle-home/ingle/hub/hap/setup"
	"github.com/ingle-home/ingle/hub/homekit"
	"github.com/ingle-home/ingle/hub/keys"
	"github.com/ingle-home/ingle/hub/privacy/wipe"
	"github.com/ingle-home/ingle/i18n"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/backup"
	"github.com/ingle-home/ingle/storage/ram"
	"github.com/ingle-home/ingle/storage/vault"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	name := command.Name(os.Args[0])
	text := i18n.For(i18n.Locale()).With(i18n.Args{"hub": name})
	if !setup.TerminalOf(os.Getenv).UTF8 {
		text = text.Typed()
	}
	if err := ram.Seclude(); err != nil { // before there is any key or password
		fmt.Fprintln(os.Stderr, text.Text("command.failed", i18n.Args{"error": err.Error()}))
		return 1
	}
	program := &cobra.Command{
		Use: "hub", Short: text.Text("command.hub", nil),
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: name},
	}
	program.SetOut(os.Stdout)
	program.AddCommand(serveCommand(text), demoCommand(text), simsCommand(), backups.RestoreCommand(text))
	return command.Run(ctx, text, program)
}

// shut is the number of a port that stays closed.
const shut = -1

// settings is how a hub was told to run.
type settings struct {
	dir         string
	api         string        // address of the network listener
	page        string        // address of the plain page, while it is switched on
	homekitPort int           // 0: any
	watchPort   int           // of the door for children's watches; shut, or 0: any
	loopback    bool          // listen and announce on this machine only
	keyFile     string        // where the key for starting by itself lies; "" is wherever serves best
	effort      time.Duration // of one try at a new password; 0 is the least allowed
	json        bool
	language    string // of a home that chose none
}

// words are those that HomeKit shows behind the names that people gave.
func (d *daemon) words() homekit.Words {
	text := i18n.For(d.Lang())
	say := func(key string) string { return text.Text(key, nil) }
	return homekit.Words{
		Privacy: say("trait.privacy"), StopAll: say("trait.stop-all"), Battery: say("app.trait.battery"), Button: say("homekit.word.button"),
		Doorbell: say("trait.doorbell"), Fall: say("homekit.word.fall"), Motion: say("app.trait.motion"),
		At: say("tile.place.at"), Find: say("homekit.word.find"),
	}
}

// speak has Apple Home and the apps hear of another language of the home.
func (d *daemon) speak(ctx context.Context) {
	h := d.inside()
	if h == nil || h.bridges == nil {
		return
	}
	h.bridges.shown.Speak(d.words())
	if err := h.bridges.show(ctx); err != nil { // the next change shows it
		d.log.Error("Apple Home does not hear of the language", "err", err)
	}
	h.tellStatus()
}

func serveCommand(text *i18n.Texts) *cobra.Command {
	s := settings{watchPort: -1}
	c := &cobra.Command{
		Use:   "serve",
		Short: text.Text("command.serve", nil),
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return serve(c.Context(), s, c.OutOrStdout(), text, nil)
		},
	}
	f := c.Flags()
	f.StringVar(&s.dir, "data", client.DefaultDir(), text.Text("flag.data", nil))
	f.StringVar(&s.api, "api", "0.0.0.0:8443", text.Text("flag.api", nil))
	f.StringVar(&s.page, "page", "0.0.0.0:8444", text.Text("flag.page", nil))
	f.IntVar(&s.homekitPort, "homekit-port", 51826, text.Text("flag.homekit-port", nil))
	f.IntVar(&s.watchPort, "watch-port", -1, text.Text("flag.watch-port", nil))
	f.StringVar(&s.keyFile, "key-file", "", text.Text("flag.key-file", nil))
	f.DurationVar(&s.effort, "password-effort", vault.Effort, text.Text("flag.password-effort", nil))
	f.BoolVar(&s.loopback, "loopback", false, text.Text("flag.loopback", nil))
	f.BoolVar(&s.json, "json", false, text.Text("flag.json", nil))
	return c
}

// serve runs a hub until ctx ends. Ready, if not nil, is called once it listens and may add to the
// ready line.
func serve(ctx context.Context, s settings, out io.Writer, text *i18n.Texts, ready func(context.Context, *daemon) (wire.Status, error)) error {
	lock, err := storage.Acquire(s.dir)
	if errors.Is(err, storage.ErrInUse) {
		return wire.Refuse(0, "serve.in-use", "dir", s.dir)
	} else if errors.Is(err, storage.ErrReadOnlyDisk) || errors.Is(err, fs.ErrNotExist) { // the lock of a hub that was is there
		return wire.Refuse(0, "serve.folder-read-only", "dir", s.dir)
	} else if err != nil {
		return wire.Refuse(0, "serve.folder", "dir", s.dir, "error", err.Error())
	}
	defer lock.Release()
	wiped := func(dir string) error { return wipe.Finish(ctx, dir, wipe.Watch{}) }
	for _, mend := range []func(string) error{wiped, backup.Finish, backup.Clean} { // what a power cut interrupted
		if err := mend(s.dir); err != nil && !errors.Is(err, syscall.EROFS) { // a disk that is only read shows what is there
			return wire.Refuse(0, "serve.folder", "dir", s.dir, "error", err.Error())
		}
	}
	if err := s.probe(ctx); err != nil {
		return err
	}
	ln, err := listenAPI(ctx, s.api)
	if err != nil {
		return err
	}
	s.language = text.Lang()
	d, err := newDaemon(s, "https://"+ln.Addr().String())
	if err != nil {
		_ = ln.Close()
		return err
	}
	defer d.close()
	api := server.New(server.Options{Hub: d, Feed: d.feed, Caller: server.Paired, Shared: d.shared, Log: d.log})
	network := entrance.New(ln, entrance.Options{Identity: d.Book, Tokens: d.tokens, Log: d.log, API: from(api, caller)})
	d.OnDrop(network.Drop)
	d.tokens.OnDrop(network.Drop)
	d.OnAPI(from(api, entrance.Source))
	d.tellSwap()
	d.start(ctx)
	told := ctx
	work, ctx := errgroup.WithContext(ctx)
	listening := make(chan struct{})
	work.Go(func() error {
		api := server.New(server.Options{Hub: d, Feed: d.feed, Caller: server.Peer, Shared: d.shared, Log: d.log})
		return server.ServeUnix(ctx, d.socket, from(api, console), func() { close(listening) })
	})
	work.Go(func() error { return network.Serve(ctx) })
	work.Go(func() error { return beacon.Run(ctx, s.heard(ln.Addr()), d.log) })
	work.Go(func() error {
		select {
		case <-listening:
		case <-ctx.Done():
			return nil
		}
		return announceReady(ctx, d, s, out, text, ready)
	})
	err = work.Wait()
	if told.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // what it was still about to do ended as it was told to
	}
	return err
}

// tellSwap says what the hub cannot prevent: that some of its memory gets to a disk.
func (d *daemon) tellSwap() {
	to, err := ram.Swaps()
	if err != nil {
		d.log.Debug("nobody knows whether this process can be swapped", "err", err)
	} else if len(to) > 0 {
		d.log.Warn("this machine may write what is in the hub's memory to a disk in the clear; swapoff, zram or systemd's MemorySwapMax=0 prevent it", "swap", to)
	}
}

// probe says at the start that a port is in use which the hub needs only once it is open: whoever
// unlocks it may be far from the console.
func (s settings) probe(ctx context.Context) error {
	var config net.ListenConfig
	for _, p := range []struct {
		port int
		code string
	}{{s.homekitPort, codeHomeKitPort}, {s.watchPort, "serve.watch-port"}} {
		if p.port == 0 || p.port == shut && p.code != codeHomeKitPort {
			continue
		}
		ln, err := config.Listen(ctx, "tcp", s.address(p.port))
		if errors.Is(err, syscall.EADDRINUSE) {
			return wire.Refuse(0, p.code, "port", strconv.Itoa(p.port))
		} else if err != nil {
			return wire.Refuse(0, "serve.listen", "address", s.address(p.port), "error", err.Error())
		}
		_ = ln.Close() // it was only asked for
	}
	return nil
}

func announceReady(ctx context.Context, d *daemon, s settings, out io.Writer, text *i18n.Texts, ready func(context.Context, *daemon) (wire.Status, error)) error {
	status := d.Status(ctx)
	if ready != nil {
		var err error
		if status, err = ready(ctx, d); err != nil {
			return err
		}
	}
	status.Ready = true
	if s.json {
		return json.NewEncoder(out).Encode(status)
	}
	return printReady(out, command.At(text, s.dir), status)
}

func printReady(out io.Writer, text *i18n.Texts, s wire.Status) error {
	fmt.Fprintln(out, text.Text("serve.ready."+string(s.State), i18n.Args{"socket": s.Socket}))
	if s.Shut != nil {
		fmt.Fprintln(out, "! "+text.Advice(s.Shut.Code, s.Shut.Args))
	}
	if err := command.HomeKit(out, text, s.HomeKit); err != nil {
		return err
	}
	if s.DemoPassword != "" {
		fmt.Fprintln(out, text.Text("serve.demo", i18n.Args{"password": s.DemoPassword, "control": s.Control}))
	}
	return nil
}

// listenAPI opens the network listener's port.
func listenAPI(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	ln, err := config.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, wire.Refuse(0, "serve.port", "address", address)
	} else if err != nil {
		return nil, wire.Refuse(0, "serve.listen", "address", address, "error", err.Error())
	}
	return ln, nil
}

// heard is the address that apps may hear of.
func (s settings) heard(listening net.Addr) string {
	if at, ok := listening.(*net.TCPAddr); ok && s.loopback {
		return s.address(at.Port)
	}
	return listening.String()
}

// from notes where each request comes from.
func from(h http.Handler, source func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(keys.From(r.Context(), source(r))))
	})
}

func console(*http.Request) string { return keys.Console }

// caller is a paired app, or the address of a stranger.
func caller(r *http.Request) string {
	if app := server.AppOf(r.Context()); app.ID != "" {
		return keys.App + app.ID
	}
	return entrance.Source(r)
}

// pageAddress keeps the plain page to this machine where all else is.
func (s settings) pageAddress() string {
	if _, port, err := net.SplitHostPort(s.page); err == nil && s.loopback {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return s.page
}

func newLog() *slog.Logger { return slog.New(slog.NewTextHandler(os.Stderr, nil)) }
