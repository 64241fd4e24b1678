package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrSocketInUse says that another hub already answers on the socket.
var ErrSocketInUse = errors.New("server: another hub answers on this socket")

// Group is the group whose members may use the socket too, where the machine has it and the hub may give it
// the socket. The folder that the socket is in must let them through: that is for whoever set it up.
const Group = "ingle"

// ServeUnix serves h on a socket until ctx ends; ready, if not nil, is called once it accepts. Only
// root, the hub's own user and the members of Group get in: the kernel says who the caller is (SO_PEERCRED).
// A socket that a killed hub left behind is replaced.
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
	err = s.Serve(peers{ln, share(path)})
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

// share lets the group at the socket; empty where there is none, or where it is not the hub's to give.
func share(path string) (gid string) {
	g, err := user.LookupGroup(Group)
	if err != nil {
		return ""
	}
	id, err := strconv.Atoi(g.Gid)
	if err != nil || os.Chown(path, -1, id) != nil || os.Chmod(path, 0o660) != nil {
		return ""
	}
	return g.Gid
}

// peers accepts only connections of root, of the process's own user and of a group's members.
type peers struct {
	*net.UnixListener
	group string // its number; empty for none
}

func (p peers) Accept() (net.Conn, error) {
	for {
		c, err := p.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if cred, err := peerOf(c); err == nil && admits(cred, os.Getuid(), p.group, groupsOf) {
			return c, nil
		}
		_ = c.Close()
	}
}

func admits(peer *unix.Ucred, own int, group string, groupsOf func(uid uint32) []string) bool {
	if peer.Uid == 0 || int64(peer.Uid) == int64(own) {
		return true
	}
	if group == "" || peer.Uid == nobody {
		return false
	}
	return strconv.FormatUint(uint64(peer.Gid), 10) == group || slices.Contains(groupsOf(peer.Uid), group)
}

// nobody is who everybody is from another user namespace: that says nothing about them.
const nobody = 65534

// groupsOf are the groups of a user, by number, as the machine's own files have them.
func groupsOf(uid uint32) []string {
	u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
	if err != nil {
		return nil
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil
	}
	return ids
}

func peerOf(c *net.UnixConn) (*unix.Ucred, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("server: peer: %w", err)
	}
	var cred *unix.Ucred
	var inner error
	err = raw.Control(func(fd uintptr) { cred, inner = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) })
	if err := errors.Join(err, inner); err != nil {
		return nil, fmt.Errorf("server: peer: %w", err)
	}
	return cred, nil
}
