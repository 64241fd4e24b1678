package sim

import (
	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
)

// peer is the side of the camera that the RTSP server calls.
type peer struct{ sim *Sim }

// OnConnOpen counts the connection.
func (p peer) OnConnOpen(ctx *gortsplib.ServerHandlerOnConnOpenCtx) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.sim.conns[ctx.Conn] = struct{}{}
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

// OnDescribe describes the stream to those who log in.
func (p peer) OnDescribe(ctx *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if res, err := p.check(ctx.Conn, ctx.Request); err != nil {
		return res, nil, err
	}
	if ctx.Path != "/live" {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.sim.state.Describes++
	return p.answer(), p.sim.stream, nil
}

// OnSetup prepares a player.
func (p peer) OnSetup(ctx *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if res, err := p.check(ctx.Conn, ctx.Request); err != nil {
		return res, nil, err
	}
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	return p.answer(), p.sim.stream, nil
}

// OnPlay starts a player.
func (p peer) OnPlay(ctx *gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	if res, err := p.check(ctx.Conn, ctx.Request); err != nil {
		return res, err
	}
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.sim.players[ctx.Session] = struct{}{}
	return p.answer(), nil
}

// answer is a success; while the camera goes off it is none. Callers hold the sim's mu.
func (p peer) answer() *base.Response {
	if p.sim.stream == nil {
		return &base.Response{StatusCode: base.StatusServiceUnavailable}
	}
	return &base.Response{StatusCode: base.StatusOK}
}

func (p peer) check(conn *gortsplib.ServerConn, req *base.Request) (*base.Response, error) {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	if p.sim.opts.Open || conn.VerifyCredentials(req, p.sim.opts.User, p.sim.password) {
		return nil, nil
	}
	if _, tried := req.Header["Authorization"]; tried {
		p.sim.state.Refused++
	}
	return &base.Response{StatusCode: base.StatusUnauthorized}, liberrors.ErrServerAuth{}
}
