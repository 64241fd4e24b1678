package boot_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ingle-home/ingle/storage/vault/boot"
)

// terminal is the only character device that a test can make anywhere: what is
// written to path arrives at far, and the reverse.
func terminal(t *testing.T) (far *os.File, path string) {
	t.Helper()
	far, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no terminals: %v", err)
	}
	conn, err := far.SyscallConn()
	must(t, err)
	must(t, errors.Join(conn.Control(func(fd uintptr) {
		var n int
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
			n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
		path = fmt.Sprintf("/dev/pts/%d", n)
	}), err))
	near, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY, 0) // as long as the test runs, or far sees an end
	must(t, err)
	mode, err := unix.IoctlGetTermios(near, unix.TCGETS)
	must(t, err)
	mode.Iflag, mode.Oflag, mode.Lflag = 0, 0, 0
	mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 1, 0
	must(t, unix.IoctlSetTermios(near, unix.TCSETS, mode))
	t.Cleanup(func() { must(t, errors.Join(far.Close(), unix.Close(near))) })
	return far, path
}

// The hub speaks with a device. What is behind it here is a chip all the same.
func TestDevice(t *testing.T) {
	mine := newChip(t)
	far, path := terminal(t)
	line := mine.line(t)
	var relay sync.WaitGroup
	relay.Go(func() {
		command := make([]byte, 4096)
		for {
			n, err := far.Read(command) // less than a page comes whole
			if err != nil {
				return
			}
			answer, err := line.Send(command[:n])
			if err != nil {
				return
			}
			if _, err := far.Write(answer); err != nil {
				return
			}
		}
	})
	t.Cleanup(func() { must(t, errors.Join(far.SetReadDeadline(time.Now()), line.Close())); relay.Wait() })
	b := boot.FinderWith(t.TempDir(), boot.Device(path))(kindChip, withPCR7)
	key, err := b.Make(t.Context())
	must(t, err)
	for range 20 {
		if again, err := b.Key(t.Context()); err != nil || !bytes.Equal(again, key) {
			t.Fatal(err)
		}
	}
}

func TestSilentDevice(t *testing.T) {
	far, path := terminal(t)
	b := boot.FinderWith(t.TempDir(), boot.Device(path))(kindChip, withPCR7)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := b.Make(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a silent device: %v", err)
	}
	if n, err := far.Read(make([]byte, 4096)); err != nil || n == 0 { // control: it was asked
		t.Errorf("%d bytes, %v", n, err)
	}
	for _, endless := range [][]byte{make([]byte, 4097), append([]byte{0x80, 1, 0xff, 0xff, 0xff, 0xff}, make([]byte, 5000)...)} {
		far, path := terminal(t)
		b := boot.FinderWith(t.TempDir(), boot.Device(path))(kindChip, withPCR7)
		var relay sync.WaitGroup
		relay.Go(func() {
			if _, err := far.Read(make([]byte, 4096)); err == nil {
				_, _ = far.Write(endless)
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := b.Make(ctx)
		cancel()
		if err == nil {
			t.Errorf("an answer of %d bytes is taken", len(endless))
		}
		must(t, far.SetDeadline(time.Now()))
		relay.Wait()
	}
}

// What is no chip is not asked.
func TestNoDevice(t *testing.T) {
	dir := t.TempDir()
	letter := filepath.Join(dir, "letter.txt")
	must(t, os.WriteFile(letter, []byte("Dear Noor"), 0o600))
	for _, path := range []string{letter, dir, filepath.Join(dir, "none")} {
		b := boot.FinderWith(dir, boot.Device(path))(kindChip, withPCR7)
		if _, err := b.Make(t.Context()); !errors.Is(err, boot.ErrUnusable) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{"/dev/null", "/dev/zero"} { // devices, but none that answers
		b := boot.FinderWith(dir, boot.Device(path))(kindChip, withPCR7)
		if _, err := b.Make(t.Context()); err == nil {
			t.Errorf("%s: a key", path)
		}
	}
	if raw, err := os.ReadFile(letter); err != nil || string(raw) != "Dear Noor" {
		t.Errorf("it is now %q, %v", raw, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "boot-chip.cred")); !os.IsNotExist(err) {
		t.Errorf("a file without a seal: %v", err)
	}
}
