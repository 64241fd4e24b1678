// Package boot knows where a hub can keep the key with which it starts by
// itself after a power cut, and how much each place protects.
//
// A person who takes the machine takes a key with it that lies in the machine.
// Such a key protects a copy of the data folder and a backup, not a stolen card;
// Level says so, and everything that shows a hub's state shows the level.
package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/ingle-home/ingle/storage/vault"
)

// Level is what stands between the stored bytes and whoever has the disk.
type Level string

// The levels, strongest first.
const (
	Manual   Level = "manual"    // nothing but a person opens the store
	TPM      Level = "tpm"       // this machine's security chip opens it: the card alone is useless
	Medium   Level = "medium"    // a key on another disk: as good as that disk is kept apart
	SameDisk Level = "same-disk" // a key on the same disk: protects a copied folder, not a stolen card
)

const keySize = 32

// ErrUnusable says that this machine cannot keep a key in that way.
var ErrUnusable = errors.New("boot: not possible on this machine")

// LevelOf is what a boot slot of this kind protects, beside data in dir. A kind
// that is not known counts as the weakest.
func LevelOf(dir, kind, at string) Level {
	switch {
	case kind == "":
		return Manual
	case kind == kindSystemd && at == withTPM, kind == kindChip && at == withPCR7:
		return TPM
	case kind == kindKeyFile && apart(dir, keyFileAt(at).path):
		return Medium
	}
	return SameDisk
}

// Finder gives the places of the hub that keeps its data in dir, for
// vault.OpenBoot and vault.SetBoot.
func Finder(dir string) vault.Find { return finder(dir, openDevice(chipDevice)) }

func finder(dir string, open opener) vault.Find {
	return func(kind, at string) vault.Boot {
		switch {
		case kind == kindSystemd && (at == withTPM || at == withHost):
			return systemd{dir: dir, with: at}
		case kind == kindChip && at == withPCR7:
			return chip{dir, open}
		case kind == kindKeyFile && filepath.IsAbs(at):
			return KeyFile(at)
		}
		return nil
	}
}

// Best has set try the places that the hub in dir has by itself, the strongest
// first, until one serves; the last error if none does. A key on another disk is
// not among them: only a person knows which disk is kept apart. Of the two ways to
// the TPM systemd's comes first: it hands a unit its key, which then needs no right
// to use the chip.
func Best(ctx context.Context, dir string, set func(context.Context, vault.Boot) error) error {
	return best(ctx, dir, openDevice(chipDevice), set)
}

func best(ctx context.Context, dir string, open opener, set func(context.Context, vault.Boot) error) error {
	places := []vault.Boot{systemd{dir, withTPM}, chip{dir, open}, systemd{dir, withHost}}
	if path, err := besides(dir); err == nil {
		places = append(places, KeyFile(path))
	}
	var err error
	for _, b := range places {
		if err = set(ctx, b); err == nil || !errors.Is(err, vault.ErrBoot) {
			return err
		}
	}
	return err
}

// besides is a file for the key of the hub in dir, outside of dir, so that a copy
// of the folder lacks it.
func besides(dir string) (string, error) {
	config, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("boot: %w", err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("boot: %w", err)
	}
	path := filepath.Join(config, "ingle", "boot"+strings.ReplaceAll(abs, string(filepath.Separator), "-")+".key")
	if rel, err := filepath.Rel(abs, path); err == nil && filepath.IsLocal(rel) {
		return "", fmt.Errorf("%w: %s lies in the data folder", ErrUnusable, path)
	}
	return path, nil
}

// readKey reads a file that holds one key.
func readKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile))
}

// maxFile bounds a key file and a sealed credential, bytes.
const maxFile = 64 << 10
