package command

import (
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"strings"
	"time"

	"rsc.io/qr"

	"github.com/ingle-home/ingle/hub/api/wire"
	"github.com/ingle-home/ingle/i18n"
)

// kitPage is the emergency kit: one page to print, which needs nothing else.
//
//go:embed kit.html
var kitPage string

// kit is the file of an emergency kit, which is there before the code that goes
// into it is made: a code that cannot be written down is of no use.
type kit struct {
	file *os.File // nil where nobody asked for one
	full bool
}

func openKit(path string) (*kit, error) {
	if path == "" {
		return &kit{}, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, wire.Refuse(0, "kit.exists", "path", path)
	} else if err != nil {
		return nil, wire.Refuse(0, "kit.file", "error", err.Error())
	}
	return &kit{file: f}, nil
}

func (k *kit) write(text *i18n.Texts, code string) error {
	if k.file == nil {
		return nil
	}
	page, err := kitOf(text, code, time.Now())
	if err == nil {
		_, err = k.file.WriteString(page)
	}
	if err == nil {
		err = k.file.Sync()
	}
	if err = errors.Join(err, k.file.Close()); err != nil {
		return wire.Refuse(0, "kit.file", "error", err.Error())
	}
	k.full = true
	return nil
}

// tell says where the kit is and what to do with it, to a person.
func (k *kit) tell(c *call) error {
	if k.file == nil || c.json {
		return nil
	}
	return c.say("kit.written", "path", k.file.Name())
}

// abandon removes a kit that got no code.
func (k *kit) abandon() {
	if k.file != nil && !k.full {
		_ = k.file.Close() // write may have closed it
		_ = os.Remove(k.file.Name())
	}
}

func kitOf(text *i18n.Texts, code string, now time.Time) (string, error) {
	page, err := template.New("kit").Parse(kitPage)
	if err != nil {
		return "", fmt.Errorf("kit: %w", err)
	}
	square, err := qr.Encode(code, qr.Q)
	if err != nil {
		return "", fmt.Errorf("kit: qr: %w", err)
	}
	const margin = 4 // light modules around a QR code, as ISO/IEC 18004 asks
	var path, out strings.Builder
	for y := range square.Size {
		for x := range square.Size {
			if square.Black(x, y) {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+margin, y+margin)
			}
		}
	}
	var steps []string
	for _, n := range []string{"1", "2", "3", "4", "5"} {
		steps = append(steps, text.Text("kit.step."+n, nil))
	}
	err = page.Execute(&out, struct {
		Lang, Title, About, Code, Date, Keep string
		Steps                                []string
		Side                                 int
		Path                                 string
	}{
		text.Lang(), text.Text("kit.title", nil), text.Text("kit.about", nil), code, now.Format(time.DateOnly), text.Text("kit.keep", nil),
		steps, square.Size + 2*margin, path.String(),
	})
	if err != nil {
		return "", fmt.Errorf("kit: %w", err)
	}
	return out.String(), nil
}
