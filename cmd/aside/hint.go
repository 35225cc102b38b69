package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"
)

// hint adds to an error what to do about it, if that is plain.
func (a *app) hint(err error) error {
	var unknown x509.UnknownAuthorityError
	var noTLS tls.RecordHeaderError
	text, isTLS := err.Error(), strings.HasPrefix(a.url, "rediss://")
	switch {
	case strings.Contains(text, "MOVED "), strings.Contains(text, "ASK "):
		return fmt.Errorf("this is one node of a cluster: add -cluster (%w)", err)
	case errors.As(err, &unknown):
		return fmt.Errorf("%w: if it is an authority of yours, name its file by -cacert", err)
	case isTLS && strings.Contains(text, "remote error: ") && strings.Contains(text, "certificate"):
		return fmt.Errorf("%w: the server wants a certificate that it trusts, by -cert and -key", err)
	case errors.As(err, &noTLS), isTLS && strings.Contains(text, "does not answer within"):
		// Redis takes the beginning of TLS for a command, and waits for its end.
		return fmt.Errorf("%w: if it has no TLS there, try redis:// in place of rediss://", err)
	case strings.HasPrefix(a.url, "redis://") && errors.Is(err, io.EOF):
		return fmt.Errorf("%w: if it has TLS there, try rediss:// in place of redis://", err)
	}
	return err
}
