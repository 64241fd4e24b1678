package camera

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/srtp/v3"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/stream"
)

const (
	usualReports   = 500 * time.Millisecond // between sender reports
	slowestReports = time.Second            // some viewers answer each report and say nothing else
	silence        = 5 * time.Second        // without RTCP: the viewer has gone
	headStart      = 150 * time.Millisecond // for a viewer to open its port after Start
)

var errSilent = errors.New("the viewer sends no reports")

// viewer is one controller that watches: from its SetupEndpoints to the end of its stream.
type viewer struct {
	peer   *hap.Peer
	setup  setup
	video  *line
	sound  *line // nil when the viewer wants none
	camera *Camera
	ctx    context.Context
	end    context.CancelFunc

	once    sync.Once
	started chan struct{}

	mu     sync.Mutex // guards what follows
	choice rtpChoice
	source *stream.Source // of the pictures, after choice
	voice  soundChoice
	gate   chan struct{}  // closed while the stream may run
	last   *media.Unit    // of the pictures that were sent
	shown  *stream.Source // whose pictures were taken last
	shift  time.Duration  // from its clock to the viewer's
}

func newViewer(ctx context.Context, c *Camera, p *hap.Peer, want setup) *viewer {
	w := &viewer{
		peer: p, setup: want, camera: c,
		started: make(chan struct{}), gate: make(chan struct{}),
	}
	close(w.gate)
	w.ctx, w.end = context.WithCancel(ctx)
	return w
}

// connect opens the viewer's ports on an address of ours.
func (w *viewer) connect(local netip.Addr) (err error) {
	w.video, err = openLine(local, w.setup.destination(local, w.setup.video), random32())
	if err != nil || w.setup.audioKey == nil || w.setup.audio == 0 {
		return err
	}
	ssrc := random32()
	for ssrc == w.video.ssrc {
		ssrc = random32()
	}
	w.sound, err = openLine(local, w.setup.destination(local, w.setup.audio), ssrc)
	return err
}

// disconnect closes the ports, which ends what reads from them.
func (w *viewer) disconnect() {
	for _, l := range []*line{w.video, w.sound} {
		if l != nil {
			_ = l.conn.Close()
		}
	}
}

// obey does what a selection other than End asks for. A hap.Status is why not.
func (w *viewer) obey(s selection) error {
	if s.command == commandStart {
		// One key serves both ways: equal numbers would repeat the key stream.
		if s.video.ssrc == w.video.ssrc || w.sound != nil && s.sound.wanted && s.sound.ssrc == w.sound.ssrc {
			return hap.StatusInvalidValue
		}
		w.start(s)
		return nil
	}
	if !w.running() {
		return hap.StatusNotAllowed
	}
	switch s.command {
	case commandSuspend, commandResume:
		w.suspend(s.command == commandSuspend)
	case commandReconfigure:
		w.reconfigure(s.video)
	}
	return nil
}

// start begins the stream; a repeated Start changes nothing.
func (w *viewer) start(s selection) {
	w.once.Do(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.choice, w.voice = s.video, s.sound
		w.source = w.camera.view(s.video.width, s.video.height)
		close(w.started)
	})
}

// running reports whether Start has come.
func (w *viewer) running() bool {
	select {
	case <-w.started:
		return true
	default:
		return false
	}
}

func (w *viewer) suspend(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.gate:
		if on {
			w.gate = make(chan struct{})
		}
	default:
		if !on {
			close(w.gate)
		}
	}
}

// reconfigure takes over what a viewer wants to be different.
func (w *viewer) reconfigure(c rtpChoice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.mtu != 0 {
		w.choice.mtu = c.mtu
	}
	w.choice.reports = c.reports // absent or 0 means the default
	if c.width != 0 && c.height != 0 {
		w.source = w.camera.view(c.width, c.height)
	}
}

// wishes are what the viewer last asked for.
func (w *viewer) wishes() rtpChoice {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.choice
}

