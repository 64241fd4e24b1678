// Package datastream is the HomeKit Data Stream transport: a second, encrypted connection that a
// controller opens beside its HAP session, for what is too large or too quick for characteristics
// (HomeKit Accessory Protocol, DataStreamTransportManagement and the data stream chapters).
//
// A controller writes SetupDataStreamTransport and gets a port and a salt; both ends make keys of the
// secret of their HAP session. Whoever then connects and can say hello under these keys has a Stream,
// over which both ends send events, requests and responses of named protocols. The stream ends with
// the HAP session.
//
// Nothing of Ingle uses it yet, and no accessory publishes its service: secure video will be the first
// protocol. A home hub that finds the service without a use for it would open streams for nothing.
package datastream

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/hap/datastream/opack"
	"github.com/ingle-home/ingle/hub/hap/tlv8"
)

// Options are fixed for the life of a transport; the zero value is one without protocols.
type Options struct {
	Protocols map[string]Protocol // by name, such as "dataSend"; "control" is the transport's own
	Log       *slog.Logger        // nil means silence; messages and keys are never logged
	Limits    Limits
}

// Protocol answers what controllers send under one name. The calls of one stream come one after
// another, in the order of the messages; several streams call at the same time. They must come back
// when ctx ends, which is when the stream does. A message is a dictionary.
type Protocol interface {
	// Request gives the answer's dictionary. A Status in the error goes along with it, any other
	// error is StatusProtocol.
	Request(ctx context.Context, s *Stream, topic string, message opack.Value) (opack.Value, error)
	// Event takes what needs no answer.
	Event(ctx context.Context, s *Stream, topic string, message opack.Value)
}

// Limits bound what controllers and strangers may cost. Every zero takes the default.
type Limits struct {
	Connect   time.Duration // from a setup to its connection, and from a connection to hello: 10 s
	Answer    time.Duration // what a controller may take to answer a request: 10 s
	Frame     time.Duration // one frame, either way: 10 s
	Session   int           // streams and setups of one HAP session: 8
	Streams   int           // of all: 64
	Strangers int           // connections that have not said hello, the oldest yields: 16
}

func (l Limits) orDefaults() Limits {
	return Limits{
		Connect:   cmp.Or(l.Connect, 10*time.Second),
		Answer:    cmp.Or(l.Answer, 10*time.Second),
		Frame:     cmp.Or(l.Frame, 10*time.Second),
		Session:   cmp.Or(l.Session, 8),
		Streams:   cmp.Or(l.Streams, 64),
		Strangers: cmp.Or(l.Strangers, 16),
	}
}

// Transport is the data stream side of one accessory: a stream belongs to the service that it was set
// up with, and nothing that is said over it names the accessory. A server can have several. It is safe
// for concurrent use.
type Transport struct {
	options Options
	limits  Limits
	log     *slog.Logger
	service *hap.Service
	work    sync.WaitGroup // everything that Run waits for; begun under mu while running

	mu        sync.Mutex
	running   context.Context // nil while Run is not
	doors     map[netip.Addr]*door
	waiting   []*ticket
	strangers []net.Conn // oldest first
	streams   map[*Stream]struct{}
}

// New makes the transport and its service; controllers are served while Run is.
func New(o Options) *Transport {
	t := &Transport{
		options: o, limits: o.Limits.orDefaults(), log: o.Log,
		doors: map[netip.Addr]*door{}, streams: map[*Stream]struct{}{},
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	t.service = t.describe()
	return t
}

// describe makes DataStreamTransportManagement.
func (t *Transport) describe() *hap.Service {
	supported := &hap.Characteristic{Type: "130", Format: hap.FormatTLV8, Perms: hap.PermRead}
	setup := &hap.Characteristic{Type: "131", Format: hap.FormatTLV8, Perms: hap.PermRead | hap.PermWrite | hap.PermWriteResponse}
	version := &hap.Characteristic{Type: "37", Format: hap.FormatString, Perms: hap.PermRead}
	setup.OnWrite = func(_ context.Context, p *hap.Peer, v hap.Value) (hap.Value, error) {
		answer, err := t.setUp(p, v.Bytes())
		_ = setup.Set(hap.Bytes(nil)) // what was written, or answered, is nobody else's business
		return hap.Bytes(answer), err
	}
	_ = errors.Join( // all of these fit
		supported.Set(hap.Bytes(tlv8.Append(nil, 1, tlv8.AppendUint8(nil, 1, transportHDS)))),
		setup.Set(hap.Bytes(nil)),
		version.Set(hap.String("1.0")),
	)
	return &hap.Service{Type: "129", Characteristics: []*hap.Characteristic{supported, setup, version}}
}

// Service is complete but for its IIDs.
func (t *Transport) Service() *hap.Service { return t.service }

// Run serves controllers until ctx ends, which is no error, and returns when every stream has ended
// and every call of a Protocol has come back. Before it and after it, setups are answered with an
// error. A transport runs once at a time.
func (t *Transport) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !t.begin(ctx) {
		return errors.New("datastream: it runs already")
	}
	<-ctx.Done()
	t.closeDoors()
	t.work.Wait() // nothing new begins: setups see that ctx has ended
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running = nil
	return nil
}

func (t *Transport) begin(ctx context.Context) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.running != nil {
		return false
	}
	t.running = ctx
	return true
}
