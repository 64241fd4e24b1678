package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"runtime/debug"

	"github.com/ingle-home/ingle/hub/archive"
	"github.com/ingle-home/ingle/storage"
	"github.com/ingle-home/ingle/storage/blobs"
	"github.com/ingle-home/ingle/storage/records"
	"github.com/ingle-home/ingle/storage/vault"
)

// shelf is a sealed store of clips, as the hub's is.
type shelf struct {
	lock  *storage.Lock
	keys  *vault.Vault
	rows  *records.Store
	blobs *blobs.Store
}

// openShelf makes a store in a folder.
func openShelf(ctx context.Context, dir string) (_ *shelf, err error) {
	s := &shelf{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if s.lock, err = storage.Acquire(dir); err != nil {
		return nil, err
	}
	if s.keys, _, err = vault.Create(dir, rand.Text()); err != nil {
		return nil, err
	}
	debug.FreeOSMemory() // what the password took, which no later start needs
	if s.rows, err = records.Open(dir, s.keys, blobs.Personal()...); err != nil {
		return nil, err
	}
	s.blobs, err = blobs.Open(ctx, dir, s.rows, blobs.Options{Limits: archive.ClipLimits(0)})
	return s, err
}

func (s *shelf) clips() archive.Clips { return archive.Clips{Store: s.blobs} }

func (s *shelf) close() (err error) {
	if s.blobs != nil {
		err = errors.Join(err, s.blobs.Close())
	}
	if s.rows != nil {
		err = errors.Join(err, s.rows.Close())
	}
	if s.keys != nil {
		err = errors.Join(err, s.keys.Close())
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Release())
	}
	return err
}
