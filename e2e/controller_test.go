package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/AlexxIT/go2rtc/pkg/hap"
)

// event is a change that a controller was told.
type event struct {
	AID   uint64 `json:"aid"`
	IID   uint64 `json:"iid"`
	Value any    `json:"value"`
	at    time.Time
}

// controller is go2rtc's client on one server of the hub.
type controller struct {
	*hap.Client
	events chan event
}

// pair pairs with a server by its printed code.
func pair(t *testing.T, h bridge) *hap.Client {
	t.Helper()
	c, err := hap.Pair(fmt.Sprintf("homekit://127.0.0.1:%d?device_id=%s&pin=%s", h.Port, h.DeviceID, h.SetupCode))
	if err != nil {
		t.Fatalf("pairing with %s: %v", h.Name, err)
	}
	return c
}

// connect opens a session of a controller that has been paired.
func connect(t *testing.T, paired string) *controller {
	t.Helper()
	c, err := hap.Dial(paired)
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	t.Cleanup(func() { _ = c.Close() })
	all := &controller{c, make(chan event, 1000)}
	c.OnEvent = func(res *http.Response) {
		var v struct {
			Characteristics []event `json:"characteristics"`
		}
		if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
			t.Errorf("an event that is not JSON: %v", err)
			return
		}
		for _, e := range v.Characteristics {
			e.at = time.Now()
			all.events <- e
		}
	}
	return all
}

// put writes to /characteristics and wants them taken.
func (c *controller) put(t *testing.T, body string, args ...any) {
	t.Helper()
	res, err := c.Put(hap.PathCharacteristics, hap.MimeJSON, bytes.NewBufferString(fmt.Sprintf(`{"characteristics":[`+body+`]}`, args...)))
	if err != nil {
		t.Fatal(err)
	}
	if said, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusNoContent {
		t.Fatalf("PUT %s: %s %s", body, res.Status, said)
	}
}

// place is where a characteristic is.
type place struct {
	aid, iid uint64
	value    any
}

// find finds the characteristic of a type in a service type of the accessory with a name.
func find(t *testing.T, accessories []*hap.Accessory, name, service, characteristic string) place {
	t.Helper()
	for _, a := range accessories {
		if nameOf(a) != name {
			continue
		}
		for _, s := range a.Services {
			for _, c := range s.Characters {
				if s.Type == service && c.Type == characteristic {
					return place{uint64(a.AID), c.IID, c.Value}
				}
			}
		}
	}
	var names []string
	for _, a := range accessories {
		names = append(names, nameOf(a))
	}
	t.Fatalf("%s has no %s/%s; there are %s", name, service, characteristic, strings.Join(names, ", "))
	return place{}
}

func nameOf(a *hap.Accessory) string {
	for _, s := range a.Services {
		for _, c := range s.Characters {
			if s.Type == "3E" && c.Type == "23" {
				name, _ := c.Value.(string)
				return name
			}
		}
	}
	return ""
}

// shape is the database without its values: what must stay the same for ever.
func shape(accessories []*hap.Accessory) string {
	var b strings.Builder
	for _, a := range accessories {
		fmt.Fprintf(&b, "%d %s:", a.AID, nameOf(a))
		for _, s := range a.Services {
			fmt.Fprintf(&b, " %d=%s", s.IID, s.Type)
			for _, c := range s.Characters {
				fmt.Fprintf(&b, ",%d=%s", c.IID, c.Type)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
