package device

import "errors"

// because is an error with a reason that people are told.
type because struct {
	code string
	err  error
}

func (b *because) Error() string { return b.err.Error() }
func (b *because) Unwrap() error { return b.err }

// Because gives an error a reason that people can be told in place of its kind alone: the end of an
// i18n key, "h265" for "health.accessory-h265" and "hub.h265".
func Because(code string, err error) error { return &because{code, err} }

// Reason is the code that an error was given; "" where there is none.
func Reason(err error) string {
	var b *because
	if errors.As(err, &b) {
		return b.code
	}
	return ""
}
