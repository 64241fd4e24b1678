package claim

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"fmt"
)

// user keeps proofs from being moved between this protocol and HomeKit's.
const user = "ingle-claim"

// channel is what both sides know of the connection: X and the two keys.
type channel struct {
	exported []byte
	hub, app Pin
}

// channelOf asks the TLS connection, whose handshake is over.
func channelOf(s tls.ConnectionState, hub, app Pin) (channel, error) {
	if s.Version != tls.VersionTLS13 || s.NegotiatedProtocol != Protocol || s.DidResume {
		return channel{}, ErrVersion
	}
	x, err := s.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32)
	if err != nil {
		return channel{}, fmt.Errorf("claim: exporter: %w", err)
	}
	return channel{x, hub, app}, nil
}

// transcript is T: all that was said and on which channel.
func (c channel) transcript(salt, a, b, c1 []byte) []byte {
	said := sha256.Sum256(c1)
	h := sha256.New()
	for _, part := range [][]byte{[]byte("ingle claim 1"), c.exported, c.hub[:], c.app[:], salt, a, b, said[:]} {
		h.Write(part)
	}
	return h.Sum(nil)
}

// proofs are proofA and proofH.
func proofs(key, transcript []byte) (app, hub []byte, err error) {
	for _, side := range []struct {
		info string
		to   *[]byte
	}{{"app confirms", &app}, {"hub confirms", &hub}} {
		k, err := hkdf.Key(sha512.New, key, transcript, side.info, 32)
		if err != nil {
			return nil, nil, fmt.Errorf("claim: %w", err)
		}
		m := hmac.New(sha256.New, k)
		m.Write(transcript)
		*side.to = m.Sum(nil)
	}
	return app, hub, nil
}
