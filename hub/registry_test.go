package main

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/hub/privacy"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// Whatever a busy hub keeps is of a kind that is registered: every file, record, document and trait.
func TestAllThatIsKeptIsRegistered(t *testing.T) {
	t.Parallel()
	n := newNest(t)
	if err := n.c.Unlock(t.Context(), password); err != nil {
		t.Fatal(explain(err))
	}
	var files []string
	err := filepath.WalkDir(n.dir, func(at string, _ fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it went meanwhile
		}
		name, _ := filepath.Rel(n.dir, at) // it is below
		if name != "." {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.hub.stop(); err != nil {
		t.Error(err)
	}
	for _, name := range files {
		if !registered(func(k privacy.Kind) []string { return k.Files }, name) {
			t.Errorf("the file %s is of no registered kind", name)
		}
	}
	for _, s := range n.stored(t.Context()) {
		if !registered(func(k privacy.Kind) []string { return k.Records }, s.Kind) {
			t.Errorf("the record %s is of no registered kind", s.Kind)
		}
		if s.Name != "" && !registered(func(k privacy.Kind) []string { return k.Documents }, s.Name) {
			t.Errorf("the document %s is of no registered kind", s.Name)
		}
		if s.Kind == "reading" && !registered(func(k privacy.Kind) []string { return k.Traits }, s.Trait) {
			t.Errorf("readings of %s are of no registered kind", s.Trait)
		}
	}
	if registered(func(k privacy.Kind) []string { return k.Files }, "notes.txt") || registered(func(k privacy.Kind) []string { return k.Documents }, "diary") {
		t.Error("anything is registered") // the control
	}
}

func registered(of func(privacy.Kind) []string, name string) bool {
	return slices.ContainsFunc(privacy.Kinds(), func(k privacy.Kind) bool {
		return slices.ContainsFunc(of(k), func(pattern string) bool {
			is, _ := path.Match(pattern, name) // the patterns are well formed
			return is
		})
	})
}

// stored lists what is in the store of a hub that has ended.
func (n *nest) stored(ctx context.Context) []archive.Stored {
	v := must[*vault.Vault](n.t)(vault.Open(n.dir, password))
	defer v.Close()
	s := must[*records.Store](n.t)(records.Open(n.dir, v, archive.Personal()...))
	defer s.Close()
	return must[[]archive.Stored](n.t)(archive.Inventory(ctx, s, time.Time{}, time.Time{}))
}
