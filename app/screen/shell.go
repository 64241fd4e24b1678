package screen

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ingle-home/ingle/app/model"
	"github.com/ingle-home/ingle/app/screen/care"
	"github.com/ingle-home/ingle/app/screen/family"
	"github.com/ingle-home/ingle/app/screen/frame"
	"github.com/ingle-home/ingle/app/screen/label"
	"github.com/ingle-home/ingle/app/screen/privacy"
	"github.com/ingle-home/ingle/app/screen/rooms"
	"github.com/ingle-home/ingle/app/screen/views"
	"github.com/ingle-home/ingle/app/screen/witness"
	parts "github.com/ingle-home/ingle/app/widget"
)

const (
	wide      = 700 // from here on a rail at the left, below it a bar at the bottom
	railWidth = 190
	barHeight = 62
)

// shell is what stands around the pages of an open home.
type shell struct {
	content *fyne.Container
	holder  *fyne.Container
	around  *fyne.Container
	lost    fyne.CanvasObject // says on every page that what is shown is old
	route   model.Route
	behind  []model.Route // the way back
	page    frame.Page
	pages   map[model.Route]frame.Page
	rail    map[model.Place]*parts.Nav
	bar     map[model.Place]*parts.Nav
}

func (s *Screen) newShell() *shell {
	h := &shell{holder: container.NewStack(), pages: map[model.Route]frame.Page{}}
	toasts := frame.NewToasts(s.desk)
	rail := container.NewVBox()
	h.rail = s.navs(model.Pages(), true, rail)
	find := parts.NewNav(s.text("app.search"), theme.SearchIcon(), true, s.search)
	rail.Add(layout.NewSpacer())
	rail.Add(find)
	bar := container.NewGridWithColumns(len(model.Narrow()))
	h.bar = s.navs(model.Narrow(), false, bar)
	left := parts.NewGround(s.text("app.pages"), container.New(layout.NewCustomPaddedLayout(14, 14, 10, 10), rail))
	low := parts.NewGround(s.text("app.pages"), container.New(layout.NewCustomPaddedLayout(4, 4, 4, 4), bar))
	lost := frame.Wrapped(s.text("home.lost"))
	lost.Importance = widget.WarningImportance
	h.lost = lost
	h.lost.Hide()
	h.around = container.New(&around{}, left, low, h.holder, h.lost)
	h.content = container.NewStack(h.around, toasts.Content())
	s.shell = h
	s.Go(model.Route{})
	return h
}

func (s *Screen) navs(places []model.Place, beside bool, into *fyne.Container) map[model.Place]*parts.Nav {
	made := map[model.Place]*parts.Nav{}
	for _, p := range places {
		made[p] = parts.NewNav(s.text(p.Key()), picture(p), beside, func() { s.Go(model.Route{Place: p}) })
		into.Add(made[p])
	}
	return made
}

// picture is the sign of a place.
func picture(p model.Place) fyne.Resource {
	switch p {
	case model.AtDevices:
		return theme.ListIcon()
	case model.AtCameras:
		return theme.MediaVideoIcon()
	case model.AtPeople:
		return theme.AccountIcon()
	case model.AtPrivacy:
		return theme.VisibilityOffIcon()
	case model.AtUpdates:
		return theme.DownloadIcon()
	case model.AtSettings:
		return theme.SettingsIcon()
	case model.AtMore:
		return theme.MoreHorizontalIcon()
	}
	return theme.HomeIcon()
}

// Go shows another page of an open home.
func (s *Screen) Go(r model.Route) {
	h := s.shell
	if h == nil || h.page != nil && h.route == r {
		return
	}
	if h.page != nil {
		h.behind = append(h.behind, h.route)
		h.behind = h.behind[max(0, len(h.behind)-32):]
	}
	s.show(r)
}

// Back goes where one came from.
func (s *Screen) Back() {
	h := s.shell
	if h == nil {
		return
	}
	r := model.Route{}
	if n := len(h.behind); n > 0 {
		r, h.behind = h.behind[n-1], h.behind[:n-1]
	}
	s.show(r)
}

