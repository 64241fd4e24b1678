package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/core"
	"github.com/AlexxIT/go2rtc/pkg/hap"
	"github.com/AlexxIT/go2rtc/pkg/hap/camera"
	"github.com/AlexxIT/go2rtc/pkg/hap/hds"
	"github.com/AlexxIT/go2rtc/pkg/hap/tlv8"
)

const streamTransport = "129"

// ticket asks for a data stream with a salt of so many bytes, and gives the answer.
func ticket(t *testing.T, c *controller, at place, salt string) (status int, res camera.SetupDataStreamTransportResponse) {
	t.Helper()
	text, err := tlv8.MarshalBase64(camera.SetupDataStreamTransportRequest{ControllerKeySalt: salt})
	if err != nil {
		t.Fatal(err)
	}
	code, raw := c.ask(t, http.MethodPut, hap.PathCharacteristics,
		fmt.Sprintf(`{"characteristics":[{"aid":%d,"iid":%d,"value":%q,"r":true}]}`, at.aid, at.iid, text))
	var r results
	if err := json.Unmarshal(raw, &r); err != nil || code != http.StatusMultiStatus || len(r.Characteristics) != 1 {
		t.Fatalf("asking for a stream: %d %s, %v", code, raw, err)
	}
	if status = r.statuses()[0]; status != 0 {
		return status, res
	}
	if err := tlv8.UnmarshalBase64(r.Characteristics[0].Value, &res); err != nil {
		t.Fatalf("the answer is %v: %v", r.Characteristics[0].Value, err)
	}
	return status, res
}

// hello is the first message of a stream: header {protocol, request, id}, and an empty message.
func hello() []byte {
	const header = "\xE3\x48protocol\x47control\x47request\x45hello\x42id\x09"
	return append([]byte{byte(len(header))}, header+"\xE0"...)
}

// streamConn connects to the port of a ticket with the keys of a session.
func streamConn(t *testing.T, c *controller, salt string, res camera.SetupDataStreamTransportResponse) (*hds.Conn, net.Conn) {
	t.Helper()
	port := strconv.Itoa(int(res.TransportTypeSessionParameters.TCPListeningPort))
	socket, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", port), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	_ = socket.SetDeadline(time.Now().Add(20 * time.Second))
	conn, err := hds.NewConn(socket, c.conn.(*hap.Conn).SharedKey, salt+res.AccessoryKeySalt, true)
	if err != nil {
		t.Fatal(err)
	}
	return conn, socket
}

// TestTheDataStream opens one with go2rtc's client, and ends it with the session that asked for it.
func TestTheDataStream(t *testing.T) {
	b := startBench(t, 3, "", "-stream")
	paired, err := tryPair(b.bridge, b.SetupCode)
	if err != nil {
		t.Fatal(err)
	}
	c := session(t, b.bridge, paired)
	at := every(c.things(t), streamTransport, camera.TypeSetupDataStreamTransport)[0]
	if status, _ := ticket(t, c, at, "short"); status != -70410 {
		t.Errorf("a short salt gives %d, want -70410", status)
	}
	salt := core.RandString(32, 0)
	status, res := ticket(t, c, at, salt)
	if status != 0 || res.Status != 0 || len(res.AccessoryKeySalt) != 32 || res.TransportTypeSessionParameters.TCPListeningPort == 0 {
		t.Fatalf("a stream is answered by %d, %+v", status, res)
	}
	if _, r, _ := c.read(t, id(at)); r.Characteristics[0].Value != "" {
		t.Errorf("the answer can be read again: %v", r.Characteristics[0].Value)
	}
	conn, _ := streamConn(t, c, salt, res)
	if _, err := conn.Write(hello()); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 4096)
	n, err := conn.Read(answer)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"\x47control", "\x48response\x45hello", "\x42id\x33\x01\x00", "\x46status\x33\x00\x00"} {
		if !bytes.Contains(answer[:n], []byte(part)) {
			t.Errorf("hello is answered by %q, without %q", answer[:n], part)
		}
	}

	other := core.RandString(32, 0)
	if status, res = ticket(t, c, at, other); status != 0 || res.Status != 0 {
		t.Fatalf("a second stream is answered by %d, %+v", status, res)
	}
	thief, _ := streamConn(t, c, core.RandString(32, 0), res) // not the salt that was sent
	if _, err := thief.Write(hello()); err != nil {
		t.Fatal(err)
	}
	if n, err := thief.Read(answer); err == nil {
		t.Errorf("a hello under other keys is answered by %q", answer[:n])
	}

	_ = c.conn.Close()
	if n, err := conn.Read(answer); err == nil {
		t.Errorf("after its session the stream says %q", answer[:n])
	}
}
