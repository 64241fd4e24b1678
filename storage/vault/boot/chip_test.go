package boot_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/ingle-home/ingle/storage/vault"
	"github.com/ingle-home/ingle/storage/vault/boot"
)

const kindChip, withPCR7 = "boot-tpm2", "pcr7"

// open speaks with the chip itself, without the kernel between.
func (c *chip) open(ctx context.Context) (transport.TPMCloser, error) {
	return dial(ctx, filepath.Join(c.state, "socket"))
}

func dial(ctx context.Context, socket string) (transport.TPMCloser, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	return transport.FromReadWriteCloser(conn), nil
}

// line is a conversation of the test's own with the chip; nobody else has one
// before it is closed.
func (c *chip) line(t *testing.T) transport.TPMCloser {
	t.Helper()
	line, err := c.open(t.Context())
	must(t, err)
	return line
}

// house is a vault that opens by a chip.
type house struct {
	dir, code string
	v         *vault.Vault
	want      []byte
}

func newHouse(t *testing.T, open boot.Opener) *house {
	t.Helper()
	dir := t.TempDir()
	v, code, err := vault.Create(dir, password)
	must(t, err)
	h := &house{dir, code, v, v.Key("x")}
	must(t, h.seal(t, open))
	return h
}

// seal has the chip behind open keep the key from now on.
func (h *house) seal(t *testing.T, open boot.Opener) error {
	t.Helper()
	find := boot.FinderWith(h.dir, open)
	return h.v.SetBoot(t.Context(), find(kindChip, withPCR7), find)
}

func (h *house) path() string { return filepath.Join(h.dir, "boot-chip.cred") }

// opens says why the house does not open by itself. A wrong opening is the end.
func (h *house) opens(t *testing.T, open boot.Opener) error {
	t.Helper()
	v, err := vault.OpenBoot(t.Context(), h.dir, boot.FinderWith(h.dir, open))
	if err != nil {
		return err
	}
	if !bytes.Equal(v.Key("x"), h.want) {
		t.Fatal("it opens with another key")
	}
	return v.Close()
}

// closed checks that the chip does not open it for this reason, and that the
// household still does: by its recovery code, which takes no time.
func (h *house) closed(t *testing.T, open boot.Opener, why error) {
	t.Helper()
	err := h.opens(t, open)
	if !errors.Is(err, vault.ErrBoot) || !errors.Is(err, why) {
		t.Errorf("it does not open: %v; want %v", err, why)
	}
	v, err := vault.OpenRecovery(h.dir, h.code)
	if err != nil || !bytes.Equal(v.Key("x"), h.want) {
		t.Errorf("the recovery code: %v", err)
	}
}

func TestChip(t *testing.T) {
	mine := newChip(t)
	h := newHouse(t, mine.open)
	if kind, at := vault.BootSlot(h.dir); kind != kindChip || boot.LevelOf(h.dir, kind, at) != boot.TPM {
		t.Errorf("%s at %s: level %s", kind, at, boot.LevelOf(h.dir, kind, at))
	}
	if info, err := os.Stat(h.path()); err != nil || info.Mode() != 0o600 || info.Size() > 1024 {
		t.Errorf("the file: %v, %v", info, err)
	}
	must(t, h.opens(t, mine.open))
	mine.power(t, false)
	h.closed(t, mine.open, vault.ErrBoot)
	mine.power(t, true)
	must(t, h.opens(t, mine.open))

	before, err := os.ReadFile(h.path())
	must(t, err)
	must(t, h.seal(t, mine.open)) // a second time: the key stays
	if after, err := os.ReadFile(h.path()); err != nil || !bytes.Equal(after, before) {
		t.Errorf("made again it is another: %v", err)
	}
	must(t, h.opens(t, mine.open))

	b := boot.FinderWith(h.dir, mine.open)(kindChip, withPCR7)
	must(t, h.v.SetBoot(t.Context(), nil, boot.FinderWith(h.dir, mine.open)))
	if _, err := os.Stat(h.path()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file stays: %v", err)
	}
	must(t, b.Drop(t.Context())) // what is gone is no error
	if _, err := b.Key(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key that was dropped: %v", err)
	}
}

