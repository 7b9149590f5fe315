package redis_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/redchan-go/redchan/proto"
	"github.com/redchan-go/redchan/redis"
)

// No server speaks TLS over a Unix socket by itself; a proxy in front of one
// may. This one answers every command with OK.
func TestTLSOverUnixSocket(t *testing.T) {
	certificate, roots := testCertificate(t)
	path := filepath.Join(t.TempDir(), "s")
	if runtime.GOOS == "windows" {
		path = strings.ReplaceAll(path, `\`, "/")
	}
	listener, err := tls.Listen("unix", path, &tls.Config{Certificates: []tls.Certificate{certificate}})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			nc, err := listener.Accept()
			if err != nil {
				return
			}
			answerOK(nc)
		}
	}()
	defer func() { <-served }()
	defer listener.Close()

	o, err := redis.ParseURL("redis+unix+tls://example.com" + path + "?protocol=2&dial_timeout=2s")
	if err != nil {
		t.Fatal(err)
	}
	o.TLS.RootCAs = roots
	client, err := redis.OpenWith(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Set(t.Context(), "k", "v"); err != nil {
		t.Errorf("SET: %v", err)
	}
	client.Close()

	// The name in the URL is the one that is verified.
	o, _ = redis.ParseURL("redis+unix+tls://other.name" + path + "?protocol=2&dial_timeout=2s")
	o.TLS.RootCAs = roots
	if _, err := redis.OpenWith(t.Context(), o); err == nil || !strings.Contains(err.Error(), "other.name") {
		t.Errorf("another name on the certificate: %v", err)
	}
}

// testCertificate returns a certificate for example.com, and the roots that
// vouch for it.
func testCertificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.TLS.Certificates[0], roots
}

// answerOK answers commands until the connection ends.
func answerOK(nc net.Conn) {
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(10 * time.Second))
	reader := proto.NewReader(nc, proto.Limits{})
	for {
		v, err := reader.Next()
		if err != nil {
			return
		}
		reply := "+OK\r\n"
		if v.Index(0).Str() == "PING" {
			reply = "+PONG\r\n"
		}
		if _, err := nc.Write([]byte(reply)); err != nil {
			return
		}
	}
}
