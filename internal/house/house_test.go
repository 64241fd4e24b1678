package house_test

import (
	"testing"

	"github.com/ingle-home/ingle/internal/house"
)

// root is this repository, seen from this package.
const root = "../.."

func TestThisHouse(t *testing.T) {
	tree, err := house.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, check := range map[string]func() ([]house.Problem, error){
		"imports": tree.Imports, "budget": tree.Budget, "links": tree.Links,
	} {
		t.Run(name, func(t *testing.T) {
			problems, err := check()
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range problems {
				t.Error(p)
			}
		})
	}
}
