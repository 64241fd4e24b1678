package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrSocketInUse says that another hub already answers on the socket.
var ErrSocketInUse = errors.New("server: another hub answers on this socket")

// ServeUnix serves h on a socket until ctx ends; ready, if not nil, is called once it accepts. Only
// root and the hub's own user get in: the kernel says who the caller is (SO_PEERCRED). A socket that
// a killed hub left behind is replaced.
func ServeUnix(ctx context.Context, path string, h http.Handler, ready func()) error {
	ln, err := listenUnix(path)
	if errors.Is(err, syscall.EROFS) {
		// No file can be made there: a name of the kernel's takes its place, which may
		// be anybody's, so the client asks whose it is.
		ln, err = net.ListenUnix("unix", &net.UnixAddr{Name: "@" + path, Net: "unix"})
	}
	if err != nil {
		return err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	var closing sync.WaitGroup
	stop := context.AfterFunc(ctx, func() {
		defer closing.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if s.Shutdown(end) != nil {
			_ = s.Close()
		}
	})
	closing.Add(1)
	if ready != nil {
		ready()
	}
	err = s.Serve(peers{ln})
	if stop() {
		closing.Done()
	}
	closing.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("server: socket: %w", err)
}

func listenUnix(path string) (*net.UnixListener, error) {
	if len(path) > 107 {
		return nil, fmt.Errorf("server: the path of the socket has %d bytes, the system allows 107: %s", len(path), path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("server: socket: %w", err)
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		_ = c.Close()
		return nil, fmt.Errorf("%w: %s", ErrSocketInUse, path)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("server: socket: %w", err)
		}
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("server: socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = ln.Close()
		return nil, fmt.Errorf("server: socket: %w", err)
	}
	return ln, nil
}

// Peer says what everyone is who got through ServeUnix: somebody at the hub itself.
func Peer(*http.Request) Access { return Console }

// peers accepts only connections of root and of the process's own user.
type peers struct{ *net.UnixListener }

func (p peers) Accept() (net.Conn, error) {
	for {
		c, err := p.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if uid, err := peerUID(c); err == nil && admits(uid, os.Getuid()) {
			return c, nil
		}
		_ = c.Close()
	}
}

func admits(peer uint32, own int) bool { return peer == 0 || int64(peer) == int64(own) }

func peerUID(c *net.UnixConn) (uint32, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("server: peer: %w", err)
	}
	var cred *unix.Ucred
	var inner error
	err = raw.Control(func(fd uintptr) { cred, inner = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err := errors.Join(err, inner); err != nil {
		return 0, fmt.Errorf("server: peer: %w", err)
	}
	return cred.Uid, nil
}
