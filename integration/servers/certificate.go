package servers

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
	"time"
)

// certificate is a server's certificate and the authority that signed it, both made
// for one server and gone with it.
type certificate struct {
	authority *x509.Certificate
	server    []byte // DER
	key       []byte // PKCS 8
}

// newCertificate makes an authority and a certificate for this machine's loopback.
func newCertificate() (*certificate, error) {
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	authority := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "redchan test authority"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	signed, err := x509.CreateCertificate(rand.Reader, authority, authority, &authorityKey.PublicKey, authorityKey)
	if err != nil {
		return nil, err
	}
	if authority, err = x509.ParseCertificate(signed); err != nil {
		return nil, err
	}
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	server, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "redchan test server"},
		NotBefore:    authority.NotBefore,
		NotAfter:     authority.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.ParseIP(loopback)},
	}, authority, &serverKey.PublicKey, authorityKey)
	if err != nil {
		return nil, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(serverKey)
	if err != nil {
		return nil, err
	}
	return &certificate{authority: authority, server: server, key: key}, nil
}

// pool returns the authorities that verify the server's certificate.
func (c *certificate) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.authority)
	return pool
}

// write writes the certificates and the key into a server's directory.
func (c *certificate) write(directory string) error {
	for _, file := range []struct {
		name, kind string
		contents   []byte
	}{
		{caFile, "CERTIFICATE", c.authority.Raw},
		{certFile, "CERTIFICATE", c.server},
		{keyFile, "PRIVATE KEY", c.key},
	} {
		text := pem.EncodeToMemory(&pem.Block{Type: file.kind, Bytes: file.contents})
		if err := os.WriteFile(filepath.Join(directory, file.name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
