package client

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"
)

var errStranger = errors.New("client: the socket is not of the folder's owner")

// dialWithoutFile connects to a hub whose disk takes no socket. Any user may have taken the name, so
// whoever listens must be root or own the hub's folder.
func dialWithoutFile(ctx context.Context, socket string) (net.Conn, error) {
	socket, err := filepath.Abs(socket)
	if err != nil {
		return nil, err
	}
	folder, err := os.Stat(filepath.Dir(socket))
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", "@"+socket)
	if err != nil {
		return nil, err
	}
	owner, ok := folder.Sys().(*syscall.Stat_t)
	if uid, err := listenerOf(c.(*net.UnixConn)); err != nil || uid != 0 && (!ok || uid != owner.Uid) {
		_ = c.Close()
		return nil, errors.Join(errStranger, err)
	}
	return c, nil
}

func listenerOf(c *net.UnixConn) (uid uint32, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0, err
	}
	var peer *syscall.Ucred
	var inner error
	err = raw.Control(func(fd uintptr) {
		peer, inner = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if err := errors.Join(err, inner); err != nil {
		return 0, err
	}
	return peer.Uid, nil
}
