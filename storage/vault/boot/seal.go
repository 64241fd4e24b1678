package boot

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
)

// The parts and numbers here are those of the TCG's "Trusted Platform Module
// Library", family 2.0, parts 2 and 3.

// sealLabel opens the file of a sealed key.
const sealLabel = "ingle-boot-tpm-1"

const (
	nameSize = 2 + sha256.Size // of an object in the chip: the hash's number, the hash
	maxPart  = 1024            // of a sealed object, bytes; chips give some 80 and 130
)

// seal is a key that only the chip can open that sealed it: both halves of a
// TPM object, and the name of its parent. The parent is made of the chip's own
// secret seed and a public template, the same at each asking until the chip is
// cleared, so it takes no room there.
type seal struct{ parent, public, private []byte }

func (s seal) format() []byte {
	out := append([]byte(sealLabel), s.parent...)
	for _, part := range [][]byte{s.public, s.private} {
		out = binary.BigEndian.AppendUint16(out, uint16(len(part)))
		out = append(out, part...)
	}
	return out
}

func parseSeal(raw []byte) (s seal, ok bool) {
	rest, ok := bytes.CutPrefix(raw, []byte(sealLabel))
	if !ok || len(rest) < nameSize {
		return seal{}, false
	}
	s.parent, rest = rest[:nameSize], rest[nameSize:]
	for _, part := range []*[]byte{&s.public, &s.private} {
		if len(rest) < 2 {
			return seal{}, false
		}
		n := int(binary.BigEndian.Uint16(rest))
		rest = rest[2:]
		if n == 0 || n > maxPart || n > len(rest) {
			return seal{}, false
		}
		*part, rest = rest[:n], rest[n:]
	}
	return s, len(rest) == 0
}

// registers are those that a seal is bound to.
func registers() tpm2.TPMLPCRSelection {
	return tpm2.TPMLPCRSelection{PCRSelections: []tpm2.TPMSPCRSelection{{
		Hash:      tpm2.TPMAlgSHA256,
		PCRSelect: tpm2.PCClientCompatible.PCRs(7),
	}}}
}

// policy is the digest that stands for "the registers are as they are now".
func policy(line transport.TPM) ([]byte, error) {
	now, err := tpm2.PCRRead{PCRSelectionIn: registers()}.Execute(line)
	if err != nil {
		return nil, fmt.Errorf("registers: %w", err)
	}
	// A chip that does not keep this bank answers with no value, and would take
	// that for a binding to nothing.
	if len(now.PCRValues.Digests) != 1 || len(now.PCRValues.Digests[0].Buffer) != sha256.Size {
		return nil, fmt.Errorf("%w: the chip keeps no SHA-256 registers", ErrUnusable)
	}
	values := sha256.Sum256(now.PCRValues.Digests[0].Buffer)
	sum, err := tpm2.NewPolicyCalculator(tpm2.TPMAlgSHA256)
	if err != nil {
		return nil, err
	}
	bound := tpm2.PolicyPCR{PcrDigest: tpm2.TPM2BDigest{Buffer: values[:]}, Pcrs: registers()}
	if err := bound.Update(sum); err != nil {
		return nil, err
	}
	return sum.Hash().Digest, nil
}

// root is the parent of what is sealed, while it is loaded.
type root struct {
	handle tpm2.TPMHandle
	name   tpm2.TPM2BName
	public tpm2.TPMTPublic
}

func loadRoot(line transport.TPM) (*root, error) {
	made, err := tpm2.CreatePrimary{
		PrimaryHandle: tpm2.TPMRHOwner,
		InPublic:      tpm2.New2B(tpm2.ECCSRKTemplate),
	}.Execute(line)
	if errors.Is(err, tpm2.TPMRCBadAuth) || errors.Is(err, tpm2.TPMRCAuthFail) {
		return nil, fmt.Errorf("%w: the chip's owner has set a password: %w", ErrUnusable, err)
	}
	if err != nil {
		return nil, fmt.Errorf("storage key: %w", err)
	}
	r := &root{handle: made.ObjectHandle}
	public, err := made.OutPublic.Contents()
	if err == nil {
		r.public = *public
		var name *tpm2.TPM2BName
		if name, err = tpm2.ObjectName(public); err == nil {
			r.name = *name
		}
	}
	if err != nil {
		flush(line, r.handle)
		return nil, fmt.Errorf("storage key: %w", err)
	}
	return r, nil
}

// flush makes room in the chip, which has three places for objects and as many
// for sessions. If that fails the kernel does it when the line is closed.
func flush(line transport.TPM, h tpm2.TPMHandle) {
	_, _ = tpm2.FlushContext{FlushHandle: h}.Execute(line)
}

