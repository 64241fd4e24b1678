// Package setup is how a person brings a HAP server into Apple Home: the code to type, the text of
// the QR code, and its picture for a printer and for a terminal. Whoever has the code can pair while
// nobody else has, so all of it is a secret. Nothing here touches a disk or a network.
package setup

import (
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// ErrCode is a setup code that is not written XXX-XX-XXX, or that controllers refuse as guessable.
var ErrCode = errors.New("setup: not a setup code")

// ErrID is a setup ID that is not four of 0-9A-Z.
var ErrID = errors.New("setup: not a setup id")

// letters are those of a setup ID, and the digits to the base 36 of the payload.
const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

// NewCode draws a setup code, XXX-XX-XXX, that controllers take.
func NewCode() string {
	for {
		digits := fmt.Sprintf("%08d", below(100_000_000))
		if code := digits[:3] + "-" + digits[3:5] + "-" + digits[5:]; Check(code) == nil {
			return code
		}
	}
}

// Check reports ErrCode unless controllers take the code. They refuse twelve as guessable: the ten
// repeats, 123-45-678 and 876-54-321.
func Check(code string) error {
	digits := strings.ReplaceAll(code, "-", "")
	plain := len(code) == 10 && code[3] == '-' && code[6] == '-' && len(digits) == 8 && strings.Trim(digits, "0123456789") == ""
	if !plain || digits == "12345678" || digits == "87654321" || strings.Count(digits, digits[:1]) == 8 {
		return ErrCode
	}
	return nil
}

// NewID draws a setup ID: four letters that tell servers apart while they announce themselves.
func NewID() string {
	id := make([]byte, 4)
	for i := range id {
		id[i] = letters[below(len(letters))]
	}
	return string(id)
}

func below(n int) int64 {
	drawn, _ := rand.Int(rand.Reader, big.NewInt(int64(n))) // crypto/rand ends the program rather than fail
	return drawn.Int64()
}

// Hash is the TXT value sh: it tells a controller which announced server a scanned code belongs to.
func Hash(id, deviceID string) string {
	sum := sha512.Sum512([]byte(id + deviceID))
	return base64.StdEncoding.EncodeToString(sum[:4])
}

// URI is the text of the QR code of a server that is reached over IP, for an accessory category
// (2 bridge, 17 camera, …). It reports ErrCode and ErrID.
func URI(code, id string, category uint8) (string, error) {
	const overIP, aboveFlags = 1 << 28, 31
	if err := Check(code); err != nil {
		return "", err
	}
	if len(id) != 4 || strings.Trim(id, letters) != "" {
		return "", ErrID
	}
	number, err := strconv.ParseUint(strings.ReplaceAll(code, "-", ""), 10, 27)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrCode, err)
	}
	payload := strings.ToUpper(strconv.FormatUint(uint64(category)<<aboveFlags|overIP|number, 36))
	return "X-HM://" + strings.Repeat("0", max(0, 9-len(payload))) + payload + id, nil
}
