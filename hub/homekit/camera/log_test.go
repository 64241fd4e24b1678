package camera_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/ingle-home/ingle/accessories/media"
	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/homekit/camera"
	"github.com/ingle-home/ingle/hub/stream"
)

// A camera that gives no picture is noted once, however often controllers ask.
func TestNoPictureIsNotedOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	source := stream.New(func(context.Context, func(*media.Unit)) error { return errors.New("away") }, stream.Options{})
	defer source.Close()
	c := camera.New(camera.Options{Source: source, Log: slog.New(slog.NewTextHandler(&log, nil))})
	defer c.Close()
	for range 20 {
		if _, err := c.Snapshot(t.Context(), 1, 1); !errors.Is(err, hap.StatusUnreachable) {
			t.Fatal(err)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines", n)
	}
}
