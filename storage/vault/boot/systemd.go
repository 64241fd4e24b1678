package boot

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/ingle-home/ingle/storage"
)

const kindSystemd = "boot-systemd-creds"

// What systemd-creds seals a credential with.
const (
	withTPM  = "tpm2"
	withHost = "host"
)

// credential is its name, which its seal includes.
const credential = "ingle-boot"

// tpmRegisters bind a credential to the machine's secure boot state. An empty
// list would, on some machines, make a credential that does not open.
const tpmRegisters = "7"

// tpmDevice is systemd's own variable for a TPM that is not the machine's first.
const tpmDevice = "SYSTEMD_TPM2_DEVICE"

const systemdTime = 20 * time.Second // a TPM may be slow

// systemd keeps the key as a credential that systemd-creds sealed, in the data
// folder. A unit with the line LoadCredentialEncrypted=ingle-boot:FILE gets it
// opened; a hub that runs as root opens it itself.
type systemd struct{ dir, with string }

func (s systemd) Kind() string { return kindSystemd }
func (s systemd) At() string   { return s.with }

func (s systemd) path() string { return filepath.Join(s.dir, "boot-"+s.with+".cred") }

func (s systemd) Key(ctx context.Context) ([]byte, error) {
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" {
		if raw, err := readKey(filepath.Join(dir, credential)); err == nil {
			return parse(raw)
		}
	}
	if _, err := os.Stat(s.path()); err != nil {
		return nil, fmt.Errorf("boot: credential: %w", err)
	}
	raw, err := creds(ctx, nil, "decrypt", "--name="+credential, s.path(), "-")
	if err != nil {
		return nil, err
	}
	return parse(raw)
}

func parse(raw []byte) ([]byte, error) {
	key, err := hex.DecodeString(string(bytes.TrimSpace(raw)))
	if err != nil || len(key) != keySize {
		return nil, errors.New("boot: the credential holds no key")
	}
	return key, nil
}

// Make replaces a credential that does not open any more: nothing can be lost
// with it.
func (s systemd) Make(ctx context.Context) ([]byte, error) {
	if key, err := s.Key(ctx); err == nil {
		return key, nil
	}
	if s.with == withTPM {
		if _, err := os.Stat("/dev/tpmrm0"); err != nil && os.Getenv(tpmDevice) == "" {
			return nil, fmt.Errorf("%w: no TPM", ErrUnusable)
		}
	}
	key := make([]byte, keySize)
	rand.Read(key)
	words := []string{"encrypt", "--name=" + credential, "--with-key=" + s.with}
	if s.with == withTPM {
		words = append(words, "--tpm2-pcrs="+tpmRegisters)
	}
	sealed, err := creds(ctx, []byte(hex.EncodeToString(key)), append(words, "-", "-")...)
	if err != nil {
		return nil, err
	}
	if err := storage.Place(s.path(), sealed); err != nil {
		return nil, fmt.Errorf("boot: credential: %w", err)
	}
	return key, nil
}

func (s systemd) Drop(context.Context) error {
	if err := os.Remove(s.path()); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("boot: credential: %w", err)
	}
	return nil
}

// creds runs systemd-creds; what it reads and gives never touches a file. The
// host's secret key is root's, so it is no use to ask for it otherwise.
func creds(ctx context.Context, in []byte, words ...string) ([]byte, error) {
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("%w: systemd-creds needs root", ErrUnusable)
	}
	ctx, cancel := context.WithTimeout(ctx, systemdTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "systemd-creds", words...)
	var out, complaint bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: systemd-creds: %w: %.200s", ErrUnusable, err, bytes.TrimSpace(complaint.Bytes()))
	}
	return out.Bytes(), nil
}