// wanted is the view that suits the viewer best.
func (w *viewer) wanted() *stream.Source {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.source
}

// send streams until the viewer or the source ends it.
func (w *viewer) send() error {
	in, err := w.video.arm(w.setup.videoKey)
	if err != nil {
		return err
	}
	// The first number leaves room to the wrap, at which a receiver that misses packets could err.
	p := &packetizer{payloadType: w.wishes().payloadType, ssrc: w.video.ssrc, offset: random32(), sequence: uint16(random32()) >> 1}
	ctx, cancel := context.WithCancelCause(w.ctx)
	var tasks sync.WaitGroup
	var voice *voice
	defer func() {
		cancel(nil)
		w.end() // closes the ports, so that those who listen end
		w.disconnect()
		tasks.Wait()
		voice.close()
	}()
	h := newHearing(w)
	if voice, err = w.speak(ctx, h, &tasks); err != nil {
		return err
	}
	tasks.Go(func() { w.video.listen(func(from netip.Addr, b []byte) { h.report(from, b, in) }) })
	tasks.Go(func() { cancel(w.report(ctx, p, voice, h)) })
	call := w.wanted().View(ctx) // so that the camera is called while the viewer opens its port
	h.wait(ctx)
	call.Close()
	if ctx.Err() == nil {
		if voice != nil {
			tasks.Go(func() { cancel(voice.forward(ctx)) })
		}
		err = w.forward(ctx, p)
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	if w.ctx.Err() != nil {
		return nil
	}
	return err
}

// hearing is what proves that a viewer is there: reports with a valid tag.
type hearing struct {
	viewer *viewer
	heard  chan struct{}
	once   sync.Once
	proved chan struct{} // closed when one came from the address that the stream goes to
}

func newHearing(w *viewer) *hearing {
	return &hearing{viewer: w, heard: make(chan struct{}, 1), proved: make(chan struct{})}
}

// known reports whether a packet may be the viewer's.
func (h *hearing) known(from netip.Addr) bool {
	return from == h.viewer.setup.address || from == bare(h.viewer.peer.Remote.Addr())
}

func (h *hearing) report(from netip.Addr, b []byte, in *srtp.Context) {
	if !h.known(from) || !isRTCP(b) {
		return
	}
	if _, err := in.DecryptRTCP(nil, b, nil); err != nil {
		return
	}
	if from == h.viewer.setup.address {
		h.once.Do(func() { close(h.proved) })
	}
	select {
	case h.heard <- struct{}{}:
	default:
	}
}

// wait gives the viewer time to open its ports. Where the stream goes to an address that its controller
// does not call from, only a report from there lets it begin: else a controller could aim it at others.
func (h *hearing) wait(ctx context.Context) {
	var late <-chan time.Time
	if h.viewer.setup.address == bare(h.viewer.peer.Remote.Addr()) {
		late = time.After(headStart)
	}
	select {
	case <-h.proved:
	case <-late:
	case <-ctx.Done():
	}
}

// report sends sender reports and gives errSilent once the viewer has been silent too long. It also
// speaks before the first picture: a camera that is slow to answer must not look dead.
func (w *viewer) report(ctx context.Context, p *packetizer, voice *voice, h *hearing) error {
	tick := time.NewTimer(0) // the first answer to a report says that the port is open
	defer tick.Stop()
	gone := time.NewTimer(silence)
	defer gone.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-gone.C:
			return errSilent
		case <-h.heard:
			gone.Reset(silence)
		case <-tick.C:
			now := time.Now()
			pts := w.playing(now)
			if err := errors.Join(w.video.report(now, p.timestamp(pts)), voice.report(now, pts)); err != nil {
				return err
			}
			tick.Reset(max(usualReports, w.wishes().reports))
		}
	}
}

// playing is the presentation time of now; both media are told the same, so that they stay together.
func (w *viewer) playing(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last == nil {
		return 0
	}
	return w.last.PTS + now.Sub(w.last.At)
}
