package link

import (
	"context"
	"os"
	"runtime"

	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/client/near"
	"github.com/ingle-home/ingle/hub/api/wire"
)

// Dial gives the line to the hub that the app is paired with; nil if it is paired with none.
func Dial(v client.Vault) (*client.Client, error) {
	self, err := v.Load()
	if err != nil || !self.Paired() {
		return nil, err
	}
	return dial(v, self)
}

// dial gives a line that finds the hub again where it moves to, and remembers that.
func dial(v client.Vault, self client.Self) (*client.Client, error) {
	return client.DialPaired(self, client.Remote{
		Elsewhere: near.Addresses,
		Moved: func(address string) {
			now, err := v.Load()
			if err != nil || now.Hub != self.Hub {
				return // it is another hub's now
			}
			now.Address = address
			_ = v.Save(now) // or else it is looked for again
		},
	})
}

// me is what this app says of itself.
func me() client.App {
	name, err := os.Hostname()
	if err != nil || len(name) > 64 {
		name = ""
	}
	return client.App{Name: name, Platform: runtime.GOOS}
}

// Pair proves the code that the hub at an address shows, and goes on with that hub.
func (l *Link) Pair(ctx context.Context, address, code string) error {
	self, err := client.Pair(ctx, l.vault, address, code, me())
	if err != nil {
		return err
	}
	return l.goOn(self)
}

// PairHere goes on with the hub on this computer, without a code. Of a hub that is not open the app learns
// the key once it is.
func (l *Link) PairHere(ctx context.Context) error {
	socket := client.Dial(l.Socket)
	status, err := socket.Status(ctx)
	if err != nil {
		return err
	}
	if status.State == wire.Open && !l.Stay {
		return l.pairBy(ctx, socket)
	}
	l.Become(socket)
	l.knows(false)
	l.Check()
	return nil
}

// settle pairs an app that goes through the socket once the hub is open: from then on it finds its hub
// wherever it is. Where that fails the socket goes on to serve.
func (l *Link) settle(ctx context.Context) {
	l.mu.Lock()
	known := l.known
	l.mu.Unlock()
	if !known && l.Socket != "" && !l.Stay {
		_ = l.pairBy(ctx, client.Dial(l.Socket))
	}
}

func (l *Link) pairBy(ctx context.Context, socket *client.Client) error {
	self, err := client.PairHere(ctx, l.vault, socket, me())
	if err != nil {
		return err
	}
	return l.goOn(self)
}

// goOn makes a hub the app's.
func (l *Link) goOn(self client.Self) error {
	line, err := dial(l.vault, self)
	if err != nil {
		return err
	}
	l.Become(line)
	l.knows(true)
	l.Check()
	return nil
}

// Unpair leaves the hub. Its owner may revoke this app there as well; the key that it knew is destroyed.
func (l *Link) Unpair(context.Context) error {
	if err := l.vault.Save(client.Self{}); err != nil {
		return err
	}
	l.Become(client.Dial(l.Socket))
	l.knows(false)
	l.set(func(s *State) { *s = State{Phase: NoHub} })
	l.Check()
	return nil
}

func (l *Link) knows(yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = yes
}
