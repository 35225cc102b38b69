package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// An Authority signs certificates, of servers at 127.0.0.1 and of clients. It keeps them in files
// of the test.
type Authority struct {
	File string // its own certificate

	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority returns an authority that nobody trusts yet.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{dir: t.TempDir(), key: newKey(t)}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
	}
	a.File = a.write(t, "authority.pem", "CERTIFICATE", a.sign(t, a.cert, a.key))
	return a
}

// Roots returns what a client trusts that trusts the authority.
func (a *Authority) Roots(t testing.TB) *x509.CertPool {
	t.Helper()
	text, err := os.ReadFile(a.File)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		t.Fatalf("%s is no certificate", a.File)
	}
	return roots
}

// Issue makes a certificate and its key, and returns the files that hold them.
func (a *Authority) Issue(t testing.TB, name string) (cert, key string) {
	t.Helper()
	own := newKey(t)
	private, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	signed := a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: a.cert.NotAfter,
		Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}, own)
	return a.write(t, name+"-cert.pem", "CERTIFICATE", signed),
		a.write(t, name+"-key.pem", "PRIVATE KEY", private)
}

// ServerArgs returns arguments for servers that are to have a certificate of the authority, and
// to trust its clients. Which port has TLS, if any, is for other arguments to say.
func (a *Authority) ServerArgs(t testing.TB) []string {
	t.Helper()
	cert, key := a.Issue(t, "server")
	return []string{
		"--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", a.File,
	}
}

func (a *Authority) sign(t testing.TB, about *x509.Certificate, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	signed, err := x509.CreateCertificate(rand.Reader, about, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func (a *Authority) write(t testing.TB, name, kind string, data []byte) (path string) {
	t.Helper()
	path = filepath.Join(a.dir, name)
	text := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
