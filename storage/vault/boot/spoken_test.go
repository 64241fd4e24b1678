package boot_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"

	"github.com/ingle-home/ingle/storage/vault/boot"
)

// What is said to a chip, and what others could say.

// Nothing is left in the chip, whatever became of a conversation.
func TestNothingLeftBehind(t *testing.T) {
	mine := newChip(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "boot-chip.cred")
	b := boot.FinderWith(dir, mine.open)(kindChip, withPCR7)
	_, err := b.Make(t.Context())
	must(t, err)
	whole, err := os.ReadFile(path)
	must(t, err)
	for range 100 {
		_, err := b.Key(t.Context())
		must(t, err)
	}
	for i := range 10 {
		must(t, os.Remove(path))
		_, err := b.Make(t.Context())
		must(t, err)
		raw := bytes.Clone(whole)
		raw[len(raw)-1-i] ^= 1
		must(t, os.WriteFile(path, raw, 0o600))
		if _, err := b.Key(t.Context()); err == nil {
			t.Error("a damaged file opens")
		}
	}
	line := mine.line(t)
	defer line.Close()
	for name, kind := range map[string]uint32{"objects": 0x80000000, "sessions": 0x02000000, "saved sessions": 0x03000000} {
		answer, err := tpm2.GetCapability{Capability: tpm2.TPMCapHandles, Property: kind, PropertyCount: 16}.Execute(line)
		must(t, err)
		left, err := answer.CapabilityData.Data.Handles()
		must(t, err)
		if len(left.Handle) > 0 {
			t.Errorf("%s: %x", name, left.Handle)
		}
	}
}

// overheard keeps what went over a line.
type overheard struct {
	transport.TPMCloser
	heard *bytes.Buffer
}

func (o overheard) Send(command []byte) ([]byte, error) {
	answer, err := o.TPMCloser.Send(command)
	fmt.Fprintf(o.heard, "%s%s", command, answer)
	return answer, err
}

// Who listens on the way to the chip does not hear the key.
func TestUnheard(t *testing.T) {
	mine := newChip(t)
	heard := new(bytes.Buffer)
	open := func(ctx context.Context) (transport.TPMCloser, error) {
		line, err := mine.open(ctx)
		return overheard{line, heard}, err
	}
	b := boot.FinderWith(t.TempDir(), open)(kindChip, withPCR7)
	key, err := b.Make(t.Context())
	must(t, err)
	made := heard.Len()
	again, err := b.Key(t.Context())
	must(t, err)
	if !bytes.Equal(again, key) || made < 500 || heard.Len() < made+500 {
		t.Fatalf("control: %d and %d bytes were heard", made, heard.Len()-made)
	}
	if bytes.Contains(heard.Bytes(), key[:8]) || bytes.Contains(heard.Bytes(), key[24:]) {
		t.Error("the key went over the line")
	}
	line := overheard{mine.line(t), heard}
	defer line.Close()
	_, err = tpm2.Hash{
		Data: tpm2.TPM2BMaxBuffer{Buffer: key}, HashAlg: tpm2.TPMAlgSHA256, Hierarchy: tpm2.TPMRHNull,
	}.Execute(line)
	must(t, err)
	if !bytes.Contains(heard.Bytes(), key) {
		t.Error("control: a key in the clear is not heard")
	}
}

// Somebody else's tools open the seal as docs/FORMAT.md says, on the same chip.
func TestOtherTools(t *testing.T) {
	mine := newChip(t)
	dir := t.TempDir()
	key, err := boot.FinderWith(dir, mine.open)(kindChip, withPCR7).Make(t.Context())
	must(t, err)
	raw, err := os.ReadFile(filepath.Join(dir, "boot-chip.cred"))
	must(t, err)
	public := raw[16+34:]
	private := public[2+int(binary.BigEndian.Uint16(public)):]
	public = public[:len(public)-len(private)]
	point := bytes.Repeat(append(binary.NativeEndian.AppendUint16(nil, 32), make([]byte, 128)...), 2) // as the tool has it in memory
	for name, part := range map[string][]byte{"point": point, "public": public, "private": private} {
		must(t, os.WriteFile(filepath.Join(dir, name), part, 0o600))
	}
	tool := func(name string, words ...string) []byte {
		cmd := exec.CommandContext(t.Context(), name, append(words, "-T", "swtpm:path="+filepath.Join(mine.state, "socket"))...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if errors.Is(err, exec.ErrNotFound) {
			t.Skipf("there is no %s", name)
		}
		if err != nil {
			var exit *exec.ExitError
			_ = errors.As(err, &exit)
			t.Fatalf("%s: %v: %s", name, err, exit.Stderr)
		}
		return out
	}
	tool("tpm2_createprimary", "-Q", "-C", "o", "-g", "sha256", "-G", "ecc256:aes128cfb", "-u", "point", "-c", "parent",
		"-a", "restricted|decrypt|fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda")
	tool("tpm2_flushcontext", "-t")
	tool("tpm2_load", "-Q", "-C", "parent", "-u", "public", "-r", "private", "-c", "object")
	tool("tpm2_flushcontext", "-t")
	if got := tool("tpm2_unseal", "-c", "object", "-p", "pcr:sha256:7"); !bytes.Equal(got, key) {
		t.Errorf("it opens to %x, want %x", got, key)
	}
}