func (s *Screen) show(r model.Route) {
	h := s.shell
	s.leave()
	h.page = nil // while the next is being made nothing is shown
	page, ok := h.pages[r]
	if !ok {
		page = s.newPage(r)
		if r.Place == model.AtHome || r.Place == model.AtCameras { // the others ask anew what they show
			h.pages[r] = page
		}
	}
	h.route, h.page = r, page
	h.holder.Objects = []fyne.CanvasObject{page.Content()}
	h.holder.Refresh()
	for p, n := range h.rail {
		n.Select(p == r.Place.Under(model.Pages()))
	}
	for p, n := range h.bar {
		n.Select(p == r.Place.Under(model.Narrow()))
	}
	if s.state.Phase == 0 { // nothing is known yet
		return
	}
	s.again()
	if c := s.canvas(); c != nil && c.Overlays().Top() == nil {
		c.Unfocus()
	}
}

// leave ends what the page does only while somebody looks.
func (s *Screen) leave() {
	if s.shell == nil {
		return
	}
	if l, ok := s.shell.page.(frame.Leaver); ok {
		l.Leave()
	}
}

// mark puts a dot on Home while something needs care.
func (h *shell) mark(yes bool) {
	h.rail[model.AtHome].Mark(yes)
	h.bar[model.AtHome].Mark(yes)
}

func (s *Screen) newPage(r model.Route) frame.Page {
	switch r.Place {
	case model.AtDevices:
		return rooms.NewDevices(s.desk)
	case model.AtDevice:
		return rooms.NewDevice(s.desk, r.ID)
	case model.AtCameras:
		return views.NewCameras(s.desk)
	case model.AtCamera:
		return views.NewCamera(s.desk, r.ID)
	case model.AtPeople:
		return family.NewPeople(s.desk)
	case model.AtPrivacy, model.AtKept, model.AtForget, model.AtReceipts, model.AtReceipt, model.AtRules:
		return s.private(r)
	case model.AtLooks:
		return witness.NewLooks(s.desk, r.ID)
	case model.AtSecurity:
		return witness.NewSecurity(s.desk)
	case model.AtLabels:
		return label.NewLabels(s.desk)
	case model.AtLabel:
		return label.NewLabel(s.desk, r.ID)
	case model.AtUpdates:
		return care.NewUpdates(s.desk)
	case model.AtSettings:
		return care.NewSettings(s.desk)
	case model.AtHealth:
		return care.NewHealth(s.desk)
	case model.AtMore:
		return care.NewMore(s.desk)
	case model.AtPairing:
		return &pairing{s: s, holder: container.NewStack()}
	}
	return rooms.NewHome(s.desk)
}

// private is a page about what is kept.
func (s *Screen) private(r model.Route) frame.Page {
	switch r.Place {
	case model.AtKept:
		return privacy.NewKept(s.desk)
	case model.AtForget:
		return privacy.NewForget(s.desk, r.ID)
	case model.AtReceipts:
		return privacy.NewReceipts(s.desk)
	case model.AtReceipt:
		return privacy.NewReceipt(s.desk, r.ID)
	case model.AtRules:
		return privacy.NewRules(s.desk)
	}
	return privacy.NewPrivacy(s.desk)
}

// lose says on every page whether what is shown is old.
func (h *shell) lose(yes bool) {
	if yes != h.lost.Visible() {
		frame.Visible(h.lost, yes)
		h.around.Refresh()
	}
}

// around lays out the rail, the bar and the page, with what is said above it: only one of the first two is
// on view.
type around struct{}

func (*around) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	rail, bar, page, said := objects[0], objects[1], objects[2], objects[3]
	isWide := size.Width >= wide
	frame.Visible(rail, isWide)
	frame.Visible(bar, !isWide)
	left, low := float32(0), float32(barHeight)
	if isWide {
		rail.Resize(fyne.NewSize(railWidth, size.Height))
		left, low = railWidth, 0
	} else {
		bar.Move(fyne.NewPos(0, size.Height-barHeight))
		bar.Resize(fyne.NewSize(size.Width, barHeight))
	}
	top := float32(0)
	if said.Visible() {
		width := size.Width - left - 2*frame.Gap
		said.Resize(fyne.NewSize(width, said.MinSize().Height)) // words wrap to the width first
		top = said.MinSize().Height
		said.Resize(fyne.NewSize(width, top))
		said.Move(fyne.NewPos(left+frame.Gap, 0))
	}
	page.Move(fyne.NewPos(left, top))
	page.Resize(fyne.NewSize(size.Width-left, size.Height-low-top))
}

func (*around) MinSize(objects []fyne.CanvasObject) fyne.Size {
	bar, page := objects[1].MinSize(), objects[2].MinSize()
	return fyne.NewSize(max(bar.Width, page.Width), page.Height+barHeight)
}