// privately enciphers the first parameter of a command or an answer with a key
// that only the chip and we can know, so that who listens between processor and
// chip hears no key. It does not stop one who also speaks there: they can ask
// the chip themselves.
func (r *root) privately(way tpm2.AuthOption) []tpm2.AuthOption {
	return []tpm2.AuthOption{tpm2.Salted(r.handle, r.public), way}
}

const nonceSize = 16

// sealKey gives the file of a key.
func sealKey(line transport.TPM, key []byte) ([]byte, error) {
	digest, err := policy(line)
	if err != nil {
		return nil, err
	}
	r, err := loadRoot(line)
	if err != nil {
		return nil, err
	}
	defer flush(line, r.handle)
	session, end, err := tpm2.HMACSession(line, tpm2.TPMAlgSHA256, nonceSize, r.privately(tpm2.AESEncryption(128, tpm2.EncryptIn))...)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	defer func() { _ = end() }() // as flush
	made, err := tpm2.Create{
		ParentHandle: tpm2.AuthHandle{Handle: r.handle, Name: r.name, Auth: session},
		InSensitive: tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{
			Data: tpm2.NewTPMUSensitiveCreate(&tpm2.TPM2BSensitiveData{Buffer: key}),
		}},
		InPublic: tpm2.New2B(tpm2.TPMTPublic{
			Type:    tpm2.TPMAlgKeyedHash,
			NameAlg: tpm2.TPMAlgSHA256,
			// It never leaves this chip, opens by the policy alone, and no lockout
			// holds it.
			ObjectAttributes: tpm2.TPMAObject{FixedTPM: true, FixedParent: true, NoDA: true},
			AuthPolicy:       tpm2.TPM2BDigest{Buffer: digest},
		}),
	}.Execute(line)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	raw := seal{r.name.Buffer, made.OutPublic.Bytes(), made.OutPrivate.Buffer}.format()
	if _, ok := parseSeal(raw); !ok {
		return nil, fmt.Errorf("%w: the chip seals in a way that is not known", ErrUnusable)
	}
	return raw, nil
}

func (s seal) unseal(line transport.TPM) ([]byte, error) {
	r, err := loadRoot(line)
	if err != nil {
		return nil, err
	}
	defer flush(line, r.handle)
	if !bytes.Equal(r.name.Buffer, s.parent) {
		return nil, fmt.Errorf("%w: another chip sealed it, or this one was cleared", errLost)
	}
	object, err := s.load(line, r)
	if err != nil {
		return nil, err
	}
	defer flush(line, object.ObjectHandle)
	session, end, err := tpm2.PolicySession(line, tpm2.TPMAlgSHA256, nonceSize, r.privately(tpm2.AESEncryption(128, tpm2.EncryptOut))...)
	if err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	defer func() { _ = end() }() // as flush
	if _, err := (tpm2.PolicyPCR{PolicySession: session.Handle(), Pcrs: registers()}).Execute(line); err != nil {
		return nil, fmt.Errorf("registers: %w", err)
	}
	opened, err := tpm2.Unseal{
		ItemHandle: tpm2.AuthHandle{Handle: object.ObjectHandle, Name: object.Name, Auth: session},
	}.Execute(line)
	if errors.Is(err, tpm2.TPMRCPolicyFail) {
		return nil, fmt.Errorf("%w: the machine's Secure Boot has changed since: %w", errLost, err)
	}
	if err != nil {
		return nil, fmt.Errorf("unseal: %w", err)
	}
	if len(opened.OutData.Buffer) != keySize {
		return nil, fmt.Errorf("%w: it holds %d bytes", errLost, len(opened.OutData.Buffer))
	}
	return opened.OutData.Buffer, nil
}

func (s seal) load(line transport.TPM, r *root) (*tpm2.LoadResponse, error) {
	object, err := tpm2.Load{
		ParentHandle: tpm2.AuthHandle{Handle: r.handle, Name: r.name, Auth: tpm2.PasswordAuth(nil)},
		InPrivate:    tpm2.TPM2BPrivate{Buffer: s.private},
		InPublic:     tpm2.BytesAs2B[tpm2.TPMTPublic](s.public),
	}.Execute(line)
	var about tpm2.TPMFmt1Error // what is wrong with what the chip was given; not with the chip
	if errors.As(err, &about) {
		return nil, fmt.Errorf("%w: it is damaged: %w", errLost, err)
	}
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	return object, nil
}
