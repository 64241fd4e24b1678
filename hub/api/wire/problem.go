package wire

import (
	"errors"
	"net/http"
)

// Problem is a refusal (RFC 9457). Code is an i18n key that says what is wrong; Args fill its places
// and never carry a secret. Where there is a next step, its key is the code with ".do".
type Problem struct {
	Title  string            `json:"title"`
	Status int               `json:"status"`
	Code   string            `json:"code"`
	Args   map[string]string `json:"args,omitempty"`
}

// The codes of refusals that the API itself makes.
const (
	CodeUnclaimed   = "hub.unclaimed"      // 403: only setup is taken
	CodeLocked      = "hub.locked"         // 423: only unlock is taken
	CodeClaimed     = "hub.claimed"        // 409: setup of a hub that has an owner
	CodePassword    = "hub.password"       // 401: not the password
	CodeForbidden   = "hub.forbidden"      // 403: not for this caller
	CodeStranger    = "hub.stranger"       // 401: only paired apps are answered
	CodeConfirm     = "hub.confirm"        // 403: it takes the password again; unlock is the way
	CodeImpostor    = "hub.impostor"       // made by the client: another hub answers there
	CodeClaimCode   = "claim.wrong"        // the code is wrong, or somebody stands between
	CodeClaimBusy   = "claim.busy"         // another claim is under way
	CodeClaimNone   = "claim.none"         // the hub has no code that is valid now
	CodeClaimWait   = "claim.wait"         // 429: no new code yet
	CodeClaimForm   = "claim.form"         // this is no code
	CodeInvalid     = "hub.invalid"        // 400, 422: the request does not fit the protocol
	CodeMethod      = "hub.method"         // 405: the path has other methods
	CodeMedia       = "hub.media"          // 415: the body is no JSON
	CodeTooLarge    = "hub.too-large"      // 413: the body is too long
	CodeChanged     = "hub.changed"        // 412: somebody else changed it meanwhile
	CodeKeyUsed     = "hub.key-used"       // 422: the Idempotency-Key was used for another request
	CodeDone        = "hub.done"           // 409: it was done already, and the answer was too long to remember
	CodeBusy        = "hub.busy"           // 429: too many writes are under way
	CodeUnknown     = "hub.unknown"        // 404: no such thing
	CodeTrait       = "hub.trait"          // 422: it has no such trait, or cannot be told
	CodeDriver      = "hub.driver"         // 422: no such driver
	CodeName        = "hub.name"           // 409: the name is taken
	CodeUnreachable = "hub.unreachable"    // 503: the thing does not answer
	CodeRefused     = "hub.refused"        // 502: the thing refused
	CodeUnsupported = "hub.unsupported"    // 501: the thing cannot do this
	CodeDecoding    = "hub.decoding"       // 503: as many pictures are decoded already as there may be
	CodeNoPicture   = "hub.no-picture"     // 503: the camera has no picture now
	CodeInternal    = "hub.internal"       // 500
	CodeNotRunning  = "hub.not-running"    // made by the client: nobody listens
	CodeInterrupted = "hub.interrupted"    // made by the client: the answer did not come
	CodePrivate     = "hub.private"        // 409: Privacy is on
	CodeStopped     = "hub.stopped"        // 409: Stop everything is on
	CodeNoServer    = "homekit.unknown"    // 404: no such HomeKit server
	CodeNotPrivate  = "homekit.open"       // 409: only a private server is armed
	CodeNoPrivate   = "homekit.no-private" // 409: nothing is private, so there is nothing to arm
	CodePublic      = "homekit.public"     // 422: only a toy can be private
	CodeTooMany     = "hub.too-many"       // 429: wait before the next try
	CodeLanguage    = "hub.language"       // 422: there are no texts in this language
	CodeBoot        = "boot.failed"        // 409: the key for starting by itself cannot be kept there
)

// Refuse makes a problem. args are name and value in turn.
func Refuse(status int, code string, args ...string) *Problem {
	p := &Problem{Title: http.StatusText(status), Status: status, Code: code}
	for i := 0; i+1 < len(args); i += 2 {
		if p.Args == nil {
			p.Args = map[string]string{}
		}
		p.Args[args[i]] = args[i+1]
	}
	return p
}

// Error names the code; people are shown the text of the code instead.
func (p *Problem) Error() string { return "hub: " + p.Code }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType makes JSON the problem's own type, as RFC 9457 asks.
func (p *Problem) ContentType(ct string) string {
	if ct == "application/json" {
		return "application/problem+json"
	}
	return ct
}

// Code gives the code of an error from a hub; empty for any other.
func Code(err error) string {
	var p *Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}
