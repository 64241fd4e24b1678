package pairing

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ingle-home/ingle/hub/api/claim"
	"github.com/ingle-home/ingle/storage"
)

const (
	doorFile = "door.json"
	maxDoor  = 64 << 10
)

var errDoor = errors.New("pairing: door.json is damaged")

// door is what lies in the clear: no name, and nothing that opens the store.
type door struct {
	Key   []byte      `json:"key"` // the hub's, an Ed25519 seed
	Tries claim.Tries `json:"tries"`
	First first       `json:"first,omitzero"` // of an unclaimed hub
	Apps  []knock     `json:"apps,omitempty"` // of a claimed one

	written bool // it is what is on disk
}

// first is the app that has proven the code of an unclaimed hub.
type first struct {
	Pin   string    `json:"pin"`
	Until time.Time `json:"until"`
}

// knock is an app that a locked hub lets in.
type knock struct {
	Pin  string `json:"pin"`
	Role string `json:"role"`
}

func (d door) equal(o door) bool {
	return slices.Equal(d.Key, o.Key) && d.Tries == o.Tries && d.First.Pin == o.First.Pin && d.First.Until.Equal(o.First.Until) && slices.Equal(d.Apps, o.Apps)
}

func (d door) write(dir string) error {
	raw, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("pairing: %w", err)
	}
	return storage.Place(filepath.Join(dir, doorFile), raw)
}

// readDoor gives an empty door where there is none.
func readDoor(dir string) (door, error) {
	f, err := os.Open(filepath.Join(dir, doorFile))
	if errors.Is(err, fs.ErrNotExist) {
		return door{}, nil
	} else if err != nil {
		return door{}, fmt.Errorf("pairing: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxDoor))
	if err != nil {
		return door{}, fmt.Errorf("pairing: %w", err)
	}
	return parseDoor(raw)
}

func parseDoor(raw []byte) (door, error) {
	d := door{written: true}
	if err := json.Unmarshal(raw, &d); err != nil {
		return door{}, fmt.Errorf("%w: %w", errDoor, err)
	}
	fine := len(d.Key) == ed25519.SeedSize && len(d.Apps) <= maxApps && d.Tries.Wrong >= 0 && d.Tries.Void >= 0
	pins := []string{}
	if d.First.Pin != "" {
		pins = append(pins, d.First.Pin)
	}
	for _, a := range d.Apps {
		pins = append(pins, a.Pin)
	}
	for _, p := range pins {
		pin, err := claim.ParsePin(p)
		fine = fine && err == nil && pin.String() == p
	}
	if !fine {
		return door{}, errDoor
	}
	return d, nil
}

func (b *Book) leaf() []*x509.Certificate { return []*x509.Certificate{b.cert.Leaf} }
