package stage_test

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/accessories/internal/stage"
)

// lamp is an actor that notes what it was told.
type lamp struct{ did []string }

func (*lamp) Events() []string { return []string{"off", "on"} }

func (l *lamp) Do(_ context.Context, event string, args url.Values) error {
	l.did = append(l.did, event+" "+args.Get("for"))
	if event == "burn" {
		return errors.New("there is no event burn")
	}
	return nil
}

func TestDirect(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	l, says, happened := &lamp{}, &strings.Builder{}, 0
	stage.Direct(ctx, strings.NewReader("help\n\n on for=5 \nburn\non %zz\noff\n"), l, says, func() {
		if happened++; happened == 2 {
			stop()
		}
	})
	if want := []string{"on 5", "burn ", "off "}; !slices.Equal(l.did, want) {
		t.Errorf("it did %q", l.did)
	}
	for _, want := range []string{"off, on\n", "no event burn", "invalid URL escape"} {
		if !strings.Contains(says.String(), want) {
			t.Errorf("%q is missing in %q", want, says)
		}
	}
}
