package boot

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-tpm/tpm2/transport"

	"github.com/ingle-home/ingle/storage"
)

const kindChip = "boot-tpm2"

// withPCR7 is what a chip's seal is bound to: the machine's Secure Boot.
const withPCR7 = "pcr7"

// chipTime bounds one conversation with a chip; slow ones need a second.
const chipTime = 10 * time.Second

// errLost says that what a chip once sealed will not be had again, and so may be
// replaced. A chip that is busy, silent or forbidden has lost nothing.
var errLost = errors.New("boot: the sealed key is lost")

// opener begins a conversation with a TPM 2.
type opener func(context.Context) (transport.TPMCloser, error)

// chip keeps the key sealed by the machine's TPM 2, in the data folder, without
// systemd: for systems that lack it, and for a hub that is not root but may use
// the chip (on Debian the group tss). The kernel must have a resource manager
// for the chip, as Linux has since 4.12.
//
// The seal is bound to what systemd-creds binds to, register 7: whether Secure
// Boot is on, and whose signatures it trusts. So the same machine started from a
// stick with Secure Boot switched off does not open it. The price is that an
// update of the firmware's lists may change the register: then the hub waits for
// its password at every start, until it is told to start by itself again, which
// seals anew. A binding to the kernel as well would ask for that after every
// update of the system; none at all would save it, and give the key to any system
// started on the machine. Where the firmware measures nothing, as on a Raspberry Pi, the
// register is always the same, and the chip alone protects.
//
// No password guards the seal: nobody is there to type it. Hence no wrong one can
// lock it either; it is exempt from the chip's lockout, which others may cause.
type chip struct {
	dir  string
	open opener
}

func (c chip) Kind() string { return kindChip }
func (c chip) At() string   { return withPCR7 }

func (c chip) path() string { return filepath.Join(c.dir, "boot-chip.cred") }

func (c chip) Key(ctx context.Context) ([]byte, error) {
	raw, err := readKey(c.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", errLost, err)
	}
	if err != nil {
		return nil, fmt.Errorf("boot: security chip: %w", err)
	}
	s, ok := parseSeal(raw)
	if !ok {
		return nil, fmt.Errorf("%w: %s is damaged", errLost, c.path())
	}
	return c.talk(ctx, s.unseal)
}

// Make replaces what will not open any more: nothing can be lost with it.
func (c chip) Make(ctx context.Context) ([]byte, error) {
	key, err := c.Key(ctx)
	if !errors.Is(err, errLost) {
		return key, err
	}
	key = make([]byte, keySize)
	rand.Read(key)
	sealed, err := c.talk(ctx, func(line transport.TPM) ([]byte, error) { return sealKey(line, key) })
	if err != nil {
		return nil, err
	}
	if err := storage.Place(c.path(), sealed); err != nil {
		return nil, fmt.Errorf("boot: security chip: %w", err)
	}
	return key, nil
}

func (c chip) Drop(context.Context) error {
	if err := os.Remove(c.path()); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return fmt.Errorf("boot: security chip: %w", err)
	}
	return storage.SyncDir(c.dir)
}

// talk has a conversation with the chip and gives what came of it. When the time
// is over it does not wait for the other side, which may sit in the kernel, where
// even closing waits for a chip that hangs: that ends with the kernel's patience.
func (c chip) talk(ctx context.Context, say func(transport.TPM) ([]byte, error)) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, chipTime)
	defer cancel()
	type outcome struct {
		got []byte
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		got, err := c.meet(ctx, say)
		done <- outcome{got, err}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return nil, fmt.Errorf("boot: security chip: %w", o.err)
		}
		return o.got, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("boot: security chip: no answer: %w", ctx.Err())
	}
}

func (c chip) meet(ctx context.Context, say func(transport.TPM) ([]byte, error)) (got []byte, err error) {
	line, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, line.Close()) }()
	return say(timed{ctx, line})
}

// timed is a line on which nothing is said after the time is over.
type timed struct {
	ctx  context.Context
	line transport.TPM
}

func (t timed) Send(command []byte) ([]byte, error) {
	if err := t.ctx.Err(); err != nil {
		return nil, err
	}
	return t.line.Send(command)
}
