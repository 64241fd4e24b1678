// Package phrase makes passwords of five words, for people who would rather have
// one than think of one.
//
// The lists are our own: short, everyday words of the language, in small letters
// that lie on every keyboard, none of which hurts to read aloud. A guesser knows
// the lists; what protects is that five words were drawn by chance.
package phrase

import (
	"crypto/rand"
	_ "embed"
	"math"
	"math/big"
	"strings"
)

// Words is how many words a phrase has.
const Words = 5

//go:embed en.txt
var english string

//go:embed de.txt
var german string

// Offer draws a phrase in a language, such as "de" or "de_AT"; any other than
// German is English. Bits is how hard it is to guess for whoever knows how it was
// made.
func Offer(language string) (phrase string, bits float64) {
	list := List(language)
	drawn := make([]string, Words)
	for i := range drawn {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(list))))
		if err != nil {
			panic("phrase: " + err.Error()) // crypto/rand ends the program before it fails
		}
		drawn[i] = list[n.Int64()]
	}
	return strings.Join(drawn, "-"), Words * math.Log2(float64(len(list)))
}

// List gives the words of a language, in their order.
func List(language string) []string {
	if language == "de" || strings.HasPrefix(language, "de_") || strings.HasPrefix(language, "de-") {
		return strings.Fields(german)
	}
	return strings.Fields(english)
}
