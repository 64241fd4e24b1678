package server

import (
	"net/http"
	"os"
	"testing"
)

// Routes lists method, path and access of every route, for the tests outside.
func Routes() [][3]string {
	a := build(http.NewServeMux(), Options{})
	var list [][3]string
	for path, item := range a.huma.OpenAPI().Paths {
		if item.Get != nil {
			list = append(list, [3]string{"GET", path, a.access[item.Get.OperationID].String()})
		}
		if item.Post != nil {
			list = append(list, [3]string{"POST", path, a.access[item.Post.OperationID].String()})
		}
		if item.Delete != nil {
			list = append(list, [3]string{"DELETE", path, a.access[item.Delete.OperationID].String()})
		}
	}
	return list
}

func TestOnlyRootAndTheHubsUserGetIn(t *testing.T) {
	own := os.Getuid()
	if !admits(0, own) || !admits(uint32(own), own) || admits(uint32(own)+1, own) || admits(1<<32-1, own) {
		t.Error("the wrong users get in")
	}
}
