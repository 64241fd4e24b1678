package datastream_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

const modules = "../bench/peer/node_modules"

// peer starts HAP-NodeJS's data stream server, with one session prepared for the secret and salt().
// It gives the lines that the server says.
func peer(t *testing.T, secret []byte) (lines *bufio.Reader, port string, theirs []byte) {
	t.Helper()
	if _, err := os.Stat(modules + "/@homebridge/hap-nodejs"); err != nil {
		t.Skip("npm's @homebridge/hap-nodejs is not installed here: run `npm ci` in hub/hap/bench/peer, or `make test`")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*patience)
	cmd := exec.CommandContext(ctx, "node", "testdata/peer.js", modules, "server")
	cmd.Stderr = os.Stderr
	in, inErr := cmd.StdinPipe()
	out, outErr := cmd.StdoutPipe()
	if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer cancel()
		in.Close() // it ends with its input
		if err := cmd.Wait(); err != nil {
			t.Errorf("the peer ended with %v", err)
		}
	})
	lines = bufio.NewReader(out)
	fmt.Fprintf(in, "{\"secret\":\"%x\",\"salt\":\"%x\"}\n", secret, salt())
	var ready struct {
		Port int
		Salt string
	}
	if err := json.Unmarshal([]byte(line(t, lines)), &ready); err != nil {
		t.Fatal(err)
	}
	theirs, err := hex.DecodeString(ready.Salt)
	if err != nil {
		t.Fatal(err)
	}
	return lines, strconv.Itoa(ready.Port), theirs
}

// The controller of these tests is as good as they are, so it must get on with HAP-NodeJS's data
// stream server too: the same keys, frames, hello, headers and statuses.
func TestTheTestControllerAgainstHAPNodeJS(t *testing.T) {
	secret := []byte(strings.Repeat("s", 32))
	lines, port, theirs := peer(t, secret)
	c := connect(t, at(port), secret, salt(), theirs)
	c.hello()
	c.send(message("test", "request", "echo", 5, "a", "b"))
	want := `{"request":"echo","id":5,"message":["dict",[["a",["string","b"]]]]}`
	if got := line(t, lines); got != want {
		t.Errorf("the peer hears %s", got)
	}
	if got := fmt.Sprint(c.receive()); got != "{map[event:heard protocol:test] map[message:map[a:b]]}" {
		t.Errorf("its event is %s", got)
	}
	asked := c.receive()
	id, _ := asked.header["id"].(int64)
	if fmt.Sprintf("%v %v", asked.header["request"], asked.body) != "ask map[question:why]" {
		t.Errorf("its request is %v", asked)
	}
	if got := fmt.Sprint(c.receive()); got != "{map[id:5 protocol:test response:echo status:0] map[a:b]}" {
		t.Errorf("its answer is %s", got)
	}
	c.send(message("test", "response", "ask", uint64(id), "x", "y"))
	if got := line(t, lines); got != `{"response":"ask","status":0,"message":["dict",[["x",["string","y"]]]]}` {
		t.Errorf("the peer hears %s", got)
	}
	c.send(message("test", "event", "note", 0))
	if got := line(t, lines); got != `{"event":"note","message":["dict",[]]}` {
		t.Errorf("the peer hears %s", got)
	}
	c.socket.Close()
	if got := line(t, lines); got != `{"closed":true}` {
		t.Errorf("the peer hears %s", got)
	}
}

func line(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	s, err := r.ReadString('\n')
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return strings.TrimSpace(s)
}
