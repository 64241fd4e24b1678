package buttplug_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ingle-home/ingle/accessories/buttplug"
	"github.com/ingle-home/ingle/accessories/buttplug/sim"
)

// vectors gives the text of a test vector, or skips.
func vectors(t *testing.T, name string) []byte {
	t.Helper()
	dir := os.Getenv("INGLE_VECTORS")
	if dir == "" {
		t.Skip("INGLE_VECTORS does not name the folder of test vectors")
	}
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Skipf("no test vectors: %v", err)
	}
	return raw
}

// schema is as much of JSON Schema draft-07 as the protocol's own schema uses.
type schema struct {
	Ref                  string `json:"$ref"`
	Type                 string
	Properties           map[string]*schema
	PatternProperties    map[string]*schema
	AdditionalProperties *bool
	Required             []string
	Items                *schema
	AnyOf                []*schema
	Minimum, Maximum     *float64
	MinItems             *int
	MinProperties        *int
	MaxProperties        *int
}

type schemas struct{ root json.RawMessage }

func (s schemas) at(t *testing.T, ref string) *schema {
	raw := s.root
	for _, step := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		var m map[string]json.RawMessage
		if err := json.Unmarshal(raw, &m); err != nil || m[step] == nil {
			t.Fatalf("schema %s: no %s", ref, step)
		}
		raw = m[step]
	}
	out := &schema{}
	if err := json.Unmarshal(raw, out); err != nil {
		t.Fatalf("schema %s: %v", ref, err)
	}
	return out
}

// check says what is wrong with a value.
func (s schemas) check(t *testing.T, n *schema, v any, where string) (wrong []string) {
	if n.Ref != "" {
		return s.check(t, s.at(t, n.Ref), v, where)
	}
	if len(n.AnyOf) > 0 && !slices.ContainsFunc(n.AnyOf, func(o *schema) bool { return len(s.check(t, o, v, where)) == 0 }) {
		wrong = append(wrong, where+": fits none of the alternatives")
	}
	switch x := v.(type) {
	case map[string]any:
		return append(wrong, s.object(t, n, x, where)...)
	case []any:
		if n.Type != "array" && n.Type != "" || n.MinItems != nil && len(x) < *n.MinItems {
			wrong = append(wrong, where+": not such an array")
		}
		for i, one := range x {
			if n.Items != nil {
				wrong = append(wrong, s.check(t, n.Items, one, fmt.Sprintf("%s[%d]", where, i))...)
			}
		}
	case float64:
		whole := x == float64(int64(x))
		if n.Type != "" && n.Type != "number" && !(n.Type == "integer" && whole) ||
			n.Minimum != nil && x < *n.Minimum || n.Maximum != nil && x > *n.Maximum {
			wrong = append(wrong, fmt.Sprintf("%s: %v", where, x))
		}
	case string:
		if n.Type != "" && n.Type != "string" {
			wrong = append(wrong, where+": a string")
		}
	case bool:
		if n.Type != "" && n.Type != "boolean" {
			wrong = append(wrong, where+": a boolean")
		}
	default:
		wrong = append(wrong, where+": null")
	}
	return wrong
}

func (s schemas) object(t *testing.T, n *schema, x map[string]any, where string) (wrong []string) {
	if n.Type != "" && n.Type != "object" || n.MinProperties != nil && len(x) < *n.MinProperties ||
		n.MaxProperties != nil && len(x) > *n.MaxProperties {
		wrong = append(wrong, where+": not such an object")
	}
	for _, name := range n.Required {
		if _, ok := x[name]; !ok {
			wrong = append(wrong, where+": lacks "+name)
		}
	}
	for name, v := range x {
		known := false
		if p := n.Properties[name]; p != nil {
			known = true
			wrong = append(wrong, s.check(t, p, v, where+"."+name)...)
		}
		for pattern, p := range n.PatternProperties {
			if regexp.MustCompile(pattern).MatchString(name) {
				known = true
				wrong = append(wrong, s.check(t, p, v, where+"."+name)...)
			}
		}
		if !known && n.AdditionalProperties != nil && !*n.AdditionalProperties {
			wrong = append(wrong, where+": "+name+" is not allowed")
		}
	}
	return wrong
}

func (s schemas) frame(t *testing.T, version int, frame []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(frame, &v); err != nil {
		t.Fatal(err)
	}
	for _, w := range s.check(t, s.at(t, fmt.Sprintf("#/specs/MessageSpecV%d", version)), v, "") {
		t.Errorf("version %d: %s in %s", version, w, frame)
	}
}

func TestTheCheckerSeesFaults(t *testing.T) {
	s := schemas{vectors(t, "buttplug-schema.json")}
	for _, bad := range []string{
		`[]`, `{}`, `[{"Ping":{"Id":0}}]`, `[{"Ping":{"Id":1,"More":1}}]`, `[{"Nonsense":{"Id":1}}]`, `[{"StopCmd":{}}]`,
		`[{"OutputCmd":{"Id":1,"DeviceIndex":0,"FeatureIndex":0,"Command":{"Vibrate":{}}}}]`, `[{"Ping":{"Id":1},"Ok":{"Id":1}}]`,
		`[{"StopCmd":{"Id":1,"Inputs":"yes"}}]`, `[{"StopCmd":{"Id":1.5}}]`,
	} {
		var v any
		if err := json.Unmarshal([]byte(bad), &v); err != nil {
			t.Fatal(err)
		}
		if len(s.check(t, s.at(t, "#/specs/MessageSpecV4"), v, "")) == 0 {
			t.Errorf("the checker accepts %s", bad)
		}
	}
}

func TestEveryFrameFitsTheSchema(t *testing.T) {
	s := schemas{vectors(t, "buttplug-schema.json")}
	bothVersions(t, func(t *testing.T, version int) {
		var mu sync.Mutex
		var frames [][]byte
		server := start(t, sim.Options{Versions: []int{version}, MaxPingTime: 1500 * time.Millisecond, Heard: func(_ int, f []byte) {
			mu.Lock()
			defer mu.Unlock()
			frames = append(frames, slices.Clone(f))
		}})
		tap := &tap{}
		r := open(t, buttplug.New(), config(server.Address(), tap))
		eventually(t, "battery", func() bool { return r.battery() == 80 })
		r.set(50)
		happen(t, server, "battery", map[string][]string{"level": {"5"}})
		eventually(t, "battery", func() bool { return r.battery() == 5 })
		r.set(0)
		happen(t, server, "remove", nil)
		_ = r.over()
		mu.Lock()
		defer mu.Unlock()
		names := ""
		for _, f := range frames {
			names += string(f)
			if version == 3 && strings.Contains(string(f), "ProtocolVersionMajor") {
				s.frame(t, 4, f)
				continue
			}
			s.frame(t, version, f)
		}
		for _, want := range []string{"RequestServerInfo", "RequestDeviceList", "StartScanning", "Ping", "Stop", "Battery"} {
			if !strings.Contains(names, want) {
				t.Errorf("no frame with %s was checked", want)
			}
		}
		for _, f := range tap.frames() {
			switch {
			case strings.Contains(f, `"ErrorCode":1`): // the refusal of version 4
			default:
				s.frame(t, version, []byte(f))
			}
		}
	})
}
