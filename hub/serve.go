package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/server"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/hub/command"
	"github.com/ingle-home/ingle/hub/keys"
	"github.com/ingle-home/ingle/i18n"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/backup"
	"github.com/ingle-home/ingle/storage/ram"
	"github.com/ingle-home/ingle/storage/vault"
)

// shut is the number of a port that stays closed.
const shut = -1

// settings is how a hub was told to run.
type settings struct {
	dir         string
	api         string        // address of the network listener
	homekitPort int           // 0: any
	watchPort   int           // of the door for children's watches; shut, or 0: any
	loopback    bool          // listen and announce on this machine only
	keyFile     string        // where the key for starting by itself lies; "" is wherever serves best
	effort      time.Duration // of one try at a new password; 0 is the least allowed
	json        bool
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
	for _, mend := range []func(string) error{backup.Finish, backup.Clean} { // what a power cut interrupted
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
	d, err := newDaemon(s, "https://"+ln.Addr().String())
	if err != nil {
		_ = ln.Close()
		return err
	}
	defer d.close()
	d.tellSwap()
	d.start(ctx)
	told := ctx
	work, ctx := errgroup.WithContext(ctx)
	listening := make(chan struct{})
	work.Go(func() error {
		api := server.New(server.Options{Hub: d, Feed: d.feed, Caller: server.Peer, Log: d.log})
		return server.ServeUnix(ctx, d.socket, from(api, console), func() { close(listening) })
	})
	work.Go(func() error { return serveStrangers(ctx, ln, d) })
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

// listenAPI opens the network listener. Its certificate lives as long as the process: until apps can
// be claimed, strangers get two public answers and nobody pins a key.
func listenAPI(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	ln, err := config.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, wire.Refuse(0, "serve.port", "address", address)
	} else if err != nil {
		return nil, wire.Refuse(0, "serve.listen", "address", address, "error", err.Error())
	}
	cert, err := certificate()
	if err != nil {
		_ = ln.Close()
		return nil, err
	}
	return tls.NewListener(ln, &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}}), nil
}

func certificate() (tls.Certificate, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("serve: key: %w", err)
	}
	now := time.Now()
	template := x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(10, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, public, private)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("serve: certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, nil
}

// serveStrangers gives the two answers that anybody gets: where to report a hole, and whether the hub
// is claimed.
func serveStrangers(ctx context.Context, ln net.Listener, d *daemon) error {
	s := &http.Server{
		Handler:           from(withContact(server.New(server.Options{Hub: d, Feed: d.feed, Log: d.log})), address),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       10 * time.Second,
		MaxHeaderBytes:    8 << 10,
		ConnState:         (&crowd{most: maxStrangers}).note,
		ErrorLog:          slog.NewLogLogger(d.log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: api: %w", err)
	}
	return nil
}

// from notes where each request comes from.
func from(h http.Handler, source func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(keys.From(r.Context(), source(r))))
	})
}

func console(*http.Request) string { return keys.Console }

func address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// maxStrangers is how many connections the network listener holds: each costs memory and a file, of
// which the hub needs some for the household.
const maxStrangers = 128

// crowd closes the oldest connection of a server when there are too many. The newest stays: a stranger
// who holds many must not keep the household out.
type crowd struct {
	mu   sync.Mutex
	most int
	list []net.Conn // oldest first
}

// note is a server's ConnState.
func (c *crowd) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.list = append(c.list, conn)
		if len(c.list) > c.most {
			drop(c.list[0])
			c.list = slices.Delete(c.list, 0, 1)
		}
	case http.StateClosed, http.StateHijacked:
		c.list = slices.DeleteFunc(c.list, func(o net.Conn) bool { return o == conn })
	}
}

// drop closes the socket below TLS, whose own goodbye could take seconds.
func drop(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	_ = conn.Close() // its server notices and cleans up
}

// withContact puts the security contact beside the API. It is no mux, which would answer odd paths itself.
func withContact(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/.well-known/security.txt" || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
			api.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, securityTxt) // the caller has gone: nobody is left to tell
	})
}

// securityTxt is RFC 9116: how to report a hole in Ingle.
const securityTxt = `Contact: https://github.com/ingle-home/ingle/security/advisories/new
Expires: 2027-12-31T00:00:00Z
Preferred-Languages: en, de
`

func newLog() *slog.Logger { return slog.New(slog.NewTextHandler(os.Stderr, nil)) }
