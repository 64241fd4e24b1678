//go:build !linux

package client

import (
	"context"
	"errors"
	"net"
)

// dialWithoutFile is for Linux, where hubs run.
func dialWithoutFile(context.Context, string) (net.Conn, error) { return nil, errors.ErrUnsupported }
