package datastream

import (
	"context"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"slices"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/tlv8"
)

// What a setup asks for.
const (
	commandStart = 0
	transportHDS = 0
	saltLength   = 32
)

// How a setup is answered.
const (
	setupOK byte = iota
	setupError
	setupBusy
)

// ticket is what a controller got with its setup: the keys of one connection to one door.
type ticket struct {
	peer       *hap.Peer
	door       *door
	open, seal cipher.AEAD
	used       chan struct{} // closed when a connection has come
}

// setUp answers a write of SetupDataStreamTransport.
func (t *Transport) setUp(p *hap.Peer, written []byte) ([]byte, error) {
	theirs, err := parseSetup(written)
	if err != nil {
		return nil, hap.StatusInvalidValue
	}
	ours := make([]byte, saltLength)
	rand.Read(ours) // crypto/rand ends the program rather than fail
	k := &ticket{peer: p, used: make(chan struct{})}
	if k.open, k.seal, err = ciphers(p.Secret, slices.Concat(theirs, ours)); err != nil {
		t.log.Warn("datastream: no keys", "error", err)
		return tlv8.AppendUint8(nil, 1, setupError), nil
	}
	if status := t.expect(k); status != setupOK {
		return tlv8.AppendUint8(nil, 1, status), nil
	}
	answer := tlv8.AppendUint8(nil, 1, setupOK)
	answer = tlv8.Append(answer, 2, tlv8.AppendUint16(nil, 1, k.door.port()))
	return tlv8.Append(answer, 3, ours), nil
}

var errSetup = errors.New("datastream: not a setup of this transport")

// parseSetup gives the controller's salt.
func parseSetup(b []byte) ([]byte, error) {
	t, err := tlv8.Parse(b)
	if err != nil {
		return nil, err
	}
	command, badCommand := t.Uint8(1)
	transport, badTransport := t.Uint8(2)
	salt, badSalt := t.Bytes(3)
	if err := errors.Join(badCommand, badTransport, badSalt); err != nil {
		return nil, err
	}
	if command != commandStart || transport != transportHDS || len(salt) != saltLength {
		return nil, errSetup
	}
	return salt, nil
}

// ciphers are those of the two directions of one stream. The keys live on in them only.
func ciphers(secret, salt []byte) (open, seal cipher.AEAD, err error) {
	if len(secret) == 0 { // anyone can make keys of nothing
		return nil, nil, errors.New("datastream: the session has no secret")
	}
	if open, err = derived(secret, salt, "HDS-Write-Encryption-Key"); err != nil {
		return nil, nil, err
	}
	seal, err = derived(secret, salt, "HDS-Read-Encryption-Key")
	return open, seal, err
}

func derived(secret, salt []byte, info string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha512.New, secret, salt, info, chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	return chacha20poly1305.New(key)
}

// expect makes a ticket good until it is used, too late, or its HAP session over.
func (t *Transport) expect(k *ticket) byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.running == nil || t.running.Err() != nil:
		return setupError
	case t.crowded(k.peer):
		return setupBusy
	}
	d, err := t.doorFor(k.peer.Local.Addr().Unmap())
	if err != nil {
		t.log.Warn("datastream: no port", "error", err)
		return setupError
	}
	k.door = d
	t.waiting = append(t.waiting, k)
	ctx := t.running
	t.work.Go(func() { t.hold(ctx, k) })
	return setupOK
}

// crowded reports whether there is no room for one more stream of a HAP session. Callers hold mu.
func (t *Transport) crowded(p *hap.Peer) bool {
	own := 0
	for _, k := range t.waiting {
		if k.peer == p {
			own++
		}
	}
	for s := range t.streams {
		if s.peer == p {
			own++
		}
	}
	return own >= t.limits.Session || len(t.waiting)+len(t.streams) >= t.limits.Streams
}

func (t *Transport) hold(ctx context.Context, k *ticket) {
	late := time.NewTimer(t.limits.Connect)
	defer late.Stop()
	select {
	case <-k.used:
	case <-late.C:
	case <-k.peer.Done():
	case <-ctx.Done():
	}
	t.take(k)
}

// take makes a ticket void, and reports whether it was good.
func (t *Transport) take(k *ticket) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.waiting, k)
	if i < 0 {
		return false
	}
	t.waiting = slices.Delete(t.waiting, i, i+1)
	close(k.used)
	t.closeUnused(k.door)
	return true
}
