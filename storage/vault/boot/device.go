package boot

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/go-tpm/tpm2/transport"
	"golang.org/x/sys/unix"
)

// chipDevice is the kernel's resource manager of the first TPM 2: it shares the
// chip between programs, and frees what one leaves behind.
const chipDevice = "/dev/tpmrm0"

// An answer, bytes: its head of a tag, its length and a code, and more than the
// kernel gives of any.
const (
	answerHead = 10
	maxAnswer  = 4096 + 1
)

// device is a TPM behind a character device. It does not block: a command then
// runs in the kernel's own thread, where the signals that a Go program sends
// itself do not interrupt it, and we can stop to wait for its answer.
type device struct {
	fd  int
	ctx context.Context
}

func openDevice(path string) opener {
	return func(ctx context.Context) (transport.TPMCloser, error) {
		fd, err := retried(func() (int, error) {
			return unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
		})
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrUnusable, path, err)
		}
		var is unix.Stat_t
		if err := unix.Fstat(fd, &is); err != nil || is.Mode&unix.S_IFMT != unix.S_IFCHR {
			return nil, errors.Join(fmt.Errorf("%w: %s is no device", ErrUnusable, path), err, unix.Close(fd))
		}
		return device{fd, ctx}, nil
	}
}

func (d device) Close() error { return unix.Close(d.fd) }

func (d device) Send(command []byte) ([]byte, error) {
	n, err := retried(func() (int, error) { return unix.Write(d.fd, command) })
	if err != nil {
		return nil, fmt.Errorf("write: %w", err)
	}
	if n != len(command) {
		return nil, fmt.Errorf("write: %d of %d bytes", n, len(command))
	}
	return d.receive()
}

// receive reads an answer, whose length stands in it.
func (d device) receive() ([]byte, error) {
	answer := make([]byte, maxAnswer)
	for n := 0; ; {
		if err := d.wait(); err != nil {
			return nil, err
		}
		more, err := retried(func() (int, error) { return unix.Read(d.fd, answer[n:]) })
		if err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
		if n += more; more == 0 || n == maxAnswer {
			return nil, fmt.Errorf("read: an answer that does not end after %d bytes", n)
		}
		if n >= answerHead && uint64(n) >= uint64(binary.BigEndian.Uint32(answer[2:])) {
			return answer[:n], nil
		}
	}
}

// wait returns when there is an answer, or none in time.
func (d device) wait() error {
	const look = 100 * time.Millisecond // for the end of the time
	for d.ctx.Err() == nil {
		ready := []unix.PollFd{{Fd: int32(d.fd), Events: unix.POLLIN}}
		n, err := unix.Poll(ready, int(look.Milliseconds()))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait: %w", err)
		}
		if n > 0 {
			return nil
		}
	}
	return d.ctx.Err()
}

// retried calls again what a signal cut short.
func retried(call func() (int, error)) (int, error) {
	for {
		if n, err := call(); !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
