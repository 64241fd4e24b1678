package homekit_test

import (
	"testing"

	"github.com/ingle-home/ingle/hub/bus"
	"github.com/ingle-home/ingle/hub/homekit"
)

func TestWhatIsTheHubsOwnIsNamedInTheLanguageOfTheHome(t *testing.T) {
	w := &world{t: t, bus: bus.New(), paper: &paper{}}
	var err error
	if w.house, err = homekit.Open(t.Context(), homekit.Options{Bus: w.bus, Do: w.do, Camera: w.camera, IDs: w.paper, Words: homekit.Words{
		Privacy: "Mode privé", StopAll: "Tout arrêter", Battery: "Batterie", Button: "Bouton", Doorbell: "Sonnette",
		Fall: "Chute", Motion: "Mouvement", At: "{name}\u00a0: {zone}", Find: "Trouver {name}",
	}}); err != nil {
		t.Fatal(err)
	}
	w.show(family(), offers())
	for _, name := range []string{"Mode privé", "Tout arrêter", "Mia : Home", "Mia SOS"} {
		w.named(name)
	}
	said := map[string]bool{}
	for _, server := range w.servers {
		for _, a := range server.Accessories {
			for _, s := range a.Services {
				if c := s.Characteristic("E3"); c != nil {
					v, _ := c.Value()
					said[v.Text()] = true
				}
			}
		}
	}
	for _, name := range []string{"Trouver Mia's watch", "Mia's watch Batterie"} {
		if !said[name] {
			t.Errorf("no service is called %q: %v", name, said)
		}
	}
}
