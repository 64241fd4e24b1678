package boot_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ingle-home/ingle/storage/vault"
	"github.com/ingle-home/ingle/storage/vault/boot"
)

// chip is a TPM 2 in software: swtpm, with its state in a folder.
type chip struct {
	state string
	cmd   *exec.Cmd
}

func newChip(t *testing.T) *chip {
	t.Helper()
	if _, err := exec.LookPath("swtpm"); err != nil {
		t.Skip("there is no swtpm")
	}
	state, err := os.MkdirTemp("", "tpm") // t.TempDir is too long for a socket's path
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(state) })
	c := &chip{state: state}
	c.power(t, true)
	t.Cleanup(func() { c.power(t, false) })
	return c
}

// power switches the chip on or off.
func (c *chip) power(t *testing.T, on bool) {
	t.Helper()
	socket := filepath.Join(c.state, "socket")
	if !on {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
		return
	}
	c.cmd = exec.Command("swtpm", "socket", "--tpm2", "--tpmstate", "dir="+c.state, "--flags", "not-need-init,startup-clear",
		"--server", "type=unixio,path="+socket, "--ctrl", "type=unixio,path="+socket+".ctrl")
	must(t, c.cmd.Start())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for { // what was left of the sockets when it was killed refuses
		if conn, err := net.Dial("unix", socket); err == nil {
			_ = conn.Close()
			break
		}
		select {
		case <-ctx.Done():
			t.Fatal("swtpm does not answer")
		case <-tick.C:
		}
	}
	t.Setenv("SYSTEMD_TPM2_DEVICE", "swtpm:path="+socket)
}

// A vault that the chip opens opens after the chip was off, and by no other chip,
// although all files and the host's secret are there.
func TestTPM(t *testing.T) {
	host(t)
	mine := newChip(t)
	dir, ctx := t.TempDir(), t.Context()
	v, _, err := vault.Create(dir, password)
	must(t, err)
	want := v.Key("x")
	find := boot.Finder(dir)
	must(t, boot.Best(ctx, dir, func(ctx context.Context, b vault.Boot) error { return v.SetBoot(ctx, b, find) }))
	kind, at := vault.BootSlot(dir)
	if at != "tpm2" {
		if _, err := find("boot-systemd-creds", "tpm2").Make(ctx); err != nil && strings.Contains(err.Error(), "libtss2") {
			t.Skipf("systemd lacks a library: %v", err)
		}
		t.Fatalf("the best is %s at %s", kind, at)
	}
	if level := boot.LevelOf(dir, kind, at); level != boot.TPM {
		t.Errorf("level %s", level)
	}
	mine.power(t, false)
	if _, err := vault.OpenBoot(ctx, dir, find); !errors.Is(err, vault.ErrBoot) {
		t.Errorf("without its chip: %v", err)
	}
	mine.power(t, true)
	if again, err := vault.OpenBoot(ctx, dir, find); err != nil || !bytes.Equal(again.Key("x"), want) {
		t.Fatalf("after the chip was off: %v", err)
	}
	t.Run("another chip", func(t *testing.T) {
		newChip(t)
		if _, err := vault.OpenBoot(t.Context(), dir, find); !errors.Is(err, vault.ErrBoot) {
			t.Errorf("another chip: %v", err)
		}
	})
	if again, err := vault.OpenBoot(ctx, dir, find); err != nil || !bytes.Equal(again.Key("x"), want) {
		t.Errorf("control: its own chip again: %v", err)
	}
}
