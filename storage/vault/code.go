package vault

import (
	"crypto/sha256"
	"errors"
	"strings"
)

// The recovery code is 16 random bytes in Crockford's base32, 26 signs, and two
// more signs of checksum (the first 10 bits of SHA-256 over a label and the
// bytes), in seven groups of four: a slip of the pen shows before anything is
// tried, and nobody has to tell O from 0.
const (
	codeSize  = 16
	codeSigns = 26
	checkBits = 10
	allSigns  = codeSigns + checkBits/5
	group     = 4
	fewRuns   = 3   // of digits; a code has about six, and one in a hundred fewer
	maxTyped  = 128 // bytes that a person may type, separators included
	crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

	betweenSigns = " -\t\n\r\u00a0\u2010\u2011\u2013" // that a person may type
)

var errCode = errors.New("vault: not a recovery code")

func formatCode(secret []byte) string {
	signs := encode32(secret, codeSigns) + encode32(codeSum(secret), allSigns-codeSigns)
	var b strings.Builder
	for i, r := range signs {
		if i > 0 && i%group == 0 {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// parseCode reads a code as a person types it; errCode for anything that is
// not a whole code with the right checksum.
func parseCode(typed string) ([]byte, error) {
	if len(typed) > maxTyped {
		return nil, errCode
	}
	var signs []byte
	for _, r := range strings.ToUpper(typed) {
		if strings.ContainsRune(betweenSigns, r) {
			continue
		}
		switch r {
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		v := strings.IndexRune(crockford, r)
		if v < 0 || len(signs) == allSigns {
			return nil, errCode
		}
		signs = append(signs, byte(v))
	}
	if len(signs) != allSigns {
		return nil, errCode
	}
	secret := decode32(signs[:codeSigns])
	// Re-encoding also refuses a last sign whose two spare bits are not zero.
	if strings.ReplaceAll(formatCode(secret), "-", "") != spell(signs) {
		return nil, errCode
	}
	return secret, nil
}

// Mistyped tells whether this was meant to be a recovery code and cannot be one: as many signs,
// or one more or less, with digits all over, and not the checksum. It knows no vault.
func Mistyped(typed string) bool {
	if len(typed) > maxTyped {
		return false
	}
	signs, runs, digit := 0, 0, false // runs of digits
	for _, r := range strings.ToUpper(typed) {
		isDigit := r >= '0' && r <= '9'
		switch {
		case strings.ContainsRune(betweenSigns, r):
			continue
		case isDigit && !digit:
			runs++
		case !isDigit && (r == 'U' || r < 'A' || r > 'Z'):
			return false
		}
		signs, digit = signs+1, isDigit
	}
	_, err := parseCode(typed)
	return err != nil && runs >= fewRuns && signs >= allSigns-1 && signs <= allSigns+1
}

func codeSum(secret []byte) []byte {
	sum := sha256.Sum256(append([]byte("ingle recovery code 1"), secret...))
	return sum[:2]
}

// encode32 writes the first n signs of b, the most significant bit first.
func encode32(b []byte, n int) string {
	out := make([]byte, n)
	for i := range out {
		var v byte
		for bit := i * 5; bit < i*5+5; bit++ {
			v <<= 1
			if bit/8 < len(b) {
				v |= b[bit/8] >> (7 - bit%8) & 1
			}
		}
		out[i] = crockford[v]
	}
	return string(out)
}

func decode32(signs []byte) []byte {
	out := make([]byte, codeSize)
	for bit := range codeSize * 8 {
		out[bit/8] |= signs[bit/5] >> (4 - bit%5) & 1 << (7 - bit%8)
	}
	return out
}

func spell(signs []byte) string {
	out := make([]byte, len(signs))
	for i, v := range signs {
		out[i] = crockford[v]
	}
	return string(out)
}
