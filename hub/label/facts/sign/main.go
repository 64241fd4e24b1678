// Command sign makes the key and the signature of a list of facts.
//
//	sign -new KEYFILE            makes a private key and prints the public one, for release.pub
//	sign -key KEYFILE < list.json > facts.signed
//
// The key file holds the private key in base64. It belongs on a machine without a network.
package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/ingle-home/ingle/hub/label/facts"
)

func main() {
	fresh := flag.String("new", "", "`file` for a new private key")
	file := flag.String("key", "", "`file` with the private key")
	flag.Parse()
	if err := run(*fresh, *file); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(fresh, file string) error {
	if fresh != "" {
		return create(fresh)
	}
	if file == "" {
		return errors.New("sign: -new or -key is needed")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	seed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return errors.New("sign: not a private key")
	}
	key := ed25519.NewKeyFromSeed(seed)
	list, err := io.ReadAll(os.Stdin)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	signed := facts.Sign(list, key)
	if _, err := facts.Parse(signed, key.Public().(ed25519.PublicKey)); err != nil { // nothing goes out that no hub would take
		return err
	}
	_, err = os.Stdout.Write(signed)
	return err
}

func create(path string) error {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	text := base64.StdEncoding.EncodeToString(private.Seed()) + "\n"
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	if _, err := out.WriteString(text); err != nil {
		return fmt.Errorf("sign: %w", errors.Join(err, out.Close()))
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	fmt.Println(base64.StdEncoding.EncodeToString(public))
	return nil
}
