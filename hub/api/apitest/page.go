package apitest

import (
	"context"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// Page is the plain page of a hub that shows none.
func (h *Home) Page(context.Context) (wire.Page, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.page, nil
}

// PageOn notes that the page is on; nobody serves it.
func (h *Home) PageOn(context.Context) (wire.Page, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.page = wire.Page{On: true, Address: "https://192.168.1.5:8444", Words: "otter lantern violet harbour pickle summer gate", Fingerprint: "AB:CD:EF"}
	return h.page, nil
}

// PageOff notes that the page is off.
func (h *Home) PageOff(context.Context) (wire.Page, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.page.On, h.page.Address = false, ""
	return h.page, nil
}