// Another chip, and a chip whose seed is new, open nothing; but they can be told
// to from now on.
func TestOtherChips(t *testing.T) {
	mine, other := newChip(t), newChip(t)
	h := newHouse(t, mine.open)
	h.closed(t, other.open, boot.ErrLost)
	must(t, h.opens(t, mine.open))
	must(t, h.seal(t, other.open))
	must(t, h.opens(t, other.open))
	h.closed(t, mine.open, boot.ErrLost)

	line := other.line(t)
	_, err := tpm2.Clear{AuthHandle: tpm2.TPMRHLockout}.Execute(line)
	must(t, errors.Join(err, line.Close()))
	h.closed(t, other.open, boot.ErrLost)
	_, err = vault.Open(h.dir, password)
	must(t, err)
	must(t, h.seal(t, other.open))
	must(t, h.opens(t, other.open))
}

// No flipped bit opens anything, or opens another thing.
func TestTampered(t *testing.T) {
	mine := newChip(t)
	h := newHouse(t, mine.open)
	whole, err := os.ReadFile(h.path())
	must(t, err)
	b := boot.FinderWith(h.dir, mine.open)(kindChip, withPCR7)
	for i := 0; i < len(whole); i += 3 { // every field
		raw := bytes.Clone(whole)
		raw[i] ^= 1 << (i % 8)
		must(t, os.WriteFile(h.path(), raw, 0o600))
		if _, err := b.Key(t.Context()); !errors.Is(err, boot.ErrLost) {
			t.Errorf("byte %d of %d: %v", i, len(whole), err)
		}
	}
	h.closed(t, mine.open, boot.ErrLost)
	for _, raw := range [][]byte{nil, whole[:len(whole)/2], make([]byte, 1<<20)} {
		must(t, os.WriteFile(h.path(), raw, 0o600))
		if _, err := b.Key(t.Context()); !errors.Is(err, boot.ErrLost) {
			t.Errorf("a file of %d bytes: %v", len(raw), err)
		}
	}
	must(t, os.WriteFile(h.path(), whole, 0o600))
	must(t, h.opens(t, mine.open))
}

// A machine whose Secure Boot changed waits for its password, until it starts as
// before, or is told to start by itself as it is now.
func TestSecureBootChanged(t *testing.T) {
	mine := newChip(t)
	h := newHouse(t, mine.open)
	change := func(register tpm2.TPMHandle) {
		line := mine.line(t)
		_, err := tpm2.PCRExtend{
			PCRHandle: tpm2.AuthHandle{Handle: register, Auth: tpm2.PasswordAuth(nil)},
			Digests:   tpm2.TPMLDigestValues{Digests: []tpm2.TPMTHA{{HashAlg: tpm2.TPMAlgSHA256, Digest: make([]byte, 32)}}},
		}.Execute(line)
		must(t, errors.Join(err, line.Close()))
	}
	change(4) // another kernel
	must(t, h.opens(t, mine.open))
	change(7)
	h.closed(t, mine.open, boot.ErrLost)
	mine.power(t, false)
	mine.power(t, true)
	must(t, h.opens(t, mine.open))
	change(7)
	must(t, h.seal(t, mine.open))
	must(t, h.opens(t, mine.open))
}

