// Package sheet shows a page to a browser of this computer, to be printed, without a file: the page is in
// memory, it is given once, to whoever has its address, and the browser is told to keep no copy.
package sheet

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const patience = 30 * time.Second // for a browser to start

// ErrUnseen says that no browser came for the page.
var ErrUnseen = errors.New("sheet: no browser came for the page")

// Print has open show the page, and returns when it was fetched. ErrUnseen where nobody came.
func Print(ctx context.Context, page []byte, open func(*url.URL) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var config net.ListenConfig
	ln, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	secret := make([]byte, 16)
	rand.Read(secret)
	path := "/" + hex.EncodeToString(secret)
	given := make(chan struct{})
	s := &http.Server{ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, Handler: once(path, page, given)}
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.Serve(ln) })
	defer serving.Wait()
	defer func() { _ = s.Close() }()
	if err := open(&url.URL{Scheme: "http", Host: ln.Addr().String(), Path: path}); err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	select {
	case <-given:
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		_ = s.Shutdown(end) // the page is on its way
		return nil
	case <-ctx.Done():
		return ErrUnseen
	}
}

// once gives the page to the first who asks for it by its name.
func once(path string, page []byte, given chan struct{}) http.Handler {
	var first sync.Once
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mine := false
		if r.Method == http.MethodGet && r.URL.Path == path {
			first.Do(func() { mine = true })
		}
		if !mine {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		h.Set("Referrer-Policy", "no-referrer")
		_, _ = w.Write(page)
		close(given)
	})
}
