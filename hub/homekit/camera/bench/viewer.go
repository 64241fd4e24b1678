package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/ingle-home/ingle/hub/hap/haptest"
)

const (
	payloadType = 99
	ownSSRC     = 0x0a0b0c0d
)

// phone is a controller that watches one camera.
type phone struct {
	*receiver
	client    *haptest.Client
	setup     uint64 // IIDs
	selection uint64
}

// watch pairs with a server, sets a stream up and starts it.
func watch(ctx context.Context, s server) (*phone, error) {
	creds, err := haptest.Pair(ctx, s.Address, s.Code, haptest.Options{})
	for tries := 1; err != nil && tries < 3; tries++ { // go2rtc hangs up on some that come just after its start
		creds, err = haptest.Pair(ctx, s.Address, s.Code, haptest.Options{})
	}
	if err != nil {
		return nil, fmt.Errorf("pairing: %w", err)
	}
	client, err := haptest.Open(ctx, s.Address, creds)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	p := &phone{client: client}
	if p.receiver, err = newReceiver(); err == nil {
		err = p.begin()
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *phone) close() {
	if p.client != nil { // ffmpeg is nobody's controller
		_ = p.client.Close()
	}
	if p.receiver != nil {
		p.receiver.close()
	}
}

// begin asks for 1080p with 30 pictures a second on the camera's first stream service.
func (p *phone) begin() error {
	if err := p.look(); err != nil {
		return err
	}
	id, secret := make([]byte, 16), make([]byte, 30)
	rand.Read(id)
	rand.Read(secret)
	port := two(p.port())
	where := haptest.Pack(haptest.Field{Type: 1, Value: []byte{0}}, haptest.Field{Type: 2, Value: []byte("127.0.0.1")},
		haptest.Field{Type: 3, Value: port}, haptest.Field{Type: 4, Value: port})
	key := haptest.Pack(haptest.Field{Type: 1, Value: []byte{0}}, haptest.Field{Type: 2, Value: secret[:16]}, haptest.Field{Type: 3, Value: secret[16:]})
	if err := p.write(p.setup, haptest.Pack(haptest.Field{Type: 1, Value: id}, haptest.Field{Type: 3, Value: where},
		haptest.Field{Type: 4, Value: key}, haptest.Field{Type: 5, Value: key})); err != nil {
		return fmt.Errorf("endpoints: %w", err)
	}
	answer, err := p.read(p.setup)
	if err != nil {
		return err
	}
	if err := p.accept(answer, secret); err != nil {
		return err
	}
	if err := p.write(p.selection, selection(id)); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	return nil
}

// accept takes the camera's answer: where its packets come from, and their key.
func (p *phone) accept(answer, own []byte) error {
	where, key := haptest.Get(answer, 3), haptest.Get(answer, 4)
	address, err := netip.ParseAddr(string(haptest.Get(where, 2)))
	port, ssrc := haptest.Get(where, 3), haptest.Get(answer, 6)
	if err != nil || haptest.Code(answer, 2) != 0 || len(port) != 2 || len(ssrc) != 4 {
		return fmt.Errorf("endpoints are answered by % x", answer)
	}
	theirs := append(append([]byte(nil), haptest.Get(key, 2)...), haptest.Get(key, 3)...)
	return p.receive(netip.AddrPortFrom(address, binary.LittleEndian.Uint16(port)), binary.LittleEndian.Uint32(ssrc), theirs, own)
}

// selection is a Start of H.264 and of Opus, of which the cameras have none.
func selection(id []byte) []byte {
	one := func(typ byte, value ...byte) haptest.Field { return haptest.Field{Type: typ, Value: value} }
	packets := func(kind byte, more ...haptest.Field) []byte {
		return haptest.Pack(append([]haptest.Field{one(1, kind), {Type: 2, Value: binary.LittleEndian.AppendUint32(nil, ownSSRC)},
			{Type: 3, Value: two(kbits)}, one(4, 0, 0, 0, 0x3f)}, more...)...)
	}
	pictures := haptest.Pack(one(1, 0),
		haptest.Field{Type: 2, Value: haptest.Pack(one(1, 1), one(2, 2), one(3, 0))},
		haptest.Field{Type: 3, Value: haptest.Pack(haptest.Field{Type: 1, Value: two(1920)}, haptest.Field{Type: 2, Value: two(1080)}, one(3, fps))},
		haptest.Field{Type: 4, Value: packets(payloadType, haptest.Field{Type: 5, Value: two(1378)})})
	sound := haptest.Pack(one(1, 3),
		haptest.Field{Type: 2, Value: haptest.Pack(one(1, 1), one(2, 0), one(3, 1), one(4, 20))},
		haptest.Field{Type: 3, Value: packets(110, one(6, 13))}, one(4, 0))
	return haptest.Pack(
		haptest.Field{Type: 1, Value: haptest.Pack(haptest.Field{Type: 1, Value: id}, one(2, 1))},
		haptest.Field{Type: 2, Value: pictures}, haptest.Field{Type: 3, Value: sound})
}

func two(n uint16) []byte { return binary.LittleEndian.AppendUint16(nil, n) }

// look finds the first stream service.
func (p *phone) look() error {
	status, raw, err := p.client.Do("GET", "/accessories", nil)
	if err != nil || status != 200 {
		return errors.Join(fmt.Errorf("the accessories: %d", status), err)
	}
	var home struct {
		Accessories []struct {
			Services []struct {
				Type            string
				Characteristics []struct {
					IID  uint64
					Type string
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &home); err != nil {
		return err
	}
	for _, a := range home.Accessories {
		for _, s := range a.Services {
			if s.Type != "110" {
				continue
			}
			for _, c := range s.Characteristics {
				switch strings.ToUpper(c.Type) {
				case "118":
					p.setup = c.IID
				case "117":
					p.selection = c.IID
				}
			}
			return nil
		}
	}
	return errors.New("there is no stream service")
}

func (p *phone) write(iid uint64, value []byte) error {
	body := fmt.Sprintf(`{"characteristics":[{"aid":1,"iid":%d,"value":"%s"}]}`, iid, base64.StdEncoding.EncodeToString(value))
	status, said, err := p.client.Do("PUT", "/characteristics", []byte(body))
	if err == nil && status != 204 {
		err = fmt.Errorf("%d %s", status, said)
	}
	return err
}

func (p *phone) read(iid uint64) ([]byte, error) {
	_, said, err := p.client.Do("GET", fmt.Sprintf("/characteristics?id=1.%d", iid), nil)
	var list struct {
		Characteristics []struct{ Value []byte }
	}
	if err == nil {
		err = json.Unmarshal(said, &list)
	}
	if err == nil && len(list.Characteristics) != 1 {
		err = fmt.Errorf("read %s", said)
	}
	if err != nil {
		return nil, err
	}
	return list.Characteristics[0].Value, nil
}