// Who guesses at another secret of the chip until it locks does not lock us.
func TestLockout(t *testing.T) {
	mine := newChip(t)
	h := newHouse(t, mine.open)
	line := mine.line(t)
	theirs, err := tpm2.CreatePrimary{
		PrimaryHandle: tpm2.TPMRHOwner,
		InSensitive: tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{
			UserAuth: tpm2.TPM2BAuth{Buffer: []byte("theirs")},
			Data:     tpm2.NewTPMUSensitiveCreate(&tpm2.TPM2BSensitiveData{Buffer: []byte("secret")}),
		}},
		InPublic: tpm2.New2B(tpm2.TPMTPublic{
			Type: tpm2.TPMAlgKeyedHash, NameAlg: tpm2.TPMAlgSHA256,
			ObjectAttributes: tpm2.TPMAObject{FixedTPM: true, FixedParent: true, UserWithAuth: true},
		}),
	}.Execute(line)
	must(t, err)
	for range 64 {
		_, err = tpm2.Unseal{ItemHandle: tpm2.AuthHandle{
			Handle: theirs.ObjectHandle, Name: theirs.Name, Auth: tpm2.PasswordAuth([]byte("guess")),
		}}.Execute(line)
		if errors.Is(err, tpm2.TPMRCLockout) {
			break
		}
	}
	if !errors.Is(err, tpm2.TPMRCLockout) {
		t.Fatalf("control: the chip does not lock: %v", err)
	}
	_, err = tpm2.FlushContext{FlushHandle: theirs.ObjectHandle}.Execute(line)
	must(t, errors.Join(err, line.Close()))
	must(t, h.opens(t, mine.open))
	must(t, os.Remove(h.path()))
	must(t, h.seal(t, mine.open)) // sealing works too
	must(t, h.opens(t, mine.open))
}

// Without an owner's consent there is no seal, and the error says so.
func TestOwnedChip(t *testing.T) {
	mine := newChip(t)
	line := mine.line(t)
	_, err := tpm2.HierarchyChangeAuth{
		AuthHandle: tpm2.TPMRHOwner, NewAuth: tpm2.TPM2BAuth{Buffer: []byte("owner")},
	}.Execute(line)
	must(t, errors.Join(err, line.Close()))
	b := boot.FinderWith(t.TempDir(), mine.open)(kindChip, withPCR7)
	if _, err := b.Make(t.Context()); !errors.Is(err, boot.ErrUnusable) {
		t.Errorf("an owned chip: %v", err)
	}
}

// A chip that never answers ends a start no later than the start's own time, and
// nothing is lost by it.
func TestSilentChip(t *testing.T) {
	mine := newChip(t)
	h := newHouse(t, mine.open)
	socket := filepath.Join(mine.state, "silent")
	listener, err := net.Listen("unix", socket) // it takes calls, and says nothing
	must(t, err)
	defer listener.Close()
	silent := func(ctx context.Context) (transport.TPMCloser, error) { return dial(ctx, socket) }
	find := boot.FinderWith(h.dir, silent)

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := vault.OpenBoot(ctx, h.dir, find); !errors.Is(err, vault.ErrBoot) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a silent chip: %v", err)
	}
	if err := h.v.SetBoot(ctx, find(kindChip, withPCR7), find); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("sealing by a silent chip: %v", err)
	}
	_, err = vault.Open(h.dir, password)
	must(t, err)
	must(t, h.opens(t, mine.open))
}

// The strongest place that a machine has is taken.
func TestBestWithChip(t *testing.T) {
	mine := newChip(t)
	h := newHouse(t, mine.open)
	t.Setenv("PATH", t.TempDir()) // no systemd-creds
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	for _, c := range []struct {
		open boot.Opener
		want string
	}{{noChip(t), "boot-keyfile"}, {mine.open, kindChip}} {
		find := boot.FinderWith(h.dir, c.open)
		set := func(ctx context.Context, b vault.Boot) error { return h.v.SetBoot(ctx, b, find) }
		must(t, boot.BestWith(t.Context(), h.dir, c.open, set))
		if got, at := vault.BootSlot(h.dir); got != c.want {
			t.Errorf("the best is %s at %s, want %s", got, at, c.want)
		}
		must(t, h.opens(t, c.open))
	}
}
