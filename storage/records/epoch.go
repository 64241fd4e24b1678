package records

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/vault"
)

// The files of a store carry the epoch of their keys in their names. Only while a
// rotation runs are there two sets.

// missing refuses to begin an empty store beside one of another epoch: then
// keys.json is older or newer than the databases.
func missing(dir string, k keySource) error {
	if sizeOf(pathOf(dir, coreRole, k)) > 0 {
		return nil
	}
	others, err := otherEpochs(dir, k.Epoch())
	if err == nil && len(others) > 0 {
		err = fmt.Errorf("%w: there is no core of epoch %d but %s", ErrDamaged, k.Epoch(), filepath.Base(others[0]))
	}
	return err
}

// newer refuses to open an old store, put back with its old keys, beside one of a later
// epoch that has its keys: the end of a rotation that never was would be to remove it.
func newer(dir string, v *vault.Vault) error {
	if !v.Outdated() {
		return nil
	}
	others, err := otherEpochs(dir, v.Epoch())
	for _, path := range others {
		if epoch, _ := epochOf(filepath.Base(path)); epoch > v.Epoch() {
			return fmt.Errorf("%w: the keys are older than %s", ErrDamaged, filepath.Base(path))
		}
	}
	return err
}

// removeOthers ends a rotation that a crash cut short. The databases of this
// epoch are open by now, so they are whole.
func removeOthers(dir string, k keySource) error {
	others, err := otherEpochs(dir, k.Epoch())
	for _, path := range others {
		err = errors.Join(err, os.Remove(path))
	}
	if err != nil || len(others) == 0 {
		return err
	}
	return storage.SyncDir(dir)
}

// Exists tells whether dir holds a database of any epoch.
func Exists(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, fmt.Errorf("records: %w", err)
	}
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		core, _ := filepath.Match(coreRole+"-*.db", e.Name())
		telemetry, _ := filepath.Match(telemetryRole+"-*.db", e.Name())
		return core || telemetry
	}), nil
}

// otherEpochs gives the files of databases of other epochs. A copy that a person made
// of one has another name, and is theirs.
func otherEpochs(dir string, epoch uint64) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	var others []string
	for _, e := range entries {
		if of, ok := epochOf(e.Name()); ok && of != epoch && e.Type().IsRegular() {
			others = append(others, filepath.Join(dir, e.Name()))
		}
	}
	return others, nil
}

// Owns says whether a file has the name of a store's database or of its log, of whatever
// epoch.
func Owns(name string) bool {
	_, ok := epochOf(name)
	return ok
}

// epochOf reads the name of a database or of its log, which must be exactly as a store
// writes it.
func epochOf(name string) (epoch uint64, ok bool) {
	role, rest, _ := strings.Cut(name, "-")
	number, isFile := strings.CutSuffix(strings.TrimSuffix(rest, "-wal"), ".db")
	epoch, err := strconv.ParseUint(number, 10, 64)
	isOurs := role == coreRole || role == telemetryRole
	return epoch, isOurs && isFile && err == nil && strconv.FormatUint(epoch, 10) == number
}

func removeEpoch(dir string, epoch uint64) error {
	for _, role := range []string{coreRole, telemetryRole} {
		for _, suffix := range []string{"", "-wal"} {
			err := os.Remove(filepath.Join(dir, fmt.Sprintf("%s-%d.db%s", role, epoch, suffix)))
			if err != nil && !os.IsNotExist(err) {
				return fmt.Errorf("records: rotate: %w", err)
			}
		}
	}
	return storage.SyncDir(dir)
}
