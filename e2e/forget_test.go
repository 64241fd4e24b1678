package e2e

import (
	"encoding/json"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAPersonIsForgottenInTheWindow has Mia forgotten by somebody before the window: the plan comes first,
// then the password, then the receipt, which is saved and judged without the hub.
func TestAPersonIsForgottenInTheWindow(t *testing.T) {
	d, w := openDemo(t)
	page := image.Rect(200, 0, 1060, 740)
	w.visit(t, "Forget: Mia")
	until(t, 20*time.Second, "the plan is shown", func() bool { _, ok := redButton(w.look(t)); return ok })
	plan := w.steady(t, page)
	w.keep(t, plan, "plan")
	if !d.knows(t, "Mia") {
		t.Fatal("she was forgotten before anybody said so")
	}
	button, _ := redButton(plan)
	w.click(t, button)
	until(t, 10*time.Second, "the password is asked for", func() bool { return differ(plan, w.look(t), page) > 100_000 })
	w.write(t, d.Password)
	w.keep(t, w.steady(t, page), "password")
	w.press(t, "Return", "Return") // from the field to Cancel, which is what Enter then does
	until(t, 10*time.Second, "Enter cancels", func() bool { return differ(plan, w.look(t), page) < 50_000 })
	if !d.knows(t, "Mia") {
		t.Fatal("Enter forgets")
	}
	w.click(t, button)
	until(t, 10*time.Second, "the password is asked for again", func() bool { return differ(plan, w.look(t), page) > 100_000 })
	w.write(t, d.Password)
	w.press(t, "Tab", "Tab", "Return")
	until(t, 90*time.Second, "she is forgotten", func() bool { return !d.knows(t, "Mia") })
	until(t, 60*time.Second, "the receipt is shown in the place of the plan", func() bool {
		m := w.look(t)
		_, asks := redButton(m)
		return !asks && differ(plan, m, image.Rect(200, 0, 1060, 60)) > 100
	})
	w.keep(t, w.steady(t, page), "receipt")

	path := filepath.Join(t.TempDir(), "receipt.json")
	w.click(t, image.Pt(290, 85)) // save it
	w.keep(t, w.steady(t, page), "save")
	w.press(t, "ctrl+a")
	w.write(t, path)
	w.press(t, "Return")
	until(t, 10*time.Second, "the receipt is a file", func() bool { _, err := os.Stat(path); return err == nil })
	if said := d.run(t, "", "privacy", "receipt", "verify", path); !strings.Contains(said, "Genuine") {
		t.Errorf("the receipt: %s", said)
	}
	raw, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(raw), "Mia") {
		t.Errorf("the receipt names her: %v %s", err, raw)
	}
}

// knows says whether the hub knows somebody by that name.
func (d *demo) knows(t *testing.T, name string) bool {
	t.Helper()
	var people []struct {
		Name string `json:"name"`
	}
	if err := json.Unmarshal([]byte(d.run(t, "", "people", "list", "--json")), &people); err != nil {
		t.Fatal(err)
	}
	for _, p := range people {
		if p.Name == name {
			return true
		}
	}
	return false
}
