package screen_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"github.com/ingle-home/ingle/app/link"
	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen"
	parts "github.com/ingle-home/ingle/app/widget"
	"github.com/ingle-home/ingle/hub/api/apitest"
	"github.com/ingle-home/ingle/hub/api/apitest/door"
	"github.com/ingle-home/ingle/hub/api/client"
	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// near is a link that finds one hub, and looks for things no longer than it must.
type near struct {
	*link.Link
	address string
}

func (n near) Search(_ context.Context, found func([]link.Found)) {
	found([]link.Found{{Address: n.address, State: wire.Unclaimed}})
}

func (n near) Find(ctx context.Context, _ time.Duration) ([]wire.Found, error) {
	return n.Link.Find(ctx, time.Second)
}

// typist is an app that is used by its keys, on a hub behind a real door.
type typist struct {
	*house
	log    *bytes.Buffer
	states chan link.State
	close  func()
}

func sitDown(t *testing.T, d *door.Door, v client.File) *typist {
	t.Helper()
	test.NewTempApp(t).Settings().SetTheme(parts.NewLook())
	c, err := link.Dial(v)
	if err != nil {
		t.Fatal(err)
	}
	known := c != nil
	if !known {
		c = client.Dial(apitest.Socket(t))
	}
	l := link.New(c, v, known)
	p := &typist{house: &house{Home: d.Home, t: t}, log: &bytes.Buffer{}, states: make(chan link.State, 4096)}
	old := log.Writer()
	log.SetOutput(p.log)
	t.Cleanup(func() { log.SetOutput(old) })
	p.s = screen.New(screen.Options{Hub: near{l, d.Address()}, Texts: i18n.For("en"), Place: time.UTC,
		Work:  func(f func(context.Context)) { f(t.Context()) },
		After: func(time.Duration, func()) func() { return func() {} }})
	p.w = test.NewTempWindow(t, p.s.Content())
	p.w.SetPadded(false)
	p.w.Resize(phone)
	p.s.Keys()
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() { l.Run(ctx, func(s link.State) { p.states <- s }) })
	p.close = sync.OnceFunc(func() { cancel(); done.Wait(); c.Close() })
	t.Cleanup(p.close)
	return p
}

// sees shows what the link tells until the window says something.
func (p *typist) sees(words string) {
	p.t.Helper()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	for !p.says(words) {
		select {
		case s := <-p.states:
			p.s.Show(s)
		case <-limit.C:
			p.t.Fatalf("the window never says %q, but %q", words, p.words())
		}
	}
}

// tab goes on until the focus is on what is called so.
func (p *typist) tab(name string) {
	p.t.Helper()
	for range 60 {
		p.c().FocusNext()
		switch o := p.c().Focused().(type) {
		case *parts.Entry:
			if strings.HasPrefix(o.PlaceHolder, name) {
				return
			}
		case *parts.Button:
			if o.Text == name {
				return
			}
		case *widget.Check:
			if o.Text == name {
				return
			}
		}
	}
	p.t.Fatalf("Tab never reaches %q", name)
}

func (p *typist) types(text string) {
	for _, r := range text {
		p.c().Focused().TypedRune(r)
	}
}

func (p *typist) presses(k fyne.KeyName) { p.c().Focused().TypedKey(&fyne.KeyEvent{Name: k}) }

// From a fresh hub to the first page of the home, by keys alone, with the app closed half-way.
func TestAFreshHubIsSetUpByKeyboard(t *testing.T) {
	d := door.Open(t, apitest.New(wire.Unclaimed), "127.0.0.1:0")
	v := client.File(filepath.Join(t.TempDir(), "app.json"))
	p := sitDown(t, d, v)
	p.sees("Step 1 of 3: Find")
	code := d.Code(t)
	p.tab("Code")
	p.types("00000-00000")
	p.presses(fyne.KeyReturn)
	p.expect("The code is wrong", "Tries left: 9.")
	find(p.house, func(e *parts.Entry) bool { return strings.HasPrefix(e.PlaceHolder, "Code") }).SetText("")
	p.types(strings.ToLower(code))
	p.presses(fyne.KeyReturn)
	p.sees("Step 2 of 3: Password")
	p.close()
	p.tellsNobody(v, code)

	p = sitDown(t, d, v) // what was done is not asked again
	p.sees("Step 2 of 3: Password")
	p.expect("otter-lantern-violet-\nharbour-pickle")
	p.tab("Start my home")
	p.presses(fyne.KeyReturn)
	p.expect("Your recovery code", model.Lines(apitest.RecoveryCode))
	p.tab("It is in a safe place")
	p.types(" ")
	p.tab("Next")
	p.presses(fyne.KeyReturn)
	p.expect("Step 3 of 3: Apple Home", "482-61-937")
	p.scans(apitest.SetupURI)
	p.expect("One device was found:", "Garden Cam")
	p.tab("Add")
	p.presses(fyne.KeyReturn) // it asks for the camera's own name and password
	p.types("admin")
	p.c().FocusNext()
	p.types("a camera's own password")
	p.presses(fyne.KeyReturn)
	p.expect("Added")
	p.tab("Done")
	p.presses(fyne.KeyReturn)
	p.sees("Rocket")
	if d.Home.Status(t.Context()).State != wire.Open {
		t.Error("the hub is not open")
	}
}

