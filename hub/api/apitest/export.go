package apitest

import (
	"context"
	"net/http"
	"path/filepath"
	"time"

	"github.com/ingle-home/ingle/hub/api/wire"
)

// Export refuses what no hub takes: this home keeps nothing that could be written.
func (h *Home) Export(_ context.Context, r wire.ExportRequest) (wire.Export, error) {
	if !filepath.IsAbs(r.Path) {
		return wire.Export{}, wire.Refuse(http.StatusUnprocessableEntity, "backup.path", "path", r.Path)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.proven(r.Password); err != nil {
		return wire.Export{}, err
	}
	return wire.Export{Path: r.Path, Made: time.Now().UTC(), Size: 4096}, nil
}

// Exporting says that none is being made.
func (h *Home) Exporting(context.Context) (wire.ExportStatus, error) { return wire.ExportStatus{}, nil }

// Holdings counts the home's recordings and its apps; it keeps nothing else.
func (h *Home) Holdings(context.Context) ([]wire.Holding, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := []wire.Holding{{What: "recordings"}, {What: "positions", Days: 7}, {What: "apps", Count: len(h.apps)}}
	for _, c := range h.clips.list {
		list[0].Count++
		list[0].Size += c.Size
	}
	return list, nil
}
