package conn

import (
	"crypto/tls"
	"net"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redchan-go/redchan/proto"
)

// queueConn is a connection whose incoming bytes wait for the reader, as a socket's do.
type queueConn struct {
	net.Conn
	arrived chan []byte
	rest    []byte
}

// newQueue begins to receive what comes over nc.
func newQueue(nc net.Conn) *queueConn {
	q := &queueConn{Conn: nc, arrived: make(chan []byte, 1024)}
	go func() {
		defer close(q.arrived)
		buf := make([]byte, 64<<10)
		for {
			n, err := nc.Read(buf)
			if err != nil {
				return
			}
			q.arrived <- slices.Clone(buf[:n])
		}
	}()
	return q
}

// Read returns all that has arrived and fits.
func (q *queueConn) Read(p []byte) (int, error) {
	if len(q.rest) == 0 {
		more, ok := <-q.arrived
		if !ok {
			return 0, net.ErrClosed
		}
		q.rest = more
	}
	for len(q.arrived) > 0 && len(q.rest) < len(p) {
		q.rest = append(q.rest, <-q.arrived...)
	}
	n := copy(p, q.rest)
	q.rest = q.rest[n:]
	return n, nil
}

// TLS gives one record at a time: what a read brings is not all that the socket had, and a
// gap began behind messages that were lost.
func TestProofOverTLS(t *testing.T) {
	certificates := httptest.NewTLSServer(nil)
	defer certificates.Close()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer near.Close()
		defer far.Close()
		server := tls.Server(far, &tls.Config{Certificates: certificates.TLS.Certificates})
		go func() {
			hello := make([]byte, 1024)
			if _, err := server.Read(hello); err != nil {
				t.Error(err)
			}
			if _, err := server.Write([]byte("%0\r\n+OK\r\n+OK\r\n+PONG\r\n")); err != nil {
				t.Error(err)
			}
		}()
		d := NewDialer(Options{TLS: &tls.Config{InsecureSkipVerify: true}}.withDefaults())
		raw := newQueue(near)
		c := newConn(raw, "here", Role{Subscriber: true}, proto.Limits{})
		if err := d.setUp(t.Context(), c, manners{}); err != nil {
			t.Fatal(err)
		}

		// While nobody reads, messages arrive.
		const message = "+123456789\r\n"
		var sent []time.Time
		for range 1000 {
			time.Sleep(10 * time.Millisecond)
			sent = append(sent, time.Now())
			if _, err := server.Write([]byte(message)); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		read := 0
		for read < len(sent) {
			n, err := (countingReader{&c.receiver}).Read(make([]byte, minRead))
			if err != nil || n%len(message) != 0 {
				t.Fatalf("%d, %v", n, err)
			}
			read += n / len(message)
			if alive := c.Proven(); read < len(sent) && alive.After(sent[read]) {
				t.Fatalf("all before %v is said to be read, and of %v are %d messages not",
					alive, sent[read], len(sent)-read)
			}
		}
		quiet := time.Now()
		time.Sleep(time.Minute)
		if _, err := server.Write([]byte(message)); err != nil {
			t.Fatal(err)
		}
		if _, err := (countingReader{&c.receiver}).Read(make([]byte, minRead)); err != nil {
			t.Fatal(err)
		}
		if alive := c.Proven(); alive.Before(quiet.Add(-2 * time.Second)) {
			t.Errorf("all was read at %v, and %v is said", quiet, alive)
		}
	})
}

// minRead is the least that connections read at once.
const minRead = 4 << 10
