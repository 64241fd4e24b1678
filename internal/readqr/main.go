// Command readqr reads a PNG from its input and prints what the QR codes in it say, one a line. The
// end-to-end tests look at the app's window with it, as a phone does; they are a module of their own.
package main

import (
	"fmt"
	"image"
	_ "image/png" // what windows are shot as
	"io"
	"os"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/multi/qrcode"
)

func main() {
	if err := read(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "readqr:", err)
		os.Exit(1)
	}
}

func read(in io.Reader, out io.Writer) error {
	m, _, err := image.Decode(in)
	if err != nil {
		return err
	}
	bits, err := gozxing.NewBinaryBitmapFromImage(m)
	if err != nil {
		return err
	}
	codes, err := qrcode.NewQRCodeMultiReader().DecodeMultiple(bits, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return err
	}
	for _, c := range codes {
		fmt.Fprintln(out, c.GetText())
	}
	return nil
}
