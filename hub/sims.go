package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	buttplug "github.com/ingle-home/ingle/accessories/buttplug/sim"
	"github.com/ingle-home/ingle/accessories/media"
	onvif "github.com/ingle-home/ingle/accessories/onvif/sim"
	setracker "github.com/ingle-home/ingle/accessories/setracker/sim"
)

// mourning is how long the simulated things go on after their hub has gone, so that one can see what
// they do without it.
const mourning = 10 * time.Second

// simulator is a simulated thing that can be made to act.
type simulator interface {
	Address() string
	Events() []string
	Do(ctx context.Context, event string, args url.Values) error
	State() any
	Close() error
}

// cast is the demo's things as their process describes them on its first line.
type cast struct {
	Simulators map[string]string `json:"simulators"`
	Control    string            `json:"control"`
	Password   string            `json:"password"` // of the cameras
}

// simsCommand is the process of the demo's simulated things. They do not live in the hub, so that
// they outlive one that is killed, as real things do.
func simsCommand() *cobra.Command {
	return &cobra.Command{Use: "sims", Hidden: true, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		return runSims(c.Context(), c.InOrStdin(), c.OutOrStdout())
	}}
}

// runSims plays until ctx ends, or until some time after in has ended: it is held open by the hub.
func runSims(ctx context.Context, in io.Reader, out io.Writer) error {
	password := rand.Text()
	sims, err := startSims(password)
	defer func() {
		for _, s := range sims {
			_ = s.Close() // the process ends
		}
	}()
	if err != nil {
		return err
	}
	var config net.ListenConfig
	ln, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("sims: %w", err)
	}
	s := &http.Server{Handler: control(sims), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ln) }()
	defer func() { _ = s.Close(); <-ended }()
	c := cast{Simulators: map[string]string{}, Control: "http://" + ln.Addr().String(), Password: password}
	for name, sim := range sims {
		c.Simulators[name] = sim.Address()
	}
	if err := json.NewEncoder(out).Encode(c); err != nil {
		return fmt.Errorf("sims: %w", err)
	}
	orphaned := make(chan struct{})
	go func() {
		defer close(orphaned)
		_, _ = io.Copy(io.Discard, in)
	}()
	select {
	case <-ctx.Done():
		return nil
	case <-orphaned:
	}
	select {
	case <-ctx.Done():
	case <-time.After(mourning):
	}
	return nil
}

func startSims(password string) (map[string]simulator, error) {
	sims := map[string]simulator{}
	films, err := os.UserCacheDir()
	if err != nil {
		films = ""
	}
	porch, err := onvif.Start(onvif.Options{
		Name: "Porch", User: "ingle", Password: password, Doorbell: true, Sound: media.PCMU, Speaker: true, Width: 1280, Height: 720, FPS: 15, Dir: films,
	})
	if err != nil {
		return sims, err
	}
	sims["porch"] = porch
	garden, err := onvif.Start(onvif.Options{Name: "Garden", User: "ingle", Password: password, Digest: "SHA-256", FPS: 15, Dir: films})
	if err != nil {
		return sims, err
	}
	sims["garden"] = garden
	rocket, err := buttplug.Start(buttplug.Options{MaxPingTime: time.Second})
	if err != nil {
		return sims, err
	}
	sims["rocket"] = rocket
	watch, err := setracker.Start(setracker.Options{Beat: 30 * time.Second})
	if err != nil {
		return sims, err
	}
	sims["watch"] = watch
	return sims, nil
}

// control serves what makes simulators act: GET /sim lists them with their events, GET /sim/NAME shows
// what one last received, POST /sim/NAME/EVENT makes it do something.
func control(sims map[string]simulator) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sim", func(w http.ResponseWriter, _ *http.Request) {
		all := map[string][]string{}
		for _, name := range slices.Sorted(maps.Keys(sims)) {
			all[name] = sims[name].Events()
		}
		answer(w, all)
	})
	mux.HandleFunc("GET /sim/{name}", func(w http.ResponseWriter, r *http.Request) {
		if s := sims[r.PathValue("name")]; s != nil {
			answer(w, s.State())
			return
		}
		http.NotFound(w, r)
	})
	mux.HandleFunc("POST /sim/{name}/{event}", func(w http.ResponseWriter, r *http.Request) {
		s := sims[r.PathValue("name")]
		if s == nil {
			http.NotFound(w, r)
			return
		}
		if err := s.Do(r.Context(), r.PathValue("event"), r.URL.Query()); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the asker has gone
}
