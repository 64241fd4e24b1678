package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"
)

// listenControl opens the control endpoint; nil if address is empty. It refuses to be reached from
// another machine: whoever reaches it rules the house.
func listenControl(ctx context.Context, address string) (net.Listener, error) {
	if address == "" {
		return nil, nil
	}
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	if !at.IP.IsLoopback() {
		return nil, fmt.Errorf("control: %s is not a loopback address", address)
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", at.String())
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	return ln, nil
}

// serveControl answers until ctx ends, and cuts short what is under way then.
func (h *home) serveControl(ctx context.Context, ln net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /emit", h.answerEmit)
	mux.HandleFunc("GET /slow", h.answerSlow)
	mux.HandleFunc("GET /gc", answerGC)
	mux.HandleFunc("GET /rss", answerRSS)
	s := &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("control: %w", err)
	}
	return nil
}

// answerEmit makes changes: count of them, of the first lamp or with all=1 of one after the other,
// us microseconds apart. The answer is how long it took to hand them over, in nanoseconds; nobody's
// reception is waited for.
func (h *home) answerEmit(w http.ResponseWriter, r *http.Request) {
	count, err := number(r, "count", 1_000_000_000)
	gap, err2 := number(r, "us", 60_000_000)
	if err := errors.Join(err, err2); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if len(h.on) == 0 {
		http.Error(w, "there is no lamp", http.StatusConflict)
		return
	}
	begun := time.Now()
	if err := h.emit(r.Context(), count, r.FormValue("all") == "1", time.Duration(gap)*time.Microsecond); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprint(w, time.Since(begun).Nanoseconds())
}

func (h *home) answerSlow(w http.ResponseWriter, r *http.Request) {
	ms, err := number(r, "ms", 3_600_000)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.slow.Store(int64(ms))
}

// number is a whole number in the query; absent is 0.
func number(r *http.Request, name string, most int) (int, error) {
	text := r.FormValue(name)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("%s=%s is not a number from 0 to %d", name, text, most)
	}
	return n, nil
}

// answerGC collects twice, since a pool gives its contents up only at the second time.
func answerGC(w http.ResponseWriter, _ *http.Request) {
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(struct { // whoever asked has gone, then
		Heap       uint64 `json:"heap"`
		Goroutines int    `json:"goroutines"`
	}{m.HeapAlloc, runtime.NumGoroutine()})
}

// answerRSS gives the kernel's view of the process.
func answerRSS(w http.ResponseWriter, _ *http.Request) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.Copy(w, f) // as above
}
