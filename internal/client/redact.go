package client

import (
	"errors"
	"strings"
)

// Redact cuts off what Redis repeats of a command that it does not know, as
// the value is part of that.
func Redact(err error) error {
	if err == nil {
		return nil
	}
	if text, _, repeats := strings.Cut(err.Error(), ", with args beginning with"); repeats {
		return errors.New(text)
	}
	return err
}
