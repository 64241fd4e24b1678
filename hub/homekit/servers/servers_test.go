package servers_test

import (
	"context"
	"testing"

	"github.com/ingle-home/ingle/hub/hap"
	"github.com/ingle-home/ingle/hub/home"
	"github.com/ingle-home/ingle/hub/homekit"
)

func TestACameraOfItsOwnComesAndGoes(t *testing.T) {
	w := start(t, &disk{files: map[string][]byte{}})
	porch := home.Accessory{ID: "a-porch", Name: "Porch", Kind: "camera", Alone: true}
	rocket := home.Accessory{ID: "a-rocket", Name: "Rocket", Kind: "toy"}
	w.camera = pictures
	w.show(home.Contents{Accessories: []home.Accessory{porch, rocket}}, nil)
	main, camera := w.open(homekit.MainServer, w.pair(homekit.MainServer)), w.open("a-porch", w.pair("a-porch"))
	if got := camera.accessories()["Porch"].AID; got != 1 {
		t.Errorf("alone it has aid %d", got)
	}
	rocketAt := main.at("Rocket", "B7", "B0")

	porch.Alone = false
	w.show(home.Contents{Accessories: []home.Accessory{porch, rocket}}, nil)
	<-camera.Ended()
	onBridge := main.accessories()["Porch"]
	if onBridge.AID < 2 || onBridge.value("A2", "37") != nil {
		t.Errorf("on the bridge it is %+v", onBridge)
	}
	id := w.disk.names()

	porch.Alone = true
	w.show(home.Contents{Accessories: []home.Accessory{porch, rocket}}, nil)
	if _, still := main.accessories()["Porch"]; still || main.at("Rocket", "B7", "B0") != rocketAt {
		t.Error("the bridge did not let go of it alone")
	}
	if !w.status("a-porch").Paired {
		t.Error("its own server forgot who was paired")
	}
	porch.Alone = false
	w.show(home.Contents{Accessories: []home.Accessory{porch, rocket}}, nil)
	if back := main.accessories()["Porch"]; back.AID != onBridge.AID || back.iid("110", "120") != onBridge.iid("110", "120") {
		t.Errorf("it came back as %d, was %d", back.AID, onBridge.AID)
	}
	if got := w.disk.names(); len(got) != len(id) {
		t.Errorf("the disk holds %v, held %v", got, id)
	}
	if main.ended() {
		t.Error("the bridge's session ended")
	}
}

// pictures is the HomeKit side of a camera as far as servers care.
func pictures(a home.Accessory) (homekit.Camera, error) {
	return homekit.Camera{
		Services: []*hap.Service{{Type: "110", Characteristics: []*hap.Characteristic{
			{Type: "120", Format: hap.FormatTLV8, Perms: hap.PermRead | hap.PermEvents, OnRead: func(context.Context, *hap.Peer) (hap.Value, error) {
				return hap.Bytes([]byte{1, 1, 0}), nil
			}},
		}}},
		Snapshot: func(context.Context, int, int) ([]byte, error) { return []byte(a.ID), nil },
	}, nil
}
