package main

import (
	"crypto/tls"
	"crypto/x509"
	"os"
)

// A pemFiles is what -cacert, -cert and -key name; empty is what is not given.
type pemFiles struct{ authorities, cert, key string }

// read reads the files.
func (f pemFiles) read() (identity, error) {
	var id identity
	if (f.cert == "") != (f.key == "") {
		return id, usageError("-cert and -key go together: " +
			"the certificate of this client, and its private key")
	}
	if f.authorities != "" {
		text, err := os.ReadFile(f.authorities)
		if err != nil {
			return id, usageError("-cacert: " + err.Error())
		}
		id.roots = x509.NewCertPool()
		if !id.roots.AppendCertsFromPEM(text) {
			return id, usageError("-cacert: " + f.authorities + " has no certificate in PEM")
		}
	}
	if f.cert != "" {
		own, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return id, usageError("-cert and -key: " + err.Error())
		}
		id.own = []tls.Certificate{own}
	}
	return id, nil
}

// An identity says which servers to trust, and who the client is.
type identity struct {
	roots *x509.CertPool // nil: those of the system
	own   []tls.Certificate
}

// complete adds the identity to what go-redis makes of a URL, nil for one without TLS.
func (id identity) complete(c *tls.Config) {
	if c != nil {
		c.MinVersion = tls.VersionTLS12
		c.RootCAs, c.Certificates = id.roots, id.own
	}
}
