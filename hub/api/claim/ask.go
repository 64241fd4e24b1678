package claim

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/ingle-home/ingle/hub/hap/srp"
)

// Granted is what an app has when a claim went well. The pin is the hub's, proven by the code.
type Granted struct {
	Hub  Pin
	Role string
}

// Ask is the app's end: it proves the code to the hub and takes nothing from one that does not prove
// it too. The connection was dialled with [Config]; own is the app's pin. It takes 30 s at most and
// leaves the connection to the caller. ErrBusy, ErrNone, ErrWrong, ErrVersion, ErrMessage.
func Ask(ctx context.Context, conn *tls.Conn, own Pin, code Code, app App) (Granted, error) {
	free, err := bound(ctx, conn)
	if err != nil {
		return Granted{}, err
	}
	defer free()
	if err := conn.HandshakeContext(ctx); err != nil {
		return Granted{}, fmt.Errorf("claim: %w", err)
	}
	state := conn.ConnectionState()
	hub, err := PinOf(state)
	if err != nil {
		return Granted{}, err
	}
	line, err := channelOf(state, hub, own)
	if err != nil {
		return Granted{}, err
	}
	c1, err := app.c1()
	if err != nil {
		return Granted{}, err
	}
	role, err := line.prove(conn, code, c1)
	if err != nil {
		return Granted{}, err
	}
	return Granted{hub, role}, nil
}

// prove says C1 and C3 and checks what comes back.
func (c channel) prove(conn *tls.Conn, code Code, c1 []byte) (role string, err error) {
	if _, err := conn.Write(c1); err != nil {
		return "", fmt.Errorf("claim: %w", err)
	}
	body, _, err := expect(conn, typeH2)
	if err != nil {
		return "", err
	}
	salt, b, err := readH2(body)
	if err != nil {
		return "", err
	}
	secret := srp.NewClient()
	key, err := secret.Key(user, string(code), salt, b)
	if err != nil {
		return "", ErrWrong
	}
	ours, theirs, err := proofs(key, c.transcript(salt, secret.Public(), b, c1))
	if err != nil {
		return "", err
	}
	if _, err := conn.Write(frame(typeC3, secret.Public(), ours)); err != nil {
		return "", fmt.Errorf("claim: %w", err)
	}
	if body, _, err = expect(conn, typeH4); err != nil {
		return "", err
	}
	proof, role, err := readH4(body)
	if err != nil {
		return "", err
	}
	if subtle.ConstantTimeCompare(proof, theirs) != 1 {
		return "", ErrWrong
	}
	return role, nil
}

// bound gives an exchange its time, which ends with ctx too. free ends the watch.
func bound(ctx context.Context, conn *tls.Conn) (free func(), err error) {
	if err := conn.SetDeadline(time.Now().Add(wholeTime)); err != nil {
		return nil, fmt.Errorf("claim: %w", errors.Join(ctx.Err(), err))
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.NetConn().SetDeadline(time.Unix(1, 0)) }) // a closed one needs none
	return func() { stop() }, nil
}