// tellsNobody looks for what is secret in the log and in what the app remembers outside the vault.
func (p *typist) tellsNobody(v client.File, code string) {
	p.t.Helper()
	self, err := v.Load()
	if err != nil || !self.Paired() {
		p.t.Fatalf("the app is paired with %v, %v", self, err)
	}
	said := p.log.String()
	if store, ok := fyne.CurrentApp().Preferences().(interface{ ReadValues(func(map[string]any)) }); ok {
		store.ReadValues(func(all map[string]any) { said += fmt.Sprint(all) })
	} else {
		p.t.Error("the preferences cannot be read")
	}
	for _, secret := range []string{code, strings.ReplaceAll(code, "-", ""), string(self.Key), base64.StdEncoding.EncodeToString(self.Key), hex.EncodeToString(self.Key), self.Hub} {
		if strings.Contains(strings.ToUpper(said), strings.ToUpper(secret)) {
			p.t.Errorf("%q is in %q", secret, said)
		}
	}
	if files, err := filepath.Glob(filepath.Join(filepath.Dir(string(v)), "*")); err != nil || len(files) != 1 {
		p.t.Errorf("the vault left %q, %v", files, err)
	}
}

// On the hub's own computer there is nothing to type but Enter, and the app is paired all the same.
func TestOnTheHubsOwnComputerNoCodeIsAsked(t *testing.T) {
	h := open(t, wire.Unclaimed, "en", desktop)
	h.here = true
	h.s.Show(link.State{})
	h.update()
	h.expect("This computer, no code") // chosen, so no code is asked for
	for _, o := range h.all() {
		if e, ok := o.(*parts.Entry); ok {
			t.Errorf("%q is asked for", e.PlaceHolder)
		}
	}
	next, ok := h.c().Focused().(*parts.Button)
	if !ok || next.Text != "Next" {
		t.Fatalf("the focus is on %v", h.c().Focused())
	}
	next.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	h.expect("Step 2 of 3: Password")
	h.update() // still through the socket
	h.expect("Step 2 of 3: Password")
}

// A password of one's own is chosen, typed and set by keys, and Tab goes on from where it was.
func TestAnOwnPasswordIsSetByKeyboard(t *testing.T) {
	const password = "paper lantern over the harbour"
	h := open(t, wire.Unclaimed, "en", desktop)
	h.here = true
	h.s.Show(link.State{})
	h.update()
	press := func(k fyne.KeyName) { h.c().Focused().TypedKey(&fyne.KeyEvent{Name: k}) }
	press(fyne.KeyReturn)
	h.expect("Step 2 of 3: Password")
	h.c().FocusNext() // round: the offered password
	h.c().FocusNext() // one of my own
	h.c().Focused().TypedRune(' ')
	if _, ok := h.c().Focused().(*parts.Entry); !ok {
		t.Fatalf("after the choice the focus is on %T", h.c().Focused())
	}
	for _, r := range password {
		h.c().Focused().TypedRune(r)
	}
	press(fyne.KeyReturn)
	h.expect("Your recovery code")
	if b, ok := h.c().Focused().(*parts.Button); !ok || b.Text != "Print" {
		t.Fatalf("the focus is on %T", h.c().Focused())
	}
	h.c().FocusNext()
	h.c().Focused().TypedRune(' ') // save: asks where to
	entry, ok := h.c().Focused().(*parts.Entry)
	if !ok || strings.HasPrefix(entry.Text, " ") {
		t.Fatalf("it asks for %T", h.c().Focused())
	}
	press(fyne.KeyEscape)
	h.c().FocusNext()
	if c, ok := h.c().Focused().(*widget.Check); !ok || c.Text != "It is in a safe place" {
		t.Errorf("Tab goes on to %T", h.c().Focused())
	}
	if err := h.Unlock(t.Context(), wire.UnlockRequest{Password: password}); err != nil {
		t.Errorf("the password is another one: %v", err)
	}
}

// The settings leave a hub, once a person has confirmed it.
func TestAnotherHubCanBeTaken(t *testing.T) {
	h := open(t, wire.Open, "en", desktop)
	h.s.Go(model.Route{Place: model.AtSettings})
	test.Tap(h.button("Use another hub"))
	if said := strings.Join(h.modal(), " "); h.left || !strings.Contains(said, "forgets the hub") {
		t.Fatalf("left: %v; asked %q", h.left, said)
	}
	h.c().FocusNext()
	for range 10 {
		if b, ok := h.c().Focused().(*parts.Button); ok && b.Text == "Forget this hub" {
			b.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
			break
		}
		h.c().FocusNext()
	}
	if !h.left {
		t.Error("the hub is not left")
	}
}

// scans reads the code on the screen as a phone does.
func (p *typist) scans(want string) {
	p.t.Helper()
	bits, err := gozxing.NewBinaryBitmapFromImage(p.c().Capture())
	if err != nil {
		p.t.Fatal(err)
	}
	got, err := qrcode.NewQRCodeReader().Decode(bits, nil)
	if err != nil || got.GetText() != want {
		p.t.Errorf("the code on the screen says %v, %v", got, err)
	}
}
