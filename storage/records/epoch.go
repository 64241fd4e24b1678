package records

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ingle-home/ingle/storage"
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

func otherEpochs(dir string, epoch uint64) ([]string, error) {
	var others []string
	for _, role := range []string{coreRole, telemetryRole} {
		found, err := filepath.Glob(filepath.Join(escape(dir), role+"-*.db*"))
		if err != nil {
			return nil, fmt.Errorf("records: %w", err)
		}
		own := filepath.Join(dir, fmt.Sprintf("%s-%d.db", role, epoch))
		for _, path := range found {
			if !strings.HasPrefix(path, own) {
				others = append(others, path)
			}
		}
	}
	return others, nil
}

// escape keeps a folder's name from being read as a pattern.
func escape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
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
