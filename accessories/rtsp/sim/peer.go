package sim

import (
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtp"
)

const maxHeard = 1 << 20 // bytes

// peer is the side of the camera that the RTSP server calls.
type peer struct{ sim *Sim }

// OnConnOpen counts the connection.
func (p peer) OnConnOpen(ctx *gortsplib.ServerHandlerOnConnOpenCtx) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.sim.conns[ctx.Conn] = struct{}{}
	p.sim.state.Opened++
}

// OnRequest cuts the connection where it was told to.
func (p peer) OnRequest(conn *gortsplib.ServerConn, _ *base.Request) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	if p.sim.cut == 0 {
		return
	}
	if p.sim.cut--; p.sim.cut == 0 {
		_ = conn.NetConn().Close() // at once: the answer finds nobody
		p.sim.state.Cut++
	}
}

// OnConnClose forgets the connection.
func (p peer) OnConnClose(ctx *gortsplib.ServerHandlerOnConnCloseCtx) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	delete(p.sim.conns, ctx.Conn)
}

// OnSessionClose forgets the player.
func (p peer) OnSessionClose(ctx *gortsplib.ServerHandlerOnSessionCloseCtx) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	delete(p.sim.players, ctx.Session)
}

// OnDescribe describes a view to those who log in.
func (p peer) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	res, stream, err := p.answer(ctx.Conn, ctx.Request, ctx.Path)
	if stream != nil {
		p.sim.state.Describes++
	}
	return res, stream, err
}

// OnSetup prepares a player.
func (p peer) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	return p.answer(ctx.Conn, ctx.Request, ctx.Path)
}

// OnPlay starts a player, and listens where one speaks.
func (p peer) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	res, stream, err := p.answer(ctx.Conn, ctx.Request, ctx.Path)
	if stream == nil {
		return res, err
	}
	for _, m := range ctx.Session.Medias() {
		switch {
		case m.IsBackChannel:
			ctx.Session.OnPacketRTP(m, m.Formats[0], p.hear)
		case m.Type == description.MediaTypeAudio:
			p.sim.state.Sounds++
		default:
			p.sim.players[ctx.Session] = struct{}{}
		}
	}
	return res, nil
}

// hear keeps what comes to the loudspeaker.
func (p peer) hear(packet *rtp.Packet) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.sim.state.Heard++
	if len(p.sim.heard) < maxHeard {
		p.sim.heard = append(p.sim.heard, packet.Payload...)
	}
}

// answer is a view's stream for those who log in; while the camera goes off there is none. Callers
// hold the sim's mu.
func (p peer) answer(conn *gortsplib.ServerConn, req *base.Request, path string) (*base.Response, *gortsplib.ServerStream, error) {
	if !p.sim.admits(conn, req, time.Now()) {
		return &base.Response{StatusCode: base.StatusUnauthorized}, nil, liberrors.ErrServerAuth{}
	}
	for _, v := range p.sim.views {
		if v.path != path {
			continue
		}
		if v.stream == nil {
			return &base.Response{StatusCode: base.StatusServiceUnavailable}, nil, nil
		}
		return &base.Response{StatusCode: base.StatusOK}, v.stream, nil
	}
	return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
}
